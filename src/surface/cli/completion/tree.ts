/** The command line as its completion sees it, taken from the parser's own commands. */

/** What of the parser's `Command` is read. */
export interface ParserCommand {
  name(): string;
  summary(): string;
  description(): string;
  readonly commands: readonly ParserCommand[];
  readonly options: readonly ParserOption[];
  readonly registeredArguments: readonly ParserArgument[];
}

interface ParserOption {
  readonly long?: string | undefined;
  readonly short?: string | undefined;
  readonly flags: string;
  readonly description: string;
  readonly required: boolean;
  readonly optional: boolean;
  readonly hidden: boolean;
  readonly argChoices?: string[] | undefined;
}

interface ParserArgument {
  name(): string;
  readonly variadic: boolean;
  readonly argChoices?: string[] | undefined;
}

/** What may stand in a place: some words, or what the shell has to look for. `anything`: nothing can be offered. */
export type Values = {readonly of: 'words'; readonly words: readonly string[]} | {readonly of: Sought};
export type Sought = 'specs' | 'runs' | 'files' | 'folders' | 'anything';

export interface CompletedOption {
  /** `--version`, then `-V` where there is one. */
  readonly names: readonly string[];
  readonly summary: string;
  /** Absent: it takes no value. */
  readonly values?: Values;
  readonly valueName?: string;
}

export interface CompletedCommand {
  /** `pipeline cache ls`. */
  readonly place: string;
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CompletedCommand[];
  /** Its own, then those of every command. */
  readonly options: readonly CompletedOption[];
  readonly args: readonly {readonly name: string; readonly values: Values; readonly variadic: boolean}[];
}

/** Values by the name that help gives them: `<spec>`, `<dataset>`. */
export type Meanings = {readonly [placeholder: string]: Values};

/** `meanings`: those with a place in this program's help; a name that is not among them stands for anything. */
export function completedTree(program: ParserCommand, meanings: Meanings): CompletedCommand {
  const optionOf = ({
    long,
    short,
    flags,
    description,
    required,
    optional,
    argChoices,
  }: ParserOption): CompletedOption => {
    const names = [long, short].filter((name) => name !== undefined);
    if (!required && !optional) return {names, summary: description};
    const valueName = /[<[]([\w-]+)/.exec(flags)?.[1] ?? 'value';
    return {names, summary: description, valueName, values: valuesOf(valueName, argChoices)};
  };
  const valuesOf = (name: string, choices: readonly string[] | undefined): Values =>
    choices ? {of: 'words', words: choices} : (meanings[name] ?? {of: 'anything'});
  const everywhere = [
    ...program.options.filter(({hidden}) => !hidden).map(optionOf),
    {names: ['--help', '-h'], summary: 'display help for command'},
  ];
  const visit = (command: ParserCommand, place: string): CompletedCommand => ({
    place,
    name: command.name(),
    summary: command.summary() || command.description(),
    commands: command.commands
      .filter((sub) => sub.description() !== '')
      .map((sub) => visit(sub, `${place} ${sub.name()}`)),
    options: [
      ...(command === program ? [] : command.options.filter(({hidden}) => !hidden).map(optionOf)),
      ...everywhere,
    ],
    args: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      values: valuesOf(argument.name(), argument.argChoices),
      variadic: argument.variadic,
    })),
  });
  return visit(program, program.name());
}

/** A command and all below it. */
export const allCommands = (command: CompletedCommand): readonly CompletedCommand[] => [
  command,
  ...command.commands.flatMap(allCommands),
];

/** In single quotes, as bash and zsh read them. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
