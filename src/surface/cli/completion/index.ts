/** `completion`: a shell's script, made from the command line's own definition. */
import {kinds} from '../../../core/plugin/registry.ts';
import {readBaselines} from '../../../pipeline/store/results/baselines.ts';
import {builtinPlugins} from '../builtin.ts';
import {exitCodes} from '../exit-codes.ts';
import {out} from '../session.ts';
import {bashCompletion} from './bash.ts';
import {fishCompletion} from './fish.ts';
import {completedTree, type Meanings, type ParserCommand} from './tree.ts';
import {zshCompletion} from './zsh.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const scripts = {bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion} as const;

export async function completion(shell: Shell, program: ParserCommand): Promise<number> {
  out(scripts[shell](completedTree(program, meanings())));
  return exitCodes.done;
}

function meanings(): Meanings {
  const plugins = builtinPlugins();
  const words = (list: Iterable<string>) => ({of: 'words' as const, words: [...new Set(list)].sort()});
  return {
    spec: {of: 'specs'},
    run: {of: 'runs'},
    other: {of: 'runs'},
    what: {of: 'runs'},
    file: {of: 'files'},
    images: {of: 'files'},
    folder: {of: 'folders'},
    dataset: words(plugins.names('dataset')),
    plugin: words(kinds.flatMap((kind) => plugins.names(kind))),
    metric: words(['all', ...plugins.names('metric')]),
    table: words(readBaselines().map(({table}) => table)),
  };
}
