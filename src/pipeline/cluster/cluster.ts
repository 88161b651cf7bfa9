/**
 * Computes stages as jobs of Slurm. Units that are ready are collected for a moment and submitted as arrays; their logs, on the
 * shared file system, tell what they do, and the cache has their results. The scheduler is asked about all jobs at once, and only to
 * learn why one waits and which have ended without a record.
 */
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import type {Digest} from '../../core/base/canonical.ts';
import {systemProblem} from '../../core/base/system-error.ts';
import {messageOf} from '../../core/base/thrown.ts';
import type {Emit, Unstamped} from '../events.ts';
import type {Elsewhere, Obtained} from '../execute/elsewhere.ts';
import type {StageNode} from '../stages/stage.ts';
import {type Adoptable, adoptable} from './adopt.ts';
import {attemptsIn, logTail} from './batch.ts';
import {Bill} from './bill.ts';
import {Controller, type ControllerOptions, type Launch} from './controller.ts';
import {Flight, type Load, loadOf} from './flight.ts';
import {hasEnded, type QueuedJob} from './queue.ts';
import {canGrow, type Growth, logName} from './script.ts';
import {requestFor} from './submit.ts';
import {type Links, linksOf, unitOf} from './units.ts';
import {saysOutOfMemory, type Verdict, verdictOn} from './verdict.ts';

export interface ClusterOptions extends ControllerOptions {
  /** Whether the process that drives another run is known to have ended. */
  readonly isGone: (run: string) => boolean;
}

/** Milliseconds in which no more units become ready before they are submitted, and after which they are anyway. */
const moment = {quiet: 300, most: 3000} as const;
/** Milliseconds between two looks at the logs, and between two reasons of one waiting job. */
const every = {look: 1000, reason: 30_000} as const;

interface Wish {
  readonly node: StageNode;
  readonly fingerprint: Digest;
  settle(obtained: Obtained): void;
}

export class Cluster implements Elsewhere {
  readonly #options: ClusterOptions;
  #emit!: Emit;
  #signal!: AbortSignal;
  #links!: Links;
  readonly #made = new Map<string, Digest>();
  readonly #fingerprints = new Map<string, Digest>();
  /** What the run waits for. */
  readonly #wishes = new Map<string, Wish>();
  /** Wished for, and in no unit yet; and when the first and the last of them came. */
  #fresh: StageNode[] = [];
  #freshSince = 0;
  #freshLast = 0;
  /** To be submitted, or to be submitted again. */
  #loads: Load[] = [];
  readonly #flights = new Set<Flight>();
  /** Stage → the job that computes it, or has. */
  readonly #owners = new Map<string, Flight>();
  #controller!: Controller;
  readonly #bill = new Bill();
  #adoptable: ReadonlyMap<Digest, Adoptable> = new Map();
  #nextPoll = 0;
  #nextSearch = 0;
  readonly #engines = new Set<string>();
  #stopping = false;
  /** The scheduler has heard that this run's jobs are to end. */
  #isCancelled = false;
  #loop: Promise<void> | undefined;
  #nap = new AbortController();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  begin({graph, emit, signal}: Parameters<Elsewhere['begin']>[0]): void {
    this.#emit = emit;
    this.#signal = signal;
    this.#links = linksOf(graph);
    this.#controller = new Controller(this.#options, emit);
    signal.addEventListener('abort', () => this.#nap.abort(), {once: true});
  }

  grow(stages: readonly StageNode[]): void {
    this.#links = linksOf([...this.#links.stages.values(), ...stages]);
  }

  has(stage: string, fingerprint: Digest): void {
    this.#made.set(stage, fingerprint);
  }

  isUnderWay(stage: string): boolean {
    return this.#owners.has(stage);
  }

  async obtain(node: StageNode, fingerprint: Digest): Promise<Obtained> {
    const flight = this.#owners.get(node.id);
    const known = flight?.settled.get(node.id);
    if (known) return known;
    if (this.#signal.aborted) return {status: 'interrupted'};
    const obtained = new Promise<Obtained>((settle) => this.#wishes.set(node.id, {node, fingerprint, settle}));
    this.#fingerprints.set(node.id, fingerprint);
    if (!flight) this.#add(node);
    this.#loop ??= this.#drive().finally(() => {
      this.#loop = undefined;
    });
    return await obtained;
  }

