/** The state of a run from its events, one after the other: what is done, what is running, and when it may end. */
import {Ending} from '../../pipeline/ending/ending.ts';
import type {Past} from '../../pipeline/ending/past.ts';
import type {RunEvent, StageProgress, Where} from '../../pipeline/events.ts';
import {fromRecord} from '../../pipeline/search/record.ts';
import {sizeOf} from '../../pipeline/search/size.ts';
import {regained} from '../../pipeline/store/runs/regain.ts';
import {
  joinRecord,
  type RunHead,
  type RunRecord,
  type StageRecord,
  strangeTo,
} from '../../pipeline/store/runs/run-record.ts';
import {eventOf} from '../../pipeline/store/runs/shape.ts';

export interface RunningStage {
  readonly id: string;
  readonly label: string;
  /** Milliseconds. */
  readonly since: number;
  /** Of a cluster. */
  readonly where?: Where;
  readonly progress?: StageProgress;
  /** Of a training, one a report. */
  readonly losses: readonly number[];
}

/** What a page shows of a run. */
export interface RunInView {
  readonly record: RunRecord;
  readonly running: readonly RunningStage[];
  /** From `now` (ms); undefined: too little is known. */
  secondsLeft?(now: number): number | undefined;
}

export class LiveRun implements RunInView {
  readonly #head: RunHead;
  readonly #ending: Ending;
  readonly #events: RunEvent[] = [];
  readonly #isStrange: (event: RunEvent) => boolean;
  #losses = {strange: 0, atEnd: false};
  #record: RunRecord | undefined;
  readonly #running = new Map<
    string,
    {id: string; label: string; since: number; where?: Where; progress?: StageProgress; losses: number[]}
  >();

  /** `past`: what stages took before. */
  constructor(head: RunHead, past: readonly Past[] = []) {
    this.#head = head;
    const {stages, search} = head.plan;
    this.#ending = new Ending(stages, search === undefined ? undefined : sizeOf(fromRecord(search)));
    this.#ending.learn(past);
    this.#isStrange = strangeTo(head.plan);
  }

  /** A whole line of `events.ndjson`. */
  tell(line: string): void {
    const event = eventOf(line);
    if (!event || this.#isStrange(event)) {
      this.#losses = {strange: this.#losses.strange + 1, atEnd: event === undefined};
      this.#record = undefined;
      return;
    }
    this.#losses.atEnd = false;
    this.#ending.hear(event);
    switch (event.type) {
      case 'stage-progress': {
        const stage = this.#running.get(event.stage);
        if (!stage) return;
        stage.progress = event.progress;
        if (event.progress.of === 'training') stage.losses.push(event.progress.loss);
        return;
      }
      case 'stage-started':
        this.#running.set(event.stage, {
          id: event.stage,
          label: event.label,
          since: Date.parse(event.at),
          losses: [],
          ...(event.where && {where: event.where}),
        });
        break;
      case 'stage-queued': // again, as its job ended without a result
      case 'stage-finished':
      case 'stage-failed':
      case 'stage-skipped':
        this.#running.delete(event.stage);
        break;
      case 'run-finished':
        this.#running.clear();
        break;
    }
    this.#events.push(event);
    this.#record = undefined;
  }

  /** The same object until an event other than progress arrives. */
  get record(): RunRecord {
    this.#record ??= regained(joinRecord(this.#head, this.#events, this.#losses));
    return this.#record;
  }

  secondsLeft(now: number): number | undefined {
    return this.#ending.secondsLeft(now);
  }

  get running(): readonly RunningStage[] {
    return [...this.#running.values()];
  }
}

/** It was its turn, and it has ended; or it never will be. */
export const isSettled = ({status}: StageRecord): boolean =>
  !['interrupted', 'started', 'queued', 'waiting'].includes(status);

export const having = ({stages}: RunRecord, status: StageRecord['status']): number =>
  stages.filter((stage) => stage.status === status).length;
