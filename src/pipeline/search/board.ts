/** The state of a search's trials, and what becomes of each. It knows nothing of stages; `drive.ts` measures. */
import {type Climber, climb, type Fate} from './halving.ts';
import type {Trial} from './propose/proposer.ts';
import type {Point} from './space.ts';

/** A configuration of stage two under a trial's training, and its value to maximise; NaN: it has failed. */
export interface Tried {
  readonly setting: number;
  readonly point: Point;
  readonly value: number;
}

interface Entry {
  readonly number: number;
  /** Of the training; where there is none to vary, the whole configuration. */
  readonly point: Point;
  readonly rungs: readonly number[];
  /** Values at the rungs that it has reached. */
  readonly values: number[];
  /** The settings tried after its last epochs. */
  tried: readonly Tried[];
  outcome: number | 'failed' | 'pending';
  rung?: number;
}

export class Board {
  readonly #factor: number;
  readonly #entries: Entry[] = [];
  #waiting: (() => void)[] = [];

  /** `factor`: of the halving; anything where there are no rungs. */
  constructor(factor: number) {
    this.#factor = factor;
  }

  /** `rungs`: the epochs at which it is compared. Trials are numbered as they begin. */
  begin(point: Point, rungs: readonly number[]): void {
    const number = this.#entries.length;
    this.#entries.push({number, point, rungs, values: [], tried: [], outcome: 'pending'});
  }

  /** At its next rung, or, without another rung, at its end: the best of what was tried. */
  reached(number: number, tried: readonly Tried[]): void {
    const entry = this.#entries[number]!;
    entry.tried = tried;
    const values = tried.map(({value}) => value).filter((value) => !Number.isNaN(value));
    const best = values.length === 0 ? Number.NaN : Math.max(...values);
    if (entry.values.length < entry.rungs.length) entry.values.push(best);
    else entry.outcome = Number.isNaN(best) ? 'failed' : best;
    this.#changed();
  }

  /** Whether a trial trains on after its last rung, as soon as that is decided. */
  async goesOn(number: number): Promise<boolean> {
    for (;;) {
      const fate = this.#fateOf(number);
      if (fate.state === 'climbing') return true;
      if (fate.state === 'stopped') {
        const entry = this.#entries[number]!;
        const value = entry.values[fate.rung]!;
        entry.outcome = Number.isNaN(value) ? 'failed' : value;
        entry.rung = fate.rung;
        this.#changed();
        return false;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #fateOf(number: number): Fate {
    const climbers = this.#entries.slice(0, number + 1).map(
      ({number, rungs, values, outcome}): Climber => ({
        number,
        rungs: rungs.length,
        values,
        ...(outcome === 'failed' && {failed: true}),
      }),
    );
    return climb(climbers, {factor: this.#factor}).get(number)!;
  }

  /** Trial by trial, as proposals see them: those from `from` on count as going on, whether they have ended or not. */
  known(from: number): readonly Trial[] {
    return this.#entries.map(({number, point, outcome, rung}) => ({
      number,
      point,
      outcome: number < from ? outcome : 'pending',
      ...(number < from && rung !== undefined && {rung}),
    }));
  }

  /** What was tried under the trainings of the trials before `from`. */
  triedBefore(from: number): readonly (readonly Tried[])[] {
    return this.#entries.slice(0, Math.max(0, from)).map(({tried}) => tried);
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
