/** Slurm's commands. None waits for ever, and a controller that does not answer is a value, not an end. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {codeOf} from '../../core/base/files.ts';
import {messageOf} from '../../core/base/thrown.ts';
import {slurmEnvironment} from './environment.ts';
import {mostInArray, parseQueue, type QueuedJob, squeueArguments, submittedId} from './queue.ts';

/** What a command said. */
export type Said<T> = {readonly ok: true; readonly value: T} | Refusal;

export interface Refusal {
  readonly ok: false;
  readonly message: string;
  /**
   * `silent`: the controller was not reached, or not in time, or the command was ended from outside: it may have done what was asked. `full`: a limit on jobs is reached.
   * `wrong`: it will say so again, whatever happens meanwhile.
   */
  readonly why: 'silent' | 'full' | 'wrong';
}

export interface Slurm {
  /** Every job of this user that the controller knows, those that ended lately included. */
  queue(): Promise<Said<readonly QueuedJob[]>>;
  /** Elements of one array at most; undefined: the cluster does not say. */
  mostInArray(): Promise<Said<number | undefined>>;
  /** The id of the array. */
  submit(script: string): Promise<Said<string>>;
  cancel(jobs: readonly string[]): Promise<Said<void>>;
  release(job: string): Promise<Said<void>>;
}

/** Milliseconds: more than the time that Slurm's commands themselves try to reach a controller. */
const patience = 120_000;
/** Ids in one command line. */
const together = 500;

export const slurm: Slurm = {
  queue: async () => mapped(await command('squeue', ['--me', ...squeueArguments]), parseQueue),
  mostInArray: async () => mapped(await command('scontrol', ['show', 'config']), mostInArray),
  async submit(script) {
    const said = await command('sbatch', ['--parsable', script], readFileSync(script, 'utf8'));
    if (!said.ok) return said;
    const id = submittedId(said.value);
    return id === undefined
      ? {ok: false, message: `sbatch printed "${said.value.trim()}", which has no id of a job`, why: 'wrong'}
      : {ok: true, value: id};
  },
  async cancel(jobs) {
    for (let from = 0; from < jobs.length; from += together) {
      const said = await command('scancel', ['--quiet', ...jobs.slice(from, from + together)]);
      if (!said.ok) return said;
    }
    return {ok: true, value: undefined};
  },
  release: async (job) => mapped(await command('scontrol', ['release', job]), () => undefined),
};

const mapped = <A, B>(said: Said<A>, change: (value: A) => B): Said<B> =>
  said.ok ? {ok: true, value: change(said.value)} : said;

async function command(name: string, args: readonly string[], script?: string): Promise<Said<string>> {
  const env = slurmEnvironment(process.env, script);
  // In a process group of its own: Ctrl-C in a terminal reaches all processes of a group, and these commands cancel jobs after it.
  const child = spawn(name, args, {env, timeout: patience, detached: true, stdio: ['ignore', 'pipe', 'pipe']});
  const printed = {out: '', err: ''};
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.err += text));
  try {
    const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (status === 0) return {ok: true, value: printed.out};
    const text = child.killed ? 'it did not answer in time' : signal ? `it was ended by ${signal}` : undefined;
    // Nobody knows what a command that was ended has done before.
    if (text !== undefined) return {ok: false, message: wordsOf(name, text), why: 'silent'};
    const said = `${printed.err}${printed.out}`.trim();
    return {ok: false, message: wordsOf(name, said), why: whyOf(said)};
  } catch (error) {
    const isMissing = codeOf(error) === 'ENOENT';
    const message = isMissing ? `the command ${name} is not on this machine` : wordsOf(name, messageOf(error));
    return {ok: false, message, why: isMissing ? 'wrong' : whyOf(message)};
  }
}

const silent =
  /unable to contact|connect(ion)? (failure|refused|reset|timed)|timed? ?out|zero bytes|transport|communication|in backup mode|shutting down|protocol authentication/i;
const full = /temporarily|submit limit|MaxSubmit|MaxJob|maximum.*jobs|too many jobs/i;

export const whyOf = (text: string): Refusal['why'] =>
  silent.test(text) ? 'silent' : full.test(text) ? 'full' : 'wrong';

/** `sbatch: error: Batch job submission failed: Invalid partition` → `sbatch: Batch job submission failed: Invalid partition`. */
const wordsOf = (name: string, text: string): string => {
  const lines = text.split('\n').map((line) => line.replace(/^\w+: (error|fatal): /, '').trim());
  return `${name}: ${lines.filter((line) => line !== '').join('; ') || 'it failed without a word'}`;
};
