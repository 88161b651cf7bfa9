import {allCommands, type CompletedCommand, type CompletedOption, quoted, type Values} from './tree.ts';

/** For zsh's own completion system (`compinit`). */
export function zshCompletion(program: CompletedCommand): string {
  const {name} = program;
  return `#compdef ${name}
# Completion of ${name} in zsh. Load it with: source <(${name} completion zsh)

_${name}_runs() {
  compadd -- latest \${PIPELINE_RUNS:-runs}/<->-*(N/:t)
}

${allCommands(program).map(functionOf).join('\n\n')}

# Read as a file of $fpath it is the body of the function; sourced, it has to be registered.
if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

const nameOf = (place: string): string => `_${place.replaceAll(/[ -]/g, '_')}`;

function functionOf(command: CompletedCommand): string {
  const {place, commands, options, args} = command;
  const specs = [
    ...options.flatMap(optionSpecs),
    ...(commands.length > 0
      ? [quoted('1: :->first'), quoted('*:: :->rest')]
      : args.map(({name, values, variadic}, at) =>
          quoted(`${variadic ? '*' : at + 1}:${escaped(name)}:${actionOf(values, place)}`),
        )),
  ];
  const lines = [
    `${nameOf(place)}() {`,
    ...(commands.length > 0 ? ['  local curcontext=$curcontext state line', '  typeset -A opt_args'] : []),
    `  _arguments ${commands.length > 0 ? '-C ' : ''}-s \\`,
    specs.map((spec) => `    ${spec}`).join(' \\\n'),
  ];
  if (commands.length > 0) {
    const described = commands.map(({name, summary}) => quoted(`${name}:${summary}`));
    // What is no command's name is the command's own argument.
    const [own] = args;
    lines.push(
      '  case $state in',
      '    first)',
      '      local -a commands=(',
      ...described.map((line) => `        ${line}`),
      '      )',
      '      _describe -t commands command commands',
      ...(own && own.values.of !== 'anything' ? [`      ${callOf(own.values, place)}`] : []),
      '      ;;',
      '    rest)',
      '      case $words[1] in',
      ...commands.map((sub) => `        ${sub.name}) ${nameOf(sub.place)} ;;`),
      '      esac',
      '      ;;',
      '  esac',
    );
  }
  return [...lines, '}'].join('\n');
}

/** `'--format=[how to print]:format:(table csv)'`; the names of one option exclude each other. */
const optionSpecs = ({names, summary, values, valueName}: CompletedOption): readonly string[] =>
  names.map((name) => {
    // `-h` and the like never take a value here; long ones take it after a space or a `=`.
    const value = values
      ? `=[${escaped(summary)}]:${escaped(valueName ?? 'value')}:${actionOf(values, 'pipeline')}`
      : `[${escaped(summary)}]`;
    return quoted(`${values ? '*' : `(${names.join(' ')})`}${name}${value}`);
  });

const program = (place: string): string => place.split(' ')[0]!;

const actionOf = (values: Values, place: string): string => {
  switch (values.of) {
    case 'words':
      return `(${values.words.join(' ')})`;
    case 'anything':
      return ' ';
    default:
      return callOf(values, place);
  }
};

const callOf = (values: Values, place: string): string => {
  switch (values.of) {
    case 'words':
      return `compadd -- ${values.words.join(' ')}`;
    case 'specs':
      return '_files -g "*.y(a|)ml"';
    case 'files':
      return '_files';
    case 'folders':
      return '_directories';
    case 'runs':
      return `_${program(place)}_runs`;
    case 'anything':
      return ':';
  }
};

const escaped = (text: string): string => text.replaceAll(/[\\[\]:]/g, '\\$&');
