/**
 * Which parameters matter: functional ANOVA over a random forest (Hutter, Hoos and Leyton-Brown, "An efficient approach for
 * assessing hyperparameter importance", ICML 2014). The mean of a tree along all other dimensions is exact, because its leaves
 * are boxes. What is uniform is the scale of the space: a log scale's logarithm, the levels of a choice.
 *
 * A parameter that exists only under a condition counts as one without effect elsewhere: its coordinate is drawn for trials that
 * do not have it (`growForest`). So it is neither left out nor given a default that no trial had, and it weighs as much as it
 * exists.
 */
import type {Json} from '../../core/base/canonical.ts';
import type {Rng} from '../../core/base/random.ts';
import {fromUnit, isChoice, levels, toUnit, valueAt} from './domain.ts';
import {growForest, type Side, type Tree} from './forest.ts';
import {encode, type Point, type Space} from './space.ts';

export interface Share {
  /** The part of the variance that only these parameters explain, in [0, 1]: mean over the trees, and standard deviation. */
  readonly mean: number;
  readonly deviation: number;
}

export interface Importance {
  /** Of each parameter, in the order of the space. */
  readonly single: readonly Share[];
  /** Of each two: what both together explain beyond each alone. */
  readonly pairs: readonly {readonly parameters: readonly [number, number]; readonly share: Share}[];
}

/** The expected value where one parameter has this value and the others are random. */
export interface Response {
  readonly value: Json;
  readonly mean: number;
  /** Between the trees: how uncertain the forest is. */
  readonly deviation: number;
}

export interface Fit {
  readonly space: Space;
  readonly trees: readonly Tree[];
}

/** A forest over finished trials; their values are finite, at least one. */
export function fitTrials(
  space: Space,
  trials: readonly {readonly point: Point; readonly value: number}[],
  rng: Rng,
  trees = 64,
): Fit {
  const rows = trials.map(({point}) => encode(space, point));
  return {
    space,
    trees: growForest(
      space,
      rows,
      trials.map(({value}) => value),
      rng,
      trees,
    ),
  };
}

/** All shares are 0 if all trials have the same value. */
export function importance({space, trees}: Fit): Importance {
  const count = space.parameters.length;
  const indices = Array.from({length: count}, (_, d) => d);
  const pairs = indices.flatMap((a) => indices.slice(a + 1).map((b): readonly [number, number] => [a, b]));
  const singles: number[][] = indices.map(() => []);
  const both: number[][] = pairs.map(() => []);
  for (const tree of trees) {
    const cut = cutsOf(tree, space);
    const whole = total(tree, space);
    if (whole.variance <= 0) continue;
    const alone = indices.map((d) => secondMoment(tree, [d], cut, space) - whole.mean ** 2);
    for (const d of indices) singles[d]!.push(Math.max(0, alone[d]!) / whole.variance);
    for (const [k, [a, b]] of pairs.entries()) {
      const joint = secondMoment(tree, [a, b], cut, space) - whole.mean ** 2 - alone[a]! - alone[b]!;
      both[k]!.push(Math.max(0, joint) / whole.variance);
    }
  }
  return {
    single: singles.map(shareOf),
    pairs: pairs.map((parameters, k) => ({parameters, share: shareOf(both[k]!)})),
  };
}

/** Along one parameter: at each of its levels, or at `points` values from end to end where it has more levels or none. */
export function response({space, trees}: Fit, parameter: number, points = 50): readonly Response[] {
  const {domain} = space.parameters[parameter]!;
  const count = levels(domain);
  const values =
    count !== undefined && count <= points
      ? Array.from({length: count}, (_, level) => valueAt(domain, level))
      : Array.from({length: points}, (_, i) => fromUnit(domain, i / (points - 1)));
  const curves = trees.map((tree) => {
    const cut = cutsOf(tree, space)[parameter]!;
    return {cut, means: marginal(tree, [parameter], [cut], space)};
  });
  return values.map((value, level) => {
    const unit = toUnit(domain, value);
    const at = curves.map(({cut, means}) => means[cut === 'levels' ? level : segmentOf(cut, unit)]!);
    const {mean, deviation} = shareOf(at);
    return {value, mean, deviation};
  });
}

/** Where two parameters have these values and the others are random: a row for each value of the first, at most `points` of each. */
export function pairResponse(
  {space, trees}: Fit,
  pair: readonly [number, number],
  points = 6,
): {readonly values: readonly [readonly Json[], readonly Json[]]; readonly means: readonly (readonly number[])[]} {
  const [down, across] = pair.map((d) => valuesOf(space, d, points)) as [readonly Json[], readonly Json[]];
  const places = trees.map((tree) => {
    const all = cutsOf(tree, space);
    const cuts = pair.map((d) => all[d]!);
    const segments = [down, across].map((values, k) =>
      values.map((value, level) => {
        const cut = cuts[k]!;
        return cut === 'levels' ? level : segmentOf(cut, toUnit(space.parameters[pair[k]!]!.domain, value));
      }),
    );
    return {means: marginal(tree, pair, cuts, space), width: lengthsOf(cuts[1]!, space, pair[1]).length, segments};
  });
  const means = down.map((_, r) =>
    across.map(
      (__, c) =>
        shareOf(places.map(({means: all, width, segments}) => all[segments[0]![r]! * width + segments[1]![c]!]!)).mean,
    ),
  );
  return {values: [down, across], means};
}