  async sum(): Promise<string | undefined> {
    // Of the last ones the end may not have been read yet.
    for (const flight of [...this.#flights]) this.#land(flight);
    // The whole time of jobs that have ended since the last look. Without an answer, what is known has to do.
    if (this.#bill.isOpen && !this.#controller.isSilent) await this.#queue().catch(() => undefined);
    return this.#bill.text;
  }

  async close(): Promise<void> {
    await this.#loop;
  }

  #add(node: StageNode): void {
    this.#freshLast = performance.now();
    if (this.#fresh.length === 0) this.#freshSince = this.#freshLast;
    this.#fresh.push(node);
  }

  /** While the run waits for something. */
  async #drive(): Promise<void> {
    try {
      while (this.#wishes.size > 0) {
        if (this.#signal.aborted && !this.#stopping) await this.#stop();
        await this.#follow();
        if (!this.#stopping) await this.#submit();
        if (performance.now() >= this.#nextPoll) await this.#poll();
        if (this.#wishes.size > 0) await this.#pause();
      }
    } catch (error) {
      const problem = systemProblem(error) ?? {message: messageOf(error)};
      if (this.#signal.aborted)
        this.#emit({type: 'warning', message: `${problem.message}; jobs may go on`, wait: true});
      const outcome = this.#signal.aborted ? {status: 'interrupted' as const} : {status: 'failed' as const, ...problem};
      for (const id of [...this.#wishes.keys()]) this.#settle(id, outcome);
    }
  }

  async #pause(): Promise<void> {
    const {site} = this.#options;
    this.#nap = new AbortController();
    const look = this.#fresh.length > 0 ? moment.quiet / 3 : Math.min(every.look, 1000 * site.poll);
    if (this.#signal.aborted === this.#stopping)
      await delay(look, undefined, {signal: this.#nap.signal}).catch(() => {});
  }

  /** Reads what the jobs have written. */
  async #follow(): Promise<void> {
    const folders = new Map<string, ReturnType<typeof attemptsIn>>();
    for (const flight of [...this.#flights]) {
      const {folder, index} = flight;
      if (!folders.has(folder)) folders.set(folder, attemptsIn(folder));
      await flight.read(folders.get(folder)!.get(index) ?? [], (event) => this.#hear(event));
      for (const [id, obtained] of flight.settled) this.#settle(id, obtained);
      if (flight.record === 'done' || flight.record === 'failed' || this.#stopping) this.#judge(flight, undefined);
    }
  }

  #hear(event: Unstamped): void {
    if (event.type === 'engine-started') {
      const {name, version, device} = event.engine;
      const engine = `${name} ${version} ${device}`;
      if (this.#engines.has(engine)) return; // each of a thousand jobs says it
      this.#engines.add(engine);
    }
    this.#emit(event);
  }

  #settle(id: string, obtained: Obtained): void {
    this.#wishes.get(id)?.settle(obtained);
    this.#wishes.delete(id);
  }

  async #submit(): Promise<void> {
    const now = performance.now();
    const isRipe = now - this.#freshLast > moment.quiet || now - this.#freshSince > moment.most;
    if (this.#fresh.length > 0 ? !isRipe : this.#loads.length === 0) return;
    if (this.#controller.isUncertain || !(await this.#lookForOthers())) return;
    for (const root of this.#fresh.splice(0)) this.#plan(root);
    if (this.#loads.length === 0) return;
    const {launched, rest, refused} = await this.#controller.submit(
      this.#loads.splice(0),
      this.#flights.size,
      this.#links.stages,
      this.#fingerprints,
    );
    this.#loads.push(...rest);
    for (const launch of launched) this.#launchArray(launch);
    for (const {loads, message, hint} of refused)
      for (const {units} of loads) for (const {root} of units) this.#settle(root.id, {status: 'failed', message, hint});
  }

  /** What goes into a job with this stage, or which job of another run computes it. */
  #plan(root: StageNode): void {
    if (this.#owners.has(root.id)) return;
    const unit = unitOf(root, this.#links, this.#made, (id) => this.#owners.has(id) || this.#wishes.has(id));
    const load = loadOf(unit);
    const other = this.#adoptable.get(this.#fingerprints.get(root.id)!);
    if (other?.root === root.id) {
      this.#emit({
        type: 'note',
        message: `"${root.label}" is computed by job ${other.job}, which another run has submitted: this run waits for it`,
      });
      this.#launch(new Flight(load, other));
    } else this.#loads.push(load);
  }

  /** Before anything new is submitted: another run may have submitted it meanwhile. false: the controller does not answer. */
  async #lookForOthers(): Promise<boolean> {
    if (this.#fresh.length === 0) return true;
    const {runs, batch, isGone, site} = this.#options;
    if (performance.now() < this.#nextSearch) return false;
    const jobs = await this.#queue();
    if (jobs) this.#adoptable = adoptable(jobs, {runs, run: batch.run, isGone});
    else this.#nextSearch = performance.now() + 1000 * site.poll;
    return jobs !== undefined;
  }

  #launchArray({array, folder, loads}: Launch): void {
    for (const [index, load] of loads.entries())
      this.#launch(new Flight(load, {folder, index, job: `${array}_${index}`, own: true}));
  }

  #launch(flight: Flight): void {
    this.#flights.add(flight);
    if (flight.load.jobs > 0) this.#bill.again++;
    if (flight.own) this.#bill.open(flight.job, requestFor(this.#options.site, flight.load).gpus ?? 0);
    for (const {id} of flight.stages) this.#owners.set(id, flight);
    this.#sayWaits(flight);
  }

  /** `job`: what the scheduler says of it. */
  #sayWaits(flight: Flight, job?: QueuedJob): void {
    const at = performance.now();
    const because = job?.reason;
    if (flight.waits && (flight.waits.because === because || at - flight.waits.at < every.reason)) return;
    if (because !== undefined) flight.waits = {because, at};
    const said = {job: flight.job, ...(job && {partition: job.partition, because: job.reason})};
    for (const {root} of flight.load.units) {
      const {id: stage, kind, label} = root;
      this.#emit({type: 'stage-queued', stage, kind, label, ...said});
    }
  }

  /** All jobs; undefined: the scheduler does not answer. */
  async #queue(): Promise<readonly QueuedJob[] | undefined> {
    const jobs = await this.#controller.queue();
    for (const {id, seconds} of jobs ?? []) this.#bill.see(id, seconds);
    return jobs;
  }

  async #poll(): Promise<void> {
    const {site} = this.#options;
    this.#nextPoll = performance.now() + 1000 * (this.#stopping ? Math.min(1, site.poll) : site.poll);
    if (this.#flights.size === 0 && !this.#controller.isUncertain) return;
    const queue = await this.#queue();
    if (!queue) return;
    if (this.#stopping && !this.#isCancelled) await this.#cancel();
    const {launched, rest} = this.#controller.settleUncertain(queue);
    for (const launch of launched) this.#launchArray(launch);
    this.#loads.push(...rest);
    const jobs = new Map(queue.map((job) => [job.id, job]));
    // Once more: what ended between the last look and the answer has written its end.
    await this.#follow();
    for (const flight of [...this.#flights]) {
      const job = jobs.get(flight.job);
      flight.gone = !job || hasEnded(job) ? flight.gone + 1 : 0;
      if (job?.state === 'PENDING') this.#sayWaits(flight, job);
      await this.#act(flight, this.#judge(flight, job));
    }
  }

  /** What to do about a job; what needs no command is done. */
  #judge(flight: Flight, job: QueuedJob | undefined): Verdict | undefined {
    if (!this.#flights.has(flight)) return undefined;
    const {record, gone, folder, index} = flight;
    if (this.#stopping) {
      if (record === undefined && gone === 0 && flight.own) return undefined;
      this.#end(flight, {status: 'interrupted'});
      return undefined;
    }
    const killed = gone > 0 && saysOutOfMemory(logTail(folder, index)) ? 'memory' : flight.killed;
    const verdict = verdictOn({...(record && {record}), ...(job && {job}), gone, ...(killed && {killed})});
    if (verdict.to === 'take') this.#end(flight);
    else if (verdict.to === 'resubmit') this.#resubmit(flight, verdict.because, verdict.grow);
    else return verdict;
    return undefined;
  }

  async #act(flight: Flight, verdict: Verdict | undefined): Promise<void> {
    if (verdict?.to === 'release') {
      await this.#controller.release(flight.job);
      this.#warn(flight, `the scheduler held it (${verdict.because}); it was released`);
    } else if (verdict?.to === 'refuse') {
      await this.#controller.cancel([flight.job]);
      this.#end(flight, {
        status: 'failed',
        message: `job ${flight.job} can never run: ${verdict.because}`,
        hint: 'Ask for less in the site file, or for another partition.',
      });
    } else if (verdict?.to === 'wait' && verdict.because !== undefined) {
      const hint = `release it: scontrol release ${flight.job}`;
      this.#warn(flight, `it is held (${verdict.because}) and waits until somebody releases it (${hint})`);
    }
  }

  #warn(flight: Flight, message: string): void {
    if (flight.said.has(message)) return;
    flight.said.add(message);
    const {root} = flight.load.units[0]!;
    this.#emit({type: 'warning', stage: root.id, message: `job ${flight.job}: ${message}`, wait: true});
  }

  #land(flight: Flight): void {
    this.#flights.delete(flight);
    this.#bill.hear(flight.job, flight.seconds);
  }

  /** The job has said all that it will; `rest`: what becomes of stages that it has not settled. Default: it is tried again. */
  #end(flight: Flight, rest?: Obtained): void {
    this.#land(flight);
    if (rest?.status === 'failed') flight.settleFailures();
    for (const [id, obtained] of flight.settled) this.#settle(id, obtained);
    for (const {id} of flight.stages) {
      if (flight.settled.has(id)) continue;
      this.#owners.delete(id);
      const wish = this.#wishes.get(id);
      if (wish && rest) this.#settle(id, rest);
      else if (wish) this.#add(wish.node); // of a job of another run, which did not have this stage
    }
  }

  #resubmit(flight: Flight, because: string, grow: keyof Growth | undefined): void {
    const {site} = this.#options;
    const {load} = flight;
    const {kind} = load.units[0]!.root;
    const hasMoved = flight.progress > load.progress + 1e-9;
    const more = grow === 'memory' || !hasMoved ? grow : undefined;
    const grows = more !== undefined && canGrow(site, kind, load.grown, more);
    const tries = hasMoved || grows ? 0 : load.tries + 1;
    if (tries > site.retries) {
      this.#end(flight, this.#givenUp(flight, because, grow, tries));
      return;
    }
    this.#warn(
      flight,
      `${because}; it is submitted again${grows ? `, with more ${more}` : hasMoved ? ', from where it was' : ''}`,
    );
    const grown = grows ? {...load.grown, [more]: load.grown[more] + 1} : load.grown;
    this.#land(flight);
    const units = load.units.filter(({nodes}) => nodes.some(({id}) => !flight.settled.has(id)));
    this.#loads.push({units, grown, tries, jobs: load.jobs + 1, progress: Math.max(load.progress, flight.progress)});
    this.#nextPoll = 0;
  }

  #givenUp(flight: Flight, because: string, grow: keyof Growth | undefined, tries: number): Obtained {
    const {folder, index, job, load, where} = flight;
    const {kind} = load.units[0]!.root;
    const tail = logTail(folder, index);
    const log = join(folder, logName(index));
    const place = where ? ` on ${where.node}` : '';
    return {
      status: 'failed',
      message: `job ${job}${place}: ${because}, ${tries} times in a row.${tail === '' ? ' It has printed nothing.' : ` Its log ends:\n${tail}`}`,
      hint:
        grow === undefined
          ? `The whole log is ${log}.`
          : `Give it more: resources.${kind}.${grow} or ${grow}_max in the site file. The whole log is ${log}.`,
    };
  }

  async #cancel(): Promise<readonly Flight[]> {
    const flying = [...this.#flights].filter((flight) => flight.own);
    this.#isCancelled = await this.#controller.cancel(flying.map(({job}) => job));
    return flying;
  }

  /** Jobs get the time that Slurm gives them to write checkpoints. */
  async #stop(): Promise<void> {
    this.#stopping = true;
    this.#nextPoll = 0;
    this.#fresh = [];
    this.#loads = [];
    const flying = await this.#cancel();
    const stages = new Set(flying.flatMap((flight) => flight.stages.map(({id}) => id)));
    for (const id of [...this.#wishes.keys()]) if (!stages.has(id)) this.#settle(id, {status: 'interrupted'});
  }
}
