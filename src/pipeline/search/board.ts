/** The state of a search's trials, and what becomes of each. It knows nothing of stages; `drive.ts` measures. */
import {Ladder, type Rule} from './ladder.ts';
import type {Trial} from './propose/proposer.ts';
import type {Point} from './space.ts';

/** A configuration of stage two under a trial's training, and its value to maximise; NaN: it has failed. */
export interface Tried {
  readonly setting: number;
  readonly point: Point;
  readonly value: number;
}

export class Board {
  readonly #ladder: Ladder;
  readonly #trials: Trial[] = [];
  /** Of each trial, the settings tried after its last epochs. */
  readonly #tried: (readonly Tried[])[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;

  /** `goesOn`: decides at rungs. */
  constructor(goesOn: Rule) {
    this.#ladder = new Ladder(goesOn);
  }

  /**
   * `point`: of the training; where there is none to vary, the whole configuration. `rungs`: at how many it is compared. Trials are
   * numbered as they begin.
   */
  begin(point: Point, rungs: number): void {
    this.#trials.push({number: this.#trials.length, point, outcome: 'pending'});
    this.#tried.push([]);
    this.#ladder.begin(rungs);
  }

  /** At its next rung. */
  reached(number: number, tried: readonly Tried[]): void {
    this.#tried[number] = tried;
    this.#ladder.reached(number, bestOf(tried));
    this.#wake();
  }

  /** Without another rung. */
  ended(number: number, tried: readonly Tried[]): void {
    this.#tried[number] = tried;
    this.#settle(number, {outcome: outcomeOf(tried)});
  }

  /** Whether a trial trains on after its last rung, as soon as that is decided; not, if nobody waits any longer. */
  async goesOn(number: number): Promise<boolean> {
    for (;;) {
      const fate = this.#ladder.fateOf(number);
      if (fate.state === 'climbing') return true;
      if (fate.state === 'stopped') this.#settle(number, {outcome: outcomeOf(this.#tried[number]!), rung: fate.rung});
      if (fate.state === 'stopped' || this.#isClosed) return false;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The run is to stop: values that are waited for may never come. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** Trial by trial, as proposals see them: those from `from` on count as going on, whether they have ended or not. */
  known(from: number): readonly Trial[] {
    const later = this.#trials.slice(Math.max(0, from));
    return [
      ...this.#trials.slice(0, Math.max(0, from)),
      ...later.map(({number, point}): Trial => ({number, point, outcome: 'pending'})),
    ];
  }

  /** What was tried under the trainings of the trials before `from`. */
  triedBefore(from: number): readonly (readonly Tried[])[] {
    return this.#tried.slice(0, Math.max(0, from));
  }

  #settle(number: number, how: Pick<Trial, 'outcome' | 'rung'>): void {
    this.#trials[number] = {...this.#trials[number]!, ...how};
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** NaN: none has a value. */
function bestOf(tried: readonly Tried[]): number {
  const values = tried.map(({value}) => value).filter((value) => !Number.isNaN(value));
  return values.length === 0 ? Number.NaN : Math.max(...values);
}

function outcomeOf(tried: readonly Tried[]): Trial['outcome'] {
  const best = bestOf(tried);
  return Number.isNaN(best) ? 'failed' : best;
}
