/** One job on its way: what its logs have told so far. The logs of all its attempts are read, whichever of them got further. */
import {looker, newLines} from '../../core/base/follow.ts';
import {type Killed, progressShare, type RunEvent, type Unstamped, type Where} from '../events.ts';
import type {Obtained} from '../execute/elsewhere.ts';
import {eventOf} from '../store/runs/shape.ts';
import {type Growth, noGrowth} from './script.ts';
import type {Unit} from './units.ts';
import type {Sight} from './verdict.ts';

/** Units that share a job, and what earlier jobs of theirs have come to. */
export interface Load {
  readonly units: readonly Unit[];
  readonly grown: Growth;
  /** Jobs in a row that came no further than the one before. */
  readonly tries: number;
  /** Jobs that they had before. */
  readonly jobs: number;
  /** How far they have come: stages done, and shares of those that were running. */
  readonly progress: number;
}

/** Of a unit that was never submitted. */
export const loadOf = (unit: Unit): Load => ({units: [unit], grown: noGrowth, tries: 0, jobs: 0, progress: 0});

export class Flight {
  readonly load: Load;
  readonly folder: string;
  readonly index: number;
  /** `4711_3` */
  readonly job: string;
  /** This run may cancel it: it has submitted it, or whoever did is gone. */
  readonly own: boolean;
  /** Stages that have ended. */
  readonly settled = new Map<string, Obtained>();
  /** Answers of the scheduler in a row in which it had ended or was not listed. */
  gone = 0;
  /** Warnings about it that were given. */
  readonly said = new Set<string>();
  /** Why it waits, as it was last said, and when (ms). */
  waits: {readonly because: string; readonly at: number} | undefined;
  /** Where it runs, or ran last. */
  where: Where | undefined;
  /** When its first sign of life was seen (ms). */
  #alive: number | undefined;
  readonly #stages: ReadonlySet<string>;
  readonly #shares = new Map<string, number>();
  /** Stages whose process was ended from outside: another job may do better. */
  readonly #failures = new Map<string, {readonly killed: Killed; readonly failure: Obtained}>();
  readonly #attempts = new Map<string, {readonly look: ReturnType<typeof looker>; record?: Sight['record']}>();

  constructor(load: Load, place: {folder: string; index: number; job: string; own: boolean}) {
    this.load = load;
    this.folder = place.folder;
    this.index = place.index;
    this.job = place.job;
    this.own = place.own;
    this.#stages = new Set(this.stages.map(({id}) => id));
  }

  get stages() {
    return this.load.units.flatMap(({nodes}) => nodes);
  }

  /** For messages: `learn rotation · bag · seed 0`. */
  get label(): string {
    const [first, ...more] = this.load.units;
    return more.length === 0 ? `"${first!.root.label}"` : `"${first!.root.label}" and ${more.length} more`;
  }

  /** Of all attempts: the one that got furthest. */
  get record(): Sight['record'] {
    const records = [...this.#attempts.values()].map(({record}) => record);
    return (['done', 'failed'] as const).find((end) => records.includes(end)) ?? records.at(-1);
  }

  /** What has ended its stages from outside; undefined: nothing. */
  get killed(): Killed | undefined {
    const all = [...this.#failures.values()].map(({killed}) => killed);
    return all.find((killed) => killed === 'memory') ?? all[0];
  }

  /** Since it was seen to run. */
  get seconds(): number {
    return this.#alive === undefined ? 0 : (performance.now() - this.#alive) / 1000;
  }

  get progress(): number {
    const running = [...this.#shares].filter(([id]) => !this.settled.has(id));
    const done = [...this.settled.values()].filter(({status}) => status !== 'failed').length;
    return done + running.reduce((sum, [, share]) => sum + share, 0);
  }

  /** Takes what was ended from outside as failed: it is not tried again. */
  settleFailures(): void {
    for (const [id, {failure}] of this.#failures) this.settled.set(id, failure);
  }

  /** Reads what is new in its logs. `hear`: what the run is to be told. */
  async read(attempts: readonly string[], hear: (event: Unstamped) => void): Promise<void> {
    for (const path of attempts) {
      if (!this.#attempts.has(path)) this.#attempts.set(path, {look: looker(path)});
      const attempt = this.#attempts.get(path)!;
      for await (const line of newLines(attempt.look)) {
        const event = eventOf(line);
        if (event?.type === 'run-finished') attempt.record = event.outcome;
        else if (event) this.#take(event, hear);
      }
    }
  }

  #take({at: _, ...event}: RunEvent, hear: (event: Unstamped) => void): void {
    if ('stage' in event && event.stage !== undefined && !this.#stages.has(event.stage)) return; // another run's
    switch (event.type) {
      case 'run-started':
        this.where = event.where;
        this.#alive ??= performance.now();
        return;
      case 'stage-started':
        if (!this.settled.has(event.stage)) hear({...event, ...(this.where && {where: this.where})});
        return;
      case 'stage-progress':
        this.#shares.set(event.stage, Math.max(progressShare(event.progress) ?? 0, this.#shares.get(event.stage) ?? 0));
        if (!this.settled.has(event.stage)) hear(event);
        return;
      case 'stage-finished':
        this.#failures.delete(event.stage);
        this.settled.set(event.stage, {status: event.how});
        return;
      case 'stage-failed': {
        const {message, hint, killed} = event;
        const hints = [...(hint === undefined ? [] : [hint]), ...(this.where ? [placeText(this.where)] : [])];
        const failure: Obtained = {status: 'failed', message, ...(hints.length > 0 && {hint: hints.join(' ')})};
        if (killed) this.#failures.set(event.stage, {killed, failure});
        else this.settled.set(event.stage, failure);
        return;
      }
      case 'stage-skipped':
        // Its run skips it for the same reason, and asks for it no more.
        this.settled.set(event.stage, {status: 'failed', message: event.because});
        return;
      case 'engine-started':
      case 'note':
      case 'warning':
        hear(event);
        return;
    }
  }
}

/** For a hint: messages of several jobs that failed for one reason stay equal. */
const placeText = ({node, job}: Where): string => `It was job ${job} on ${node}.`;
