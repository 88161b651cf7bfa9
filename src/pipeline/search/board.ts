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

/** Thrown where a trial waits for another, when the run is to stop. */
export class Stopped extends Error {}

export class Board {
  /** Undefined: there are no rungs. */
  readonly #ladder: Ladder | undefined;
  readonly #trials: Trial[] = [];
  /** Of each trial, how many rungs it has yet to come to. */
  readonly #rungs: number[] = [];
  /** Of each trial, the settings that were tried where it is now. */
  readonly #tried: (readonly Tried[])[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;

  /** `rule`: what decides at rungs; undefined: there are none. */
  constructor(rule?: Rule) {
    this.#ladder = rule && new Ladder(rule);
  }

  /**
   * `point`: of the training; where there is none to vary, the whole configuration. `rungs`: the epochs at which it is compared.
   * Trials are numbered as they begin.
   */
  begin(point: Point, rungs: readonly number[]): void {
    this.#trials.push({number: this.#trials.length, point, outcome: 'pending'});
    this.#rungs.push(rungs.length);
    this.#tried.push([]);
    this.#ladder?.begin(rungs.length);
  }

  /** At its next rung, or, without another rung, at its end: the best of what was tried. */
  reached(number: number, tried: readonly Tried[]): void {
    this.#tried[number] = tried;
    if (this.#rungs[number]! > 0) {
      this.#rungs[number]!--;
      this.#ladder!.reached(number, bestOf(tried));
      this.#wake();
    } else this.#settle(number, {});
  }

  /** Whether a trial trains on after the rung that it has reached, as soon as that is decided. */
  async goesOn(number: number): Promise<boolean> {
    for (;;) {
      if (this.#isClosed) throw new Stopped();
      const fate = this.#ladder!.fateOf(number);
      if (fate.state === 'climbing') return true;
      if (fate.state === 'stopped') {
        this.#settle(number, {rung: fate.rung});
        return false;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The run is to stop: nobody waits any more. */
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

  /** It trains no further. */
  #settle(number: number, where: Pick<Trial, 'rung'>): void {
    const value = bestOf(this.#tried[number]!);
    this.#trials[number] = {...this.#trials[number]!, outcome: Number.isNaN(value) ? 'failed' : value, ...where};
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
