import {allCommands, type CompletedCommand, quoted, type Values} from './tree.ts';

/** For bash 3.2 and later, without the package bash-completion. Where bash splits words at `=` they are joined again. */
export function bashCompletion(program: CompletedCommand): string {
  const {name} = program;
  const places = allCommands(program);
  return `# Completion of ${name} in bash. Load it with: source <(${name} completion bash)

# Sets what may follow the words that lead to a command.
_${name}_place() {
  case $1 in
${places.map(placeCase).join('\n')}
  esac
}

# Sets \`values\` to those of an option of a command; status 1 where it takes none.
_${name}_values() {
  case "$1 $2" in
${places.flatMap(valueCases).join('\n')}
    *) return 1 ;;
  esac
}

_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} place=${name} awaiting='' seen=0 word i
  local commands='' options='' values='' arguments=() rest=''
  COMPREPLY=()
  _${name}_place "$place"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then
      awaiting=\${awaiting:-=}
    elif [[ $awaiting ]]; then
      awaiting=''
    elif [[ $word == -* ]]; then
      _${name}_values "$place" "$word" && awaiting=$word
    elif [[ $seen == 0 && " $commands " == *" $word "* ]]; then
      place="$place $word"
      _${name}_place "$place"
    else
      seen=$((seen + 1))
    fi
  done
  [[ $cur == '=' ]] && cur=''
  values=''
  if [[ $awaiting ]]; then
    _${name}_values "$place" "$awaiting"
  elif [[ $cur == -* ]]; then
    values=$options
  else
    values=\${arguments[seen]:-$rest}
    # Where a command may have a command or an argument, both are offered.
    [[ $seen == 0 ]] && COMPREPLY=($(compgen -W "$commands" -- "$cur"))
  fi
  local IFS=$'\\n'
  case $values in
    @specs) COMPREPLY+=($(compgen -f -X '!*.y*ml' -- "$cur") $(compgen -d -- "$cur")) ;;
    @files) COMPREPLY+=($(compgen -f -- "$cur")) ;;
    @folders) COMPREPLY+=($(compgen -d -- "$cur")) ;;
    @runs) COMPREPLY+=($(compgen -W "latest$IFS$(cd "\${PIPELINE_RUNS:-runs}" 2>/dev/null && compgen -G '[0-9]*-*')" -- "$cur")) ;;
    *)
      IFS=$' \\t\\n'
      COMPREPLY+=($(compgen -W "$values" -- "$cur"))
      ;;
  esac
  case $values in
    @specs | @files | @folders) compopt -o filenames 2>/dev/null ;;
  esac
}

complete -F _${name} ${name}
`;
}

const placeCase = ({place, commands, options, args}: CompletedCommand): string => {
  const fixed = args.filter(({variadic}) => !variadic).map(({values}) => quoted(valuesText(values)));
  const rest = args.find(({variadic}) => variadic);
  return `    ${quoted(place)})
      commands=${quoted(commands.map(({name}) => name).join(' '))}
      options=${quoted(options.flatMap(({names}) => names).join(' '))}
      arguments=(${fixed.join(' ')})
      rest=${quoted(rest ? valuesText(rest.values) : '')}
      ;;`;
};

const valueCases = ({place, options}: CompletedCommand): readonly string[] =>
  options.flatMap(({names, values}) =>
    values
      ? [`    ${names.map((name) => quoted(`${place} ${name}`)).join(' | ')}) values=${quoted(valuesText(values))} ;;`]
      : [],
  );

const valuesText = (values: Values): string =>
  values.of === 'words' ? values.words.join(' ') : values.of === 'anything' ? '' : `@${values.of}`;
