/** A run as its events tell it, one after the other: what is done, and what goes on. */
import {hostname} from 'node:os';
import type {RunEvent, StageProgress} from '../../pipeline/events.ts';
import {joinRecord, type RunHead, type RunRecord} from '../../pipeline/store/record.ts';

export interface RunningStage {
  readonly label: string;
  /** Milliseconds. */
  readonly since: number;
  readonly progress?: StageProgress;
  /** Of a training, one a report. */
  readonly losses: readonly number[];
}

export class LiveRun {
  readonly #head: RunHead;
  readonly #events: RunEvent[] = [];
  #record: RunRecord | undefined;
  readonly #running = new Map<string, {label: string; since: number; progress?: StageProgress; losses: number[]}>();

  constructor(head: RunHead) {
    this.#head = head;
  }

  /** A line of `events.ndjson`; one that is torn tells nothing. */
  tell(line: string): void {
    let event: RunEvent;
    try {
      event = JSON.parse(line) as RunEvent;
    } catch {
      return;
    }
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

  /** The same one until something other than progress is told. */
  get record(): RunRecord {
    this.#record ??= joinRecord(this.#head, this.#events);
    return this.#record;
  }

  get running(): readonly RunningStage[] {
    return [...this.#running.values()];
  }
}

/** `stopped`: its process is gone without an end; `unfinished`: it is another machine's, so that nobody here knows. */
export type RunState = 'done' | 'failed' | 'interrupted' | 'running' | 'stopped' | 'unfinished';

export function stateOf({outcome, environment}: RunRecord): RunState {
  if (outcome !== 'unfinished') return outcome;
  const {host, pid} = environment;
  if (host !== hostname() || typeof pid !== 'number') return 'unfinished';
  return isAlive(pid) ? 'running' : 'stopped';
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
