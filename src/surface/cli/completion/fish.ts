import {allCommands, type CompletedCommand, type Values} from './tree.ts';

/** For fish 3 and later. */
export function fishCompletion(program: CompletedCommand): string {
  const {name} = program;
  const commands = allCommands(program);
  const valued = [...new Set(commands.flatMap(({options}) => options.flatMap((it) => (it.values ? it.names : []))))];
  return `# Completion of ${name} in fish. Load it with: ${name} completion fish | source

# Whether the words so far lead to the command, and to its argument of that number where one is given.
function __${name}_at -a wanted number
    set -l place ${name}
    set -l seen 0
    set -l awaiting no
    for word in (commandline -opc)[2..]
        if test $awaiting = yes
            set awaiting no
        else if contains -- $word ${valued.join(' ')}
            set awaiting yes
        else if string match -q -- '-*' $word
            continue
        else if test $seen = 0; and contains -- "$place $word" ${commands
          .slice(1)
          .map(({place}) => quotedInFish(place))
          .join(' ')}
            set place "$place $word"
        else
            set seen (math $seen + 1)
        end
    end
    test "$place" = "$wanted"; and begin
        test -z "$number"; or test "$number" = $seen
    end
end

function __${name}_runs
    echo latest
    set -l folder runs
    set -q PIPELINE_RUNS; and set folder $PIPELINE_RUNS
    for run in $folder/*-*/plan.json
        basename (dirname $run)
    end
end

complete -c ${name} -f
${commands.flatMap((command) => linesOf(command, name)).join('\n')}
`;
}

function linesOf({place, commands, options, args}: CompletedCommand, name: string): readonly string[] {
  const at = (number?: number) =>
    `complete -c ${name} -n ${quotedInFish(`__${name}_at '${place}'${number === undefined ? '' : ` ${number}`}`)}`;
  return [
    ...commands.map((sub) => `${at(0)} -a ${sub.name} -d ${quotedInFish(sub.summary)}`),
    ...args.map(({values, variadic}, number) => `${at(variadic ? undefined : number)}${offered(values, name)}`),
    ...options.map(({names, summary, values}) => {
      const flags = names.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      // `-x`: a value, and none of the files that would else be offered.
      const value = values ? ` -${values.of === 'files' ? 'r' : 'x'}${offered(values, name)}` : '';
      return `${at()} ${flags.join(' ')} -d ${quotedInFish(summary)}${value}`;
    }),
  ];
}

const offered = (values: Values, name: string): string => {
  switch (values.of) {
    case 'words':
      return ` -a ${quotedInFish(values.words.join(' '))}`;
    case 'specs':
      return ` -k -a '(__fish_complete_suffix .yaml)'`;
    case 'runs':
      return ` -a '(__${name}_runs)'`;
    case 'folders':
      return ` -a '(__fish_complete_directories)'`;
    case 'files':
      return ' -F';
    case 'anything':
      return '';
  }
};

const quotedInFish = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
