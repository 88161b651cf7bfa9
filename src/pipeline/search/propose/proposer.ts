/** What the methods of a search have in common. */
import type {Rng} from '../../../core/base/random.ts';
import {decode, keyOf, type Point, pointsOf, type Space} from '../space.ts';

/** What a search knows of one trial. */
export interface Trial {
  readonly number: number;
  readonly point: Point;
  /** The value to maximise; of a trial that a rung has stopped, the value there. */
  readonly outcome: number | 'failed' | 'pending';
  /** How far it came: trials of a higher rung are compared first. Left out: to the end. */
  readonly rung?: number;
}

/**
 * The configuration of trial n, which depends on the space, the seed, n and `known`, and on nothing else. `known` has trials
 * before n: which of them, and whether as pending, is up to who runs the search; for a search that can be repeated that must not
 * depend on which trial ends first. No configuration of `known` is proposed again while there is another; undefined: there is no
 * other.
 */
export type Propose = (n: number, known: readonly Trial[]) => Point | undefined;

/** The stream of random numbers of one trial. */
export const streamOf = (rng: Rng, n: number): Rng => rng.fork(`trial ${n}`);

/** Draws before a finite space is taken to be nearly exhausted. */
const draws = 64;

/** A random configuration that is not known; undefined if all are. */
export function fresh(space: Space, known: readonly Trial[], rng: Rng): Point | undefined {
  const keys = new Set(known.map(({point}) => keyOf(point)));
  for (let i = 0; i < draws; i++) {
    const point = decode(space, unitsOf(space, rng));
    if (!keys.has(keyOf(point))) return point;
  }
  // Of the first that are left, one at random: near its end a space is small beside what is known.
  const left: Point[] = [];
  for (const point of pointsOf(space, () => rng.uniform())) {
    if (!keys.has(keyOf(point))) left.push(point);
    if (left.length === draws) break;
  }
  return left[rng.integer(left.length)];
}

export const unitsOf = ({parameters}: Space, rng: Rng): Float64Array =>
  Float64Array.from(parameters, () => rng.uniform());
