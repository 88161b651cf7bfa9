/**
 * When a run may end, from its events: by the speeds of its own stages, and before there are any by those of stages in the cache. The
 * places of a lane are as many as were seen to be used at the same time: this holds for `--jobs`, GPUs, and what a cluster gives.
 */
import {progressShare, type RunEvent, type StageProgress} from '../events.ts';
import type {SearchSize} from '../search/size.ts';
import type {StageNode} from '../stages/stage.ts';
import {type Effort, epochsOf, imagesOf, Paces, secondsOf, type Timed} from './pace.ts';
import type {Past} from './past.ts';
import {type Ahead, secondsToEnd} from './schedule.ts';
import {Trials} from './trials.ts';

/** What of a planned stage is needed here. */
export type EndingStage = Pick<StageNode, 'id' | 'kind' | 'lane' | 'recipe' | 'inputs'>;

interface Report {
  /** Milliseconds. */
  readonly at: number;
  readonly share: number;
}

interface Running {
  /** Milliseconds. */
  readonly since: number;
  first?: Report;
  last?: Report;
}

/** Share of a stage that its own speed is known from, at least: that of a few steps is no guess for all of them. */
const leastShare = 0.02;

export class Ending {
  readonly #stages: Map<string, EndingStage>;
  /** Neither settled nor running. */
  readonly #waiting: Set<string>;
  readonly #running = new Map<string, Running>();
  readonly #places = {cpu: 0, accelerator: 0};
  /** Of finished stages: a `data` stage's has the numbers of images. */
  readonly #summaries = new Map<string, unknown>();
  readonly #own = new Paces();
  #past: readonly Past[] = [];
  /** Of the past, on this run's engine. */
  #before = new Paces();
  #engine: Past['engine'];
  /** Absent: all stages are planned. */
  #trials: Trials | undefined;

  /** `search`: what more stages come for. */
  constructor(stages: readonly EndingStage[], search?: SearchSize) {
    this.#trials = search && new Trials(search);
    this.#stages = new Map(stages.map((stage) => [stage.id, stage]));
    this.#waiting = new Set(this.#stages.keys());
  }

  /** What is known of stages that earlier runs have computed. */
  learn(past: readonly Past[]): void {
    this.#past = past;
    this.#before = new Paces(past.filter(({engine}) => !engine || isSame(engine, this.#engine)));
  }

  hear(event: RunEvent): void {
    if (event.type === 'engine-started' && !isSame(event.engine, this.#engine)) {
      this.#engine = event.engine;
      this.learn(this.#past);
    }
    if (event.type === 'plan-grown') this.#grow(event);
    if (!('stage' in event) || event.stage === undefined) return;
    const stage = this.#stages.get(event.stage);
    if (!stage) return;
    const {id, lane} = stage;
    switch (event.type) {
      case 'stage-queued': // also again, after its job was lost
        this.#running.delete(id);
        this.#waiting.add(id);
        return;
      case 'stage-started':
        this.#waiting.delete(id);
        this.#running.set(id, {since: Date.parse(event.at)});
        this.#places[lane] = Math.max(this.#places[lane], this.#runningIn(lane));
        return;
      case 'stage-progress':
        this.#report(id, Date.parse(event.at), event.progress);
        return;
      case 'stage-finished':
        this.#summaries.set(id, event.summary);
        if (event.how === 'computed') {
          this.#own.add({...this.#effortOf(stage), seconds: this.#withoutStart(id, event.seconds)});
          this.#trials?.computed(stage, event.seconds);
        }
        this.#settle(id);
        return;
      case 'stage-failed':
      case 'stage-skipped':
        this.#settle(id);
        return;
    }
  }

  /** From `now` (ms); undefined: too little is known. */
  secondsLeft(now: number): number | undefined {
    const more = this.#trials ? this.#trials.ahead() : [];
    if (!more) return undefined;
    if (this.#places.accelerator === 0 && this.#ahead().some(({lane}) => lane === 'accelerator')) return undefined;
    const live = [...this.#running].flatMap(([id, running]): readonly Timed[] => {
      const pace = paceOf(running);
      return pace === undefined ? [] : [{...this.#effortOf(this.#stages.get(id)!), seconds: 1 / pace}];
    });
    const paces = [this.#own, new Paces(live), this.#before];
    let trains = false;
    let isKnown = true;
    const ahead = this.#ahead().map((stage): Ahead => {
      const {id, lane, inputs} = stage;
      const effort = this.#effortOf(stage);
      const running = this.#running.get(id);
      const seconds = running ? leftOf(running, now, secondsOf(effort, paces)) : secondsOf(effort, paces);
      if (seconds === undefined) isKnown = false;
      else if (epochsOf(effort) !== undefined) trains = true;
      return {id, lane, inputs, seconds: seconds ?? 0, isRunning: running !== undefined};
    });
    // Beside a training the small stages that follow it take no time.
    if (ahead.length + more.length === 0 || !(isKnown || trains)) return undefined;
    return secondsToEnd([...ahead, ...more], {
      cpu: Math.max(1, this.#places.cpu),
      accelerator: Math.max(1, this.#places.accelerator),
    });
  }

  #grow(event: Extract<RunEvent, {type: 'plan-grown'}>): void {
    this.#trials ??= new Trials({parallel: 1}); // it grows, and nobody knows how far
    this.#trials.grow(event);
    for (const stage of event.stages) {
      this.#stages.set(stage.id, stage);
      this.#waiting.add(stage.id);
    }
  }

  #ahead(): readonly EndingStage[] {
    return [...this.#running.keys(), ...this.#waiting].map((id) => this.#stages.get(id)!);
  }

  #runningIn(lane: StageNode['lane']): number {
    return [...this.#running.keys()].filter((id) => this.#stages.get(id)!.lane === lane).length;
  }

  #settle(id: string): void {
    this.#running.delete(id);
    this.#waiting.delete(id);
  }

  #report(id: string, at: number, progress: StageProgress): void {
    const running = this.#running.get(id);
    const share = progressShare(progress);
    if (!running || share === undefined) return;
    running.first ??= {at, share};
    running.last = {at, share};
  }

  /** What a stage took, but for what comes before its first report: of the first stage in a process, an engine is loaded in it. */
  #withoutStart(id: string, seconds: number): number {
    const running = this.#running.get(id);
    const pace = running && paceOf(running);
    return pace === undefined ? seconds : Math.min(seconds, 1 / pace);
  }

  #effortOf({kind, recipe, inputs}: EndingStage): Effort {
    const input = inputs['images'];
    const images = input && imagesOf({kind, recipe}, input.file, this.#summaries.get(input.stage));
    return {kind, recipe, ...(images !== undefined && {images})};
  }
}

const isSame = (a: NonNullable<Past['engine']>, b: Past['engine']): boolean =>
  a.name === b?.name && a.device === b.device;

/** Shares a second, between its first and its last report: a training may have begun at a checkpoint, and its first step takes longer. */
function paceOf({first, last}: Running): number | undefined {
  return first && last && last.share >= first.share + leastShare && last.at > first.at
    ? (1000 * (last.share - first.share)) / (last.at - first.at)
    : undefined;
}

/** `whole`: seconds that a stage like it takes. */
function leftOf(running: Running, now: number, whole: number | undefined): number | undefined {
  const {since, last} = running;
  const pace = paceOf(running);
  const all = pace === undefined ? whole : 1 / pace;
  if (all === undefined) return undefined;
  // Before its first report, none of it may be done.
  const [done, at] = last ? [last.share, last.at] : [0, since];
  return Math.max(0, all * (1 - done) - (now - at) / 1000);
}
