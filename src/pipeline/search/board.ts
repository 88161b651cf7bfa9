/** The state of a search's trials, and what becomes of each. It knows nothing of stages; `drive.ts` measures. */
import type {Trial} from './propose/proposer.ts';
import {type Climber, fateOf, type Rule} from './rungs.ts';
import type {Point} from './space.ts';

/** A configuration of stage two under a trial's training, and its value to maximise; NaN: it has failed. */
export interface Tried {
  readonly setting: number;
  readonly point: Point;
  readonly value: number;
}

/** Thrown where a trial waits for another, when the run is to stop. */
export class Stopped extends Error {}

interface Entry {
  readonly number: number;
  /** Of the training; where there is none to vary, the whole configuration. */
  readonly point: Point;
  readonly rungs: readonly number[];
  /** Values at the rungs that it has reached. */
  readonly values: number[];
  /** The settings that were tried where it is now. */
  tried: readonly Tried[];
  outcome: number | 'failed' | 'pending';
  rung?: number;
}

export class Board {
  readonly #rule: Rule | undefined;
  readonly #entries: Entry[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;

  /** `rule`: what decides at rungs; undefined: there are none. */
  constructor(rule?: Rule) {
    this.#rule = rule;
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
    else entry.outcome = outcomeOf(best);
    this.#changed();
  }

  /** Whether a trial trains on after the rung that it has reached, as soon as that is decided. */
  async goesOn(number: number): Promise<boolean> {
    const entry = this.#entries[number]!;
    const others = this.#entries.slice(0, number);
    for (;;) {
      if (this.#isClosed) throw new Stopped();
      const fate = fateOf(asClimber(entry), others.map(asClimber), this.#rule!);
      if (fate === 'goes on') return true;
      if (fate === 'ends') {
        entry.outcome = outcomeOf(entry.values.at(-1)!);
        entry.rung = entry.values.length - 1;
        this.#changed();
        return false;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The run is to stop: nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#changed();
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

const outcomeOf = (value: number): number | 'failed' => (Number.isNaN(value) ? 'failed' : value);

const asClimber = ({rungs, values, outcome}: Entry): Climber => ({
  rungs: rungs.length,
  values,
  hasEnded: outcome !== 'pending',
});
