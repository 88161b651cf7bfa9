import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {kCentres, Projection} from '../../../src/domain/classifiers/coreset.ts';
import {expectClose, onEachEngine} from '../../rig/tensors.ts';
import {pattern} from '../networks/pattern.ts';

/** What NumPy and scikit-learn computed in float64: `scripts/make-dense-fixtures.py`. */
const fixture = JSON.parse(readFileSync('test/fixtures/dense.json', 'utf8')) as {
  /** Of the bank, from row 17 on, in the order in which they are chosen. */
  readonly coreset: readonly number[];
  readonly image_scores: readonly {
    readonly about: number;
    readonly distances: readonly number[];
    readonly scores: readonly number[];
  }[];
};
const bank: Matrix = {rows: 120, columns: 7, data: Float32Array.from(pattern(120 * 7, 31))};
const probe: Matrix = {
  rows: 9,
  columns: 7,
  data: Float32Array.from(pattern(9 * 7, 32), (u) => 1.5 * Math.fround(u)),
};

const plugins = new Plugins(builtin);
function knn(options: {readonly [option: string]: unknown}) {
  const {value, issues} = checkPlugin(plugins, 'classifier', {type: 'knn', distance: 'euclidean', ...options});
  expect(issues).toEqual([]);
  return plugins.create('classifier', value);
}

const distance = ({columns, data}: Matrix, a: number, b: number): number =>
  Math.hypot(...Array.from({length: columns}, (_, i) => data[a * columns + i]! - data[b * columns + i]!));

const blocksOf = (of: Matrix, most: number) => {
  const sizes: number[] = [];
  return {
    sizes,
    source: {
      rows: of.rows,
      columns: of.columns,
      async *blocks() {
        for (let from = 0; from < of.rows; from += most) {
          const rows = Math.min(most, of.rows - from);
          sizes.push(rows);
          yield {rows, columns: of.columns, data: of.data.slice(from * of.columns, (from + rows) * of.columns)};
        }
      },
    },
  };
};

test('centres are chosen as by all distances', () => {
  expect([...kCentres(bank, 40, 17)]).toEqual(fixture.coreset);
});

test('no other centres have less than half the largest distance', () => {
  const few = {...bank, rows: 12, data: bank.data.subarray(0, 12 * 7)};
  const radius = (centres: readonly number[]): number =>
    Math.max(...Array.from({length: 12}, (_, row) => Math.min(...centres.map((centre) => distance(few, row, centre)))));
  const least = Math.min(
    ...Array.from({length: 12 ** 3}, (_, i) => radius([i % 12, Math.floor(i / 12) % 12, Math.floor(i / 144)])),
  );
  for (let first = 0; first < 12; first++) expect(radius([...kCentres(few, 3, first)])).toBeLessThanOrEqual(2 * least);
});

test('each row is chosen once, if there are only equal ones left as well', () => {
  const data = Float32Array.of(1, 1, 2, 2, 2, 1);
  expect([...kCentres({rows: 6, columns: 1, data}, 6, 3)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect([...kCentres({rows: 6, columns: 1, data}, 9, 0)]).toHaveLength(6);
});

onEachEngine(() => {
  test('a random projection keeps distances, and blocks give what the whole gives', () => {
    const wide = {rows: 30, columns: 400, data: Float32Array.from(pattern(30 * 400, 33))};
    const projection = new Projection(400, 128, new Rng(0));
    const whole = {rows: 30, columns: 128, data: new Float32Array(30 * 128)};
    projection.project(wide, whole.data, 0);
    let [sum, worst] = [0, 0];
    for (let a = 0; a < 30; a++)
      for (let b = 0; b < a; b++) {
        const ratio = distance(whole, a, b) / distance(wide, a, b);
        sum += ratio / 435;
        worst = Math.max(worst, Math.abs(ratio - 1));
      }
    expect(Math.abs(sum - 1)).toBeLessThan(0.03);
    expect(worst).toBeLessThan(0.3); // a standard deviation is 1 / √256
    const parts = new Float32Array(30 * 128);
    for (const [from, to] of [
      [0, 7],
      [7, 8],
      [8, 30],
    ] as const)
      projection.project({rows: to - from, columns: 400, data: wide.data.slice(from * 400, to * 400)}, parts, from);
    projection.dispose();
    expectClose(parts, whole.data, {relative: 1e-6, absolute: 1e-6});
  });

  test.for(fixture.image_scores)('distances, and PatchCore’s score of an image over $about neighbours', (wanted) => {
    const scorer = knn({reweight: wanted.about}).fit(bank, new Rng(0));
    const distances = scorer.score(probe);
    expectClose(distances, wanted.distances, {relative: 1e-5});
    const weights = scorer.imageWeights!(probe);
    expectClose(
      weights.map((weight, i) => weight * distances[i]!),
      wanted.scores,
      {relative: 1e-4},
    );
  });

  test.for([
    {share: 0.25, projection: 3},
    {share: 0.1, projection: 128},
  ])('a coreset ($share, $projection): scores are distances to a subset, the same from blocks', async (coreset) => {
    const whole = knn({coreset}).fit(bank, new Rng(5));
    const [count] = whole.save().get('points')!.shape;
    expect(count).toBe(Math.round(coreset.share * 120));
    const own = whole.score(bank);
    expect(own.filter((score) => score < 1e-3)).toHaveLength(count!);
    const {source, sizes} = blocksOf(bank, 25);
    const streamed = await knn({coreset}).fitBlocks!(source, new Rng(5));
    expectClose(streamed.score(probe), whole.score(probe), {relative: 1e-5});
    expect(sizes).toEqual([25, 25, 25, 25, 20, 25, 25, 25, 25, 20]); // read twice, never more than a block
  });

  test('a coreset of a random subset of rows is the same from blocks', async () => {
    const options = {coreset: {share: 0.2, projection: 4}, train_limit: 50};
    const whole = knn(options).fit(bank, new Rng(1));
    const streamed = await knn(options).fitBlocks!(blocksOf(bank, 11).source, new Rng(1));
    expect(streamed.save().get('points')!.shape).toEqual([10, 7]);
    expectClose(streamed.score(probe), whole.score(probe), {relative: 1e-5});
  });

  test('held out, rows score as new rows do: about as many of these are above as asked', () => {
    const classifier = knn({coreset: {share: 0.25, projection: 'none'}});
    const draw = new Rng('new rows');
    const rowsOf = (rows: number): Matrix => ({
      rows,
      columns: 7,
      data: Float32Array.from({length: 7 * rows}, () => draw.normal()),
    });
    let above = 0;
    for (let set = 0; set < 10; set++) {
      const train = rowsOf(40);
      const threshold = classifier.heldOut!(train, new Rng(set)).sort()[35]!;
      const found = classifier.fit(train, new Rng(set)).score(rowsOf(100));
      above += found.filter((score) => score > threshold).length;
    }
    // 4 of 40 are above; that coresets of four fifths are smaller makes it somewhat fewer.
    expect(above).toBeGreaterThan(40);
    expect(above).toBeLessThan(140);
  });
});

test('without a projection it is not read in blocks', () => {
  expect(knn({coreset: {share: 0.5, projection: 'none'}}).fitBlocks).toBeUndefined();
  expect(knn({}).fitBlocks).toBeUndefined();
});
