/** A random forest for regression (Breiman 2001) over the coordinates of a search, whose trees are kept as boxes. */
import type {Rng} from '../../core/base/random.ts';
import {isChoice, levelAt} from './domain.ts';
import type {Space} from './space.ts';

/** A leaf: the part of each dimension that it covers, and the value there. */
export interface Box {
  readonly sides: readonly Side[];
  readonly value: number;
}

/** Of a number: [from, to) of [0, 1]. Of a choice: the levels. */
export type Side = {readonly from: number; readonly to: number} | {readonly levels: ReadonlySet<number>};

/** Boxes that fill the unit cube. */
export type Tree = readonly Box[];

interface Split {
  readonly dimension: number;
  readonly left: Side;
  readonly right: Side;
  readonly isLeft: (row: Float64Array) => boolean;
}

/**
 * Each tree is grown to single values on a bootstrap sample, every dimension tried at every split. `rows`: coordinates in [0, 1]
 * (`encode`), NaN where a parameter does not exist: such a coordinate is drawn anew for every tree, since the value does not
 * depend on it.
 */
export function growForest(
  space: Space,
  rows: readonly Float64Array[],
  values: ArrayLike<number>,
  rng: Rng,
  trees: number,
): readonly Tree[] {
  const counts = space.parameters.map(({domain}) => (isChoice(domain) ? domain.values.length : 0));
  return Array.from({length: trees}, (_, t) => {
    const stream = rng.fork(`tree ${t}`);
    const filled = rows.map((row) => row.map((unit) => (Number.isNaN(unit) ? stream.uniform() : unit)));
    // Choices as their levels.
    for (const row of filled)
      for (const [d, {domain}] of space.parameters.entries()) if (counts[d]) row[d] = levelAt(domain, row[d]!);
    const sample = Array.from(rows, () => stream.integer(rows.length));
    const whole = counts.map((count): Side => (count ? {levels: new Set(Array(count).keys())} : {from: 0, to: 1}));
    const boxes: Box[] = [];
    grow(filled, values, sample, whole, boxes);
    return boxes;
  });
}

function grow(
  rows: readonly Float64Array[],
  values: ArrayLike<number>,
  sample: readonly number[],
  sides: readonly Side[],
  boxes: Box[],
): void {
  const split = bestSplit(rows, values, sample, sides);
  if (!split) {
    boxes.push({sides, value: sample.reduce((sum, i) => sum + values[i]!, 0) / sample.length});
    return;
  }
  const within = (side: Side) => sides.map((one, d) => (d === split.dimension ? side : one));
  const left = sample.filter((i) => split.isLeft(rows[i]!));
  const right = sample.filter((i) => !split.isLeft(rows[i]!));
  grow(rows, values, left, within(split.left), boxes);
  grow(rows, values, right, within(split.right), boxes);
}

/** The split that leaves the smallest squared deviation; undefined where nothing is left to explain. */
function bestSplit(
  rows: readonly Float64Array[],
  values: ArrayLike<number>,
  sample: readonly number[],
  sides: readonly Side[],
): Split | undefined {
  const first = values[sample[0]!]!;
  if (sample.every((i) => values[i] === first)) return undefined;
  const total = sample.reduce((sum, i) => sum + values[i]!, 0);
  // Deviations from the mean: a large common value would take the digits of small gains.
  const mean = total / sample.length;
  let best = 0;
  let split: Split | undefined;
  for (const [dimension, side] of sides.entries()) {
    // A choice's levels in the order of their means: the best of all partitions in two is among those (Fisher 1958).
    const ranks = 'levels' in side ? levelOrder(rows, values, sample, dimension) : undefined;
    const at = (i: number) => (ranks ? ranks.get(rows[i]![dimension]!)! : rows[i]![dimension]!);
    const sorted = [...sample].sort((a, b) => at(a) - at(b) || a - b);
    let sum = 0;
    for (let k = 1; k < sorted.length; k++) {
      sum += values[sorted[k - 1]!]! - mean;
      const [low, high] = [at(sorted[k - 1]!), at(sorted[k]!)];
      const gain = (sum * sum) / k + (sum * sum) / (sorted.length - k);
      if (low === high || gain <= best) continue;
      best = gain;
      split = splitAt(dimension, side, ranks, low, high);
    }
  }
  return split;
}

/** From 0, the rank of each level that the sample has. */
function levelOrder(
  rows: readonly Float64Array[],
  values: ArrayLike<number>,
  sample: readonly number[],
  dimension: number,
): ReadonlyMap<number, number> {
  const sums = new Map<number, {sum: number; count: number}>();
  for (const i of sample) {
    const level = rows[i]![dimension]!;
    const {sum, count} = sums.get(level) ?? {sum: 0, count: 0};
    sums.set(level, {sum: sum + values[i]!, count: count + 1});
  }
  const order = [...sums].sort(([a, one], [b, two]) => one.sum / one.count - two.sum / two.count || a - b);
  return new Map(order.map(([level], rank) => [level, rank]));
}

function splitAt(
  dimension: number,
  side: Side,
  ranks: ReadonlyMap<number, number> | undefined,
  low: number,
  high: number,
): Split {
  if ('levels' in side) {
    // Levels that the sample does not have go with the right part.
    const isLow = (level: number) => (ranks!.get(level) ?? high) <= low;
    const part = (wanted: boolean) => ({levels: new Set([...side.levels].filter((level) => isLow(level) === wanted))});
    return {dimension, left: part(true), right: part(false), isLeft: (row) => isLow(row[dimension]!)};
  }
  const cut = (low + high) / 2;
  const {from, to} = side;
  return {dimension, left: {from, to: cut}, right: {from: cut, to}, isLeft: (row) => row[dimension]! < cut};
}
