/** `docs/reference/command-line.md`: every command with its arguments and options, from the parser's own definition. */
import {exitCodes} from '../cli/exit-codes.ts';
import {code, fenced, page, table} from './markdown.ts';

/** What of the parser's `Command` is read. */
export interface ParserCommand {
  name(): string;
  description(): string;
  readonly commands: readonly ParserCommand[];
  readonly options: readonly ParserOption[];
  readonly registeredArguments: readonly ParserArgument[];
}

interface ParserOption {
  readonly flags: string;
  readonly description: string;
  readonly hidden: boolean;
  readonly argChoices?: string[] | undefined;
  readonly defaultValue?: unknown;
}

interface ParserArgument {
  name(): string;
  readonly description: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly argChoices?: string[] | undefined;
  readonly defaultValue?: unknown;
}

/** Each with what reads it; those that only tests set are left out. */
const environment = {
  PIPELINE_RUNS: 'The default of `--runs`.',
  PIPELINE_DATA: 'The default of `--data`.',
  PIPELINE_ENGINE: 'The default of `--engine`.',
  PIPELINE_JOBS: 'The default of `--jobs`.',
  PIPELINE_EXECUTOR: 'The default of `--executor`.',
  PIPELINE_SITE: 'The default of `--site`.',
  PIPELINE_CACHE_HOME:
    "Where TensorFlow's library is kept. Default: the folder `pipeline` in `$XDG_CACHE_HOME` or `~/.cache`.",
  PIPELINE_ALLOW_UNPINNED:
    '`1`: setup may fetch a release of TensorFlow whose checksum is not in this program. Default: it refuses.',
  PIPELINE_TORCH:
    'Folder of the Python package `torch` that `setup --engine torch` compiles against. Default: that which Python on `PATH` imports.',
  PIPELINE_FASTEST:
    '`1`: on an NVIDIA GPU, the engine `torch` takes what cuDNN measures to be the fastest, though sums then differ from run to run in their last digits. Default: algorithms that compute the same bytes every time.',
  PIPELINE_DEBUG: 'Any text: an unexpected error is printed with its stack.',
} as const;

export function commandLinePage(program: ParserCommand): string {
  return page(
    '# Command line',
    program.description(),
    fenced('text', `${program.name()} [options] <command>`),
    '## Options of every command',
    'They may stand before or after the command.',
    optionTable(program),
    ...program.commands
      .filter((command) => command.description() !== '')
      .flatMap((command) => commandSections(command, program.name())),
    '## Exit status',
    table(
      ['status', 'meaning'],
      [
        [code(String(exitCodes.done)), 'Everything was done.'],
        [
          code(String(exitCodes.failed)),
          'A task failed, or an image could not be read. The other tasks or images are done. A task also fails if its data are missing.',
        ],
        [
          code(String(exitCodes.wrongInput)),
          'The command line or the spec is wrong, or all data of a spec are missing. Nothing was computed.',
        ],
        [code(String(exitCodes.interrupted)), 'The run was interrupted (Ctrl-C). The same command continues it.'],
      ],
    ),
    '## Environment variables',
    table(
      ['variable', 'meaning'],
      Object.entries(environment).map(([name, meaning]) => [code(name), meaning]),
    ),
  );
}

/** A command, and those below it. */
function commandSections(command: ParserCommand, above: string): readonly string[] {
  const place = `${above} ${command.name()}`;
  const runnable = command.commands.length === 0 || command.registeredArguments.length > 0;
  return [
    `## ${place}`,
    sentence(command.description()),
    runnable ? fenced('text', `${place} ${usageOf(command)}`.trimEnd()) : '',
    table(['argument', 'meaning'], command.registeredArguments.map(argumentRow)),
    optionTable(command),
    ...command.commands.flatMap((one) => commandSections(one, place)),
  ];
}

const usageOf = (command: ParserCommand): string =>
  [...command.registeredArguments.map(argumentTerm), ...(command.options.length > 0 ? ['[options]'] : [])].join(' ');

const argumentTerm = (argument: ParserArgument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

const argumentRow = (argument: ParserArgument): readonly string[] => [
  code(argumentTerm(argument)),
  sentence(withChoices(argument.description, argument.argChoices, argument.defaultValue)),
];

const optionTable = (command: ParserCommand): string =>
  table(
    ['option', 'meaning'],
    command.options
      .filter(({hidden}) => !hidden)
      .map((option) => [
        code(option.flags),
        sentence(withChoices(option.description, option.argChoices, shownDefault(option))),
      ]),
  );

/** A switch that is off by default says nothing. */
const shownDefault = ({defaultValue}: ParserOption): unknown => (defaultValue === false ? undefined : defaultValue);

function withChoices(description: string, choices: readonly string[] | undefined, defaultValue: unknown): string {
  const text = description === '' ? [] : [description.replace(/\.$/, '')];
  const words = choices ? [`one of ${choices.map(code).join(', ')}`] : [];
  const unset = defaultValue === undefined ? [] : [`default ${code(String(defaultValue))}`];
  return [...text, ...words, ...unset].join('; ');
}

const sentence = (text: string): string =>
  text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}${/\.$/.test(text) ? '' : '.'}`;
