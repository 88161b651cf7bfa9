/**
 * Settings of stage two under one training. They cost little beside it, so a training is judged by the best of several: the first half
 * are the same for all trainings, and spread evenly; the rest are proposed from what was good under this training and earlier ones.
 * With one setting a training, which then could only be the same for all, both vary together.
 */
import {Rng} from '../../core/base/random.ts';
import type {Tried} from './board.ts';
import {grid} from './propose/grid.ts';
import {methodOf} from './propose/methods.ts';
import {fresh, type Propose, streamOf, type Trial} from './propose/proposer.ts';
import {quasiRandom} from './propose/quasi-random.ts';
import type {Search} from './read.ts';
import {isOfStageTwo, ofStageTwo, ofTraining, type Point, type Space} from './space.ts';

/** So many of the latest trainings are what settings are proposed from: without a limit, each proposal would take longer than the last. */
const remembered = 40;

/** Whether a trial is a training with settings of its own under it. */
export const hasSettings = ({space, method, settings}: Pick<Search, 'space' | 'method' | 'settings'>): boolean =>
  (method === 'grid' || settings > 1) && space.parameters.some(isOfStageTwo) && !space.parameters.every(isOfStageTwo);

export class Settings {
  readonly #search: Search;
  readonly #rng: Rng;
  /** What a trial is a point of: the trainings; where they do not vary, or vary together with stage two, everything. */
  readonly trials: Space;
  readonly #hasSettings: boolean;

  constructor(search: Search) {
    const {space, seed} = search;
    this.#search = search;
    this.#rng = new Rng(seed).fork('settings');
    this.#hasSettings = hasSettings(search);
    this.trials = this.#hasSettings ? ofTraining(space) : space;
  }

  /** The settings that every training with this point gets; without parameters of stage two, one empty setting. */
  first(training: Point): readonly Point[] {
    if (!this.#hasSettings) return [{}];
    const {method, settings} = this.#search;
    const space = ofStageTwo(this.#search.space, training);
    const propose = method === 'grid' ? grid(space) : quasiRandom(space, this.#rng);
    const count = method === 'grid' ? Number.POSITIVE_INFINITY : method === 'tpe' ? Math.ceil(settings / 2) : settings;
    return several(propose, [], count);
  }

  /** More of them, after the first were tried. `earlier`: what was tried under other trainings. */
  more(training: Point, tried: readonly Tried[], earlier: readonly (readonly Tried[])[]): readonly Point[] {
    const {method, settings} = this.#search;
    if (!this.#hasSettings || method !== 'tpe' || tried.length >= settings) return [];
    const space = ofStageTwo(this.#search.space, training);
    if (space.parameters.length === 0) return [];
    // Trainings differ in how good they are; what counts here is how much better a setting is than others under the same one.
    const known = [...earlier.slice(-remembered), tried].flatMap(centred).map((trial, number) => ({...trial, number}));
    const here = tried.map(({point}, number): Trial => ({number, point, outcome: 'pending'}));
    const propose = methodOf.tpe(space, this.#rng);
    // What was tried under another training may be tried under this one.
    const orAgain: Propose = (n, all) =>
      propose(n, all) ?? fresh(space, [...here, ...all.slice(known.length)], streamOf(this.#rng, n));
    return several(orAgain, known, settings - tried.length);
  }
}

/** So many proposals, none of which waits for the value of another. */
function several(propose: Propose, known: readonly Trial[], count: number): readonly Point[] {
  const points: Point[] = [];
  while (points.length < count) {
    const pending = points.map((point, k): Trial => ({number: known.length + k, point, outcome: 'pending'}));
    const point = propose(known.length + points.length, [...known, ...pending]);
    if (!point) break;
    points.push(point);
  }
  return points;
}

function centred(tried: readonly Tried[]): readonly Omit<Trial, 'number'>[] {
  const values = tried.map(({value}) => value).filter((value) => !Number.isNaN(value));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return tried.map(({point, value}) => ({point, outcome: Number.isNaN(value) ? 'failed' : value - mean}));
}
