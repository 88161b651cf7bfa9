/** The state of a run from its events, one after the other: what is done, and what is running. */
import {stateOf as processState, thisProcess} from '../../core/base/process-identity.ts';
import type {RunEvent, StageProgress} from '../../pipeline/events.ts';
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
  readonly label: string;
  /** Milliseconds. */
  readonly since: number;
  readonly progress?: StageProgress;
  /** Of a training, one a report. */
  readonly losses: readonly number[];
}

/** What a page shows of a run. */
export interface RunInView {
  readonly record: RunRecord;
  readonly running: readonly RunningStage[];
}

export class LiveRun implements RunInView {
  readonly #head: RunHead;
  readonly #events: RunEvent[] = [];
  readonly #isStrange: (event: RunEvent) => boolean;
  #losses = {strange: 0, atEnd: false};
  #record: RunRecord | undefined;
  readonly #running = new Map<string, {label: string; since: number; progress?: StageProgress; losses: number[]}>();

  constructor(head: RunHead) {
    this.#head = head;
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
    switch (event.type) {
      case 'stage-progress': {
        const stage = this.#running.get(event.stage);
        if (!stage) return;
        stage.progress = event.progress;
        if (event.progress.of === 'training') stage.losses.push(event.progress.loss);
        return;
      }
      case 'stage-started':
        this.#running.set(event.stage, {label: event.label, since: Date.parse(event.at), losses: []});
        break;
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

  get running(): readonly RunningStage[] {
    return [...this.#running.values()];
  }
}

/** `stopped`: its process is gone without an end; `unfinished`: it is another machine's, so that nobody here knows. */
export type RunState = 'done' | 'failed' | 'interrupted' | 'damaged' | 'running' | 'stopped' | 'unfinished';

export function stateOf({outcome, environment}: RunRecord): RunState {
  if (outcome !== 'unfinished') return outcome;
  const {host, pid} = environment;
  if (typeof host !== 'string' || typeof pid !== 'number') return 'unfinished';
  const {place} = thisProcess();
  return ({alive: 'running', dead: 'stopped', unknown: 'unfinished'} as const)[processState({pid, host, place})];
}

/** It was its turn, and it has ended; or it never will be. */
export const isSettled = ({status}: StageRecord): boolean => status !== 'started' && status !== 'waiting';

export const having = ({stages}: RunRecord, status: StageRecord['status']): number =>
  stages.filter((stage) => stage.status === status).length;