/** All levels of a parameter, or so many values from end to end. */
function valuesOf({parameters}: Space, parameter: number, points: number): readonly Json[] {
  const {domain} = parameters[parameter]!;
  const count = levels(domain);
  return count !== undefined && (isChoice(domain) || count <= points)
    ? Array.from({length: count}, (_, level) => valueAt(domain, level))
    : Array.from({length: points}, (_, i) => fromUnit(domain, i / (points - 1)));
}

function shareOf(values: readonly number[]): Share {
  if (values.length === 0) return {mean: 0, deviation: 0};
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return {mean, deviation: Math.sqrt(square)};
}

/** How a tree divides a dimension: the sorted ends of its segments, from 0 to 1, or the levels of a choice. */
type Cut = readonly number[] | 'levels';

const cutsOf = (tree: Tree, {parameters}: Space): readonly Cut[] =>
  parameters.map((_, d) => {
    const ends = new Set<number>();
    for (const {sides} of tree) {
      const side = sides[d]!;
      if ('levels' in side) return 'levels';
      ends.add(side.from);
      ends.add(side.to);
    }
    return [...ends].sort((a, b) => a - b);
  });

/** The share of a dimension that a side covers. */
const lengthOf = (side: Side, space: Space, d: number): number =>
  'levels' in side ? side.levels.size / levels(space.parameters[d]!.domain)! : side.to - side.from;

const lengthsOf = (cut: Cut, space: Space, d: number): readonly number[] => {
  if (cut !== 'levels') return cut.slice(1).map((end, i) => end - cut[i]!);
  const count = levels(space.parameters[d]!.domain)!;
  return new Array<number>(count).fill(1 / count);
};

/** The segment of a unit in [0, 1]. */
function segmentOf(ends: readonly number[], unit: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (ends[middle]! <= unit) low = middle;
    else high = middle;
  }
  return low;
}

/** The segments that a side covers, as ranges [from, to) of their indices. */
const rangesOf = (side: Side, cut: Cut): readonly (readonly [number, number])[] =>
  'levels' in side
    ? [...side.levels].map((level) => [level, level + 1] as const)
    : [
        [
          segmentOf(cut as readonly number[], side.from),
          segmentOf(cut as readonly number[], side.to - Number.EPSILON) + 1,
        ],
      ];

/** Mean and variance of a tree over the cube. */
function total(tree: Tree, space: Space): {readonly mean: number; readonly variance: number} {
  const volumes = tree.map(({sides}) => sides.reduce((volume, side, d) => volume * lengthOf(side, space, d), 1));
  const mean = tree.reduce((sum, {value}, i) => sum + volumes[i]! * value, 0);
  return {mean, variance: tree.reduce((sum, {value}, i) => sum + volumes[i]! * (value - mean) ** 2, 0)};
}

/** The mean over the other dimensions, in each segment of one or cell of two dimensions (the second runs fastest). */
function marginal(tree: Tree, dimensions: readonly number[], cuts: readonly Cut[], space: Space): Float64Array {
  const [rows, columns] = [0, 1].map((k) => (k < cuts.length ? lengthsOf(cuts[k]!, space, dimensions[k]!).length : 1));
  // Differences along both dimensions, summed up at the end: a leaf costs four additions, however many cells it covers.
  const width = columns! + 1;
  const differences = new Float64Array((rows! + 1) * width);
  for (const {sides, value} of tree) {
    let others = value;
    for (const [d, side] of sides.entries()) if (!dimensions.includes(d)) others *= lengthOf(side, space, d);
    const down = rangesOf(sides[dimensions[0]!]!, cuts[0]!);
    const across = dimensions.length === 1 ? [[0, 1] as const] : rangesOf(sides[dimensions[1]!]!, cuts[1]!);
    for (const [r0, r1] of down)
      for (const [c0, c1] of across) {
        differences[r0 * width + c0]! += others;
        differences[r0 * width + c1]! -= others;
        differences[r1 * width + c0]! -= others;
        differences[r1 * width + c1]! += others;
      }
  }
  const means = new Float64Array(rows! * columns!);
  const above = new Float64Array(columns!);
  for (let r = 0; r < rows!; r++) {
    let sum = 0;
    for (let c = 0; c < columns!; c++) {
      sum += differences[r * width + c]!;
      above[c]! += sum;
      means[r * columns! + c] = above[c]!;
    }
  }
  return means;
}

/** The mean square of a marginal. */
function secondMoment(tree: Tree, dimensions: readonly number[], cuts: readonly Cut[], space: Space): number {
  const chosen = dimensions.map((d) => cuts[d]!);
  const means = marginal(tree, dimensions, chosen, space);
  const rows = lengthsOf(chosen[0]!, space, dimensions[0]!);
  const columns = dimensions.length === 1 ? [1] : lengthsOf(chosen[1]!, space, dimensions[1]!);
  let sum = 0;
  for (const [r, height] of rows.entries())
    for (const [c, breadth] of columns.entries()) sum += height * breadth * means[r * columns.length + c]! ** 2;
  return sum;
}
