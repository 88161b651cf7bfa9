/** The scripts of `completion`, each in its own shell: what it offers after some words. */
import {spawnSync} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {engineNames} from '../../../src/core/engine/engines.ts';
import {Project} from '../../rig/command.ts';

const project = new Project();
const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

beforeAll(async () => {
  for (const shell of shells) {
    const {status, out, err} = await project.run('completion', shell);
    expect([status, err]).toEqual([0, '']);
    project.write(`complete.${shell}`, out);
  }
  project.write('specs/mine.yaml', '');
  project.write('notes.txt', '');
  project.write('drive.zsh', driveZsh);
  project.write('own.yaml', '');
  for (const id of ['20260101-000000-quick-ab12', '20260102-000000-slow-cd34'])
    project.write(`runs/${id}/plan.json`, '{}');
  mkdirSync(project.path('runs', 'cache'), {recursive: true});
});
afterAll(() => project[Symbol.dispose]());

const isHere = (shell: Shell): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

/** Completion in zsh needs a terminal: zsh's own, in which a second zsh tells what it would offer. */
const driveZsh = `zmodload zsh/zpty
zpty z 'TERM=dumb zsh -f -i'
zpty -w z 'unsetopt zle_bracketed_paste; PROMPT= RPROMPT=; autoload -Uz compinit; compinit -u -d ./.zcompdump; source ./complete.zsh'
zpty -w z 'compadd() { local -a found; builtin compadd -O found "$@"; print -lr -- $found >> ./found; builtin compadd "$@" }'
zpty -w z 'tell() { _main_complete; compstate[insert]=; compstate[list]=; print -n "<do""ne>" }'
zpty -w z 'zle -C tell complete-word tell; bindkey "^T" tell; print "<rea""dy>"'
zpty -r z chunk '*<ready>*'
zpty -wn z "$1"$'\\C-t'
zpty -r z chunk '*<done>*'
zpty -d z
cat ./found
rm -f ./found
`;

/** The candidates, sorted, for a line as typed so far. */
const offered: {readonly [shell in Shell]: (line: string) => readonly string[]} = {
  bash(line) {
    // As readline splits it: at blanks, and at "=", which is a word of its own.
    const words = line.split(/ +|(?<==)|(?==)/).filter((word, at, all) => word !== '' || at === all.length - 1);
    return listed('bash', [
      '-c',
      `source ./complete.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pipeline; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      ...words,
    ]);
  },
  zsh(line) {
    return listed('zsh', ['-f', './drive.zsh', line]);
  },
  fish(line) {
    const found = listed('fish', ['--no-config', '-c', 'source ./complete.fish; complete -C $argv[1]', line]);
    return found.map((candidate) => candidate.split('\t')[0]!);
  },
};

function listed(shell: Shell, args: readonly string[]): readonly string[] {
  const {PIPELINE_RUNS: _, ...env} = process.env;
  const {stdout, stderr} = spawnSync(shell, args, {cwd: project.folder, env, encoding: 'utf8'});
  expect(stderr).toBe('');
  return [...new Set(stdout.split('\n').filter((line) => line !== ''))].sort();
}

const runs = ['20260101-000000-quick-ab12', '20260102-000000-slow-cd34', 'latest'];

describe.for(shells)('%s', (shell) => {
  const here = isHere(shell);
  const title = (text: string) => `${text}${here ? '' : ` (needs the shell ${shell})`}`;

  test.skipIf(!here).for([
    ['pipeline val', ['validate']],
    ['pipeline cache ', ['ls', 'prune', 'verify']],
    ['pipeline run --engine ', ['auto', ...engineNames].sort()],
    ['pipeline compare --format=la', [shell === 'fish' ? '--format=latex' : 'latex']],
    ['pipeline compare ', runs],
    ['pipeline why latest ', runs],
    ['pipeline --json data fetch fash', ['fashion-mnist']],
    ['pipeline plan --set learner.epochs=3 --gr', ['--graph']],
    ['pipeline show ', ['augment', ...runs].sort()],
    ['pipeline completion ', ['bash', 'fish', 'zsh']],
    ['pipeline plugins oc-', ['oc-svm']],
  ] as const)(title('%s'), ([line, expected]) => {
    const found = offered[shell](line);
    const plain = found.map((name) => name.replace(/[= ]+$/, ''));
    expect(plain).toEqual(expected);
  });

  test.skipIf(!here)(title('pipeline run: specs and folders before other files'), () => {
    const found = offered[shell]('pipeline run ').map((name) => name.replace(/\/$/, ''));
    expect(found).toContain('own.yaml');
    expect(found).toContain('specs');
    if (shell !== 'fish') expect(found).not.toContain('notes.txt');
  });
});
