/** The scheduler as a run uses it: it may be silent for a while, refuse jobs that are too many, and not say whether it took some. */
import {join} from 'node:path';
import type {Digest} from '../../core/base/canonical.ts';
import {plural} from '../../core/base/text.ts';
import type {Site} from '../config/site.ts';
import type {Emit} from '../events.ts';
import type {StageNode} from '../stages/stage.ts';
import {type BatchFile, elementOf, newBatch, writeBatch} from './batch.ts';
import type {Load} from './flight.ts';
import {commentOf, type QueuedJob} from './queue.ts';
import {scriptText} from './script.ts';
import type {Refusal, Said, Slurm} from './slurm.ts';
import {arraysOf, type WantedArray} from './submit.ts';

export interface ControllerOptions {
  readonly slurm: Slurm;
  readonly site: Site;
  /** Folder of runs. */
  readonly runs: string;
  /** What all jobs have in common. */
  readonly batch: BatchFile;
  /** How this program is started where the site does not say. */
  readonly command: readonly string[];
  readonly cwd: string;
}

/** An array that the scheduler has taken. */
export interface Launch {
  readonly array: string;
  readonly folder: string;
  readonly loads: readonly Load[];
}

export interface Submitted {
  readonly launched: readonly Launch[];
  /** To be submitted later. */
  readonly rest: readonly Load[];
  readonly refused: readonly {readonly loads: readonly Load[]; readonly message: string; readonly hint: string}[];
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #emit: Emit;
  #hasNoAnswer = false;
  /** Elements of one array. */
  #most: number | undefined;
  /** Jobs that may be submitted at the same time, learnt from refusals. */
  #limit: number;
  /** Of which it is not known whether they were taken. */
  #uncertain: {readonly folder: string; readonly comment: string; readonly loads: readonly Load[]}[] = [];

  constructor(options: ControllerOptions, emit: Emit) {
    this.#options = options;
    this.#emit = emit;
    this.#limit = options.site.most_jobs ?? Number.POSITIVE_INFINITY;
  }

  /** All jobs of this user; undefined: it does not answer. Throws for what no waiting mends. */
  async queue(): Promise<readonly QueuedJob[] | undefined> {
    return this.#answerOf(await this.#options.slurm.queue());
  }

  /** It did not answer when it was asked last. */
  get isSilent(): boolean {
    return this.#hasNoAnswer;
  }

  /** Some arrays wait for the queue to tell whether they were taken. */
  get isUncertain(): boolean {
    return this.#uncertain.length > 0;
  }

  /** What became of these, by the jobs in the queue. */
  settleUncertain(jobs: readonly QueuedJob[]): Pick<Submitted, 'launched' | 'rest'> {
    const uncertain = this.#uncertain.splice(0);
    const taken = uncertain.flatMap(({folder, comment, loads}) => {
      const job = jobs.find((one) => one.comment === comment);
      return job ? [{array: job.array, folder, loads}] : [];
    });
    const folders = new Set(taken.map(({folder}) => folder));
    return {launched: taken, rest: uncertain.flatMap(({folder, loads}) => (folders.has(folder) ? [] : loads))};
  }

  /** As many as there is room for beside `flying` jobs. */
  async submit(
    loads: readonly Load[],
    flying: number,
    stages: ReadonlyMap<string, StageNode>,
    fingerprints: ReadonlyMap<string, Digest>,
  ): Promise<Submitted> {
    const {slurm, site} = this.#options;
    this.#most ??= this.#answerOf(await slurm.mostInArray().then(orThousand));
    if (this.#most === undefined) return {launched: [], rest: loads, refused: []};
    const {arrays, rest: later} = arraysOf(loads, site, {most: this.#most, room: this.#limit - flying});
    if (arrays.some((array) => array.loads.length === this.#most) && arrays.length > 1)
      this.#emit({type: 'note', message: `this cluster takes at most ${this.#most} jobs in an array (MaxArraySize)`});
    const launched: Launch[] = [];
    const rest: Load[] = [...later];
    const refused: Submitted['refused'][number][] = [];
    for (const [at, array] of arrays.entries()) {
      const folder = await this.#write(array, stages, fingerprints);
      const said = await slurm.submit(join(folder, 'script.sh'));
      const flown = flying + launched.reduce((sum, one) => sum + one.loads.length, 0);
      if (said.ok) launched.push(this.#taken({array: said.value, folder, loads: array.loads}));
      else if (said.why === 'silent') {
        this.#uncertain.push({folder, comment: this.#comment(folder), loads: array.loads});
        this.#answerOf(said);
      } else if (said.why === 'full' && flown + array.loads.length > 1) {
        this.#limit = Math.max(1, flown + Math.floor(array.loads.length / 2));
        const message = `${said.message}; at most ${plural(this.#limit, 'job')} are submitted at the same time from now on`;
        this.#emit({type: 'warning', message, wait: true});
        rest.push(...arrays.slice(at).flatMap((one) => one.loads));
        break;
      } else {
        const hint = `The script is ${join(folder, 'script.sh')}; what it asks for is in the site file.`;
        refused.push({loads: array.loads, message: said.message, hint});
      }
    }
    return {launched, rest, refused};
  }

  /** Ends jobs; what is not known to be there is looked for first. false: the scheduler has not answered, and may not have done it. */
  async cancel(jobs: readonly string[]): Promise<boolean> {
    const {slurm} = this.#options;
    const uncertain = new Set(this.#uncertain.splice(0).map(({comment}) => comment));
    const queue = uncertain.size > 0 ? await slurm.queue() : undefined;
    const arrays = queue?.ok ? queue.value.filter(({comment}) => uncertain.has(comment)).map(({array}) => array) : [];
    const all = [...new Set([...arrays, ...jobs])];
    const said = all.length > 0 ? await slurm.cancel(all) : undefined;
    return said === undefined || said.ok || said.why !== 'silent';
  }

  async release(job: string): Promise<void> {
    await this.#options.slurm.release(job);
  }

  async #write(
    {request, loads}: WantedArray,
    stages: ReadonlyMap<string, StageNode>,
    fingerprints: ReadonlyMap<string, Digest>,
  ): Promise<string> {
    const {site, runs, batch, command, cwd} = this.#options;
    const jobs = join(runs, batch.run, 'jobs');
    const folder = join(jobs, newBatch(jobs));
    const count = loads.length;
    const comment = this.#comment(folder);
    const script = scriptText({site, request, name: batch.name, comment, folder, count, cwd, command});
    const elements = loads.map(({units}) => elementOf(units, stages, fingerprints));
    await writeBatch(folder, batch, elements, script);
    return folder;
  }

  #comment = (folder: string): string => commentOf(this.#options.batch.run, folder.slice(folder.lastIndexOf('/') + 1));

  #taken(launch: Launch): Launch {
    const {array, loads} = launch;
    const kinds = [...new Set(loads.flatMap(({units}) => units.map(({root}) => root.kind)))].join(', ');
    this.#emit({type: 'note', message: `${plural(loads.length, 'job')} submitted as array ${array} (${kinds})`});
    return launch;
  }

  /** Says so, once, when it does not answer, and when it does again. */
  #answerOf<T>(said: Said<T>): T | undefined {
    if (said.ok) {
      if (this.#hasNoAnswer) this.#emit({type: 'note', message: 'Slurm answers again.'});
      this.#hasNoAnswer = false;
      return said.value;
    }
    if (said.why === 'wrong') throw new Error(said.message);
    if (!this.#hasNoAnswer) {
      const message = `Slurm does not answer (${said.message}); jobs that run go on, and this run waits for it`;
      this.#emit({type: 'warning', message, wait: true});
    }
    this.#hasNoAnswer = true;
    return undefined;
  }
}

/** Slurm's own default where it does not say. */
const orThousand = (said: Said<number | undefined>): {readonly ok: true; readonly value: number} | Refusal =>
  said.ok ? {ok: true, value: said.value ?? 1000} : said;
