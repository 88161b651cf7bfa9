import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';

const plugins = new Plugins(builtin);
const [rows, columns] = [257, 6];

/** Far from 0 and correlated, so that a covariance about a wrong mean is seen. */
const features: Matrix = (() => {
  const rng = new Rng(3);
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const common = rng.normal();
    for (let i = 0; i < columns; i++) data[row * columns + i] = 3 + common + (0.2 + i) * rng.normal();
  }
  return {rows, columns, data};
})();

/** Parts of 64 rows, and how often they were asked for. */
function inParts() {
  const asked = {count: 0};
  async function* parts(): AsyncIterable<Matrix> {
    asked.count++;
    for (let from = 0; from < rows; from += 64) {
      const to = Math.min(rows, from + 64);
      yield {rows: to - from, columns, data: features.data.slice(from * columns, to * columns)};
    }
  }
  return {parts, asked};
}

const names = plugins.names('classifier').filter((name) => plugins.get('classifier', name).inParts);

test('windows not thinned: there is a classifier that is fitted on any number of rows in parts', () => {
  expect(names).toContain('gde');
});

test.for(
  names.flatMap((type) => [{type}, {type, shrinkage: 'ledoit-wolf'}, {type, normalise: false, log_determinant: true}]),
)('%j: in parts as on all rows at once, and its limit does not count', async (ref) => {
  const made = (more: object) =>
    plugins.create('classifier', checkPlugin(plugins, 'classifier', {...ref, ...more}).value);
  const whole = made({}).fit(features, new Rng(0)).score(features);
  const {parts, asked} = inParts();
  const scorer = await made({train_limit: 10}).fitParts!(parts);
  expect(asked.count).toBeLessThanOrEqual(2);
  const scores = scorer.score(features);
  const scale = Math.max(...whole.map(Math.abs));
  for (const [i, score] of scores.entries()) expect(Math.abs(score - whole[i]!) / scale).toBeLessThan(1e-6);
  // What the limit of 10 rows gives is something else.
  const few = made({train_limit: 10}).fit(features, new Rng(0)).score(features);
  expect(Math.max(...few.map((score, i) => Math.abs(score - whole[i]!) / scale))).toBeGreaterThan(1e-2);
  // What is saved scores the same.
  expect(made({}).restore(scorer.save()).score(features)).toEqual(scores);
});

test('a row that is not finite is refused in parts, too', async () => {
  const {parts} = inParts();
  async function* broken(): AsyncIterable<Matrix> {
    for await (const part of parts()) yield {...part, data: part.data.fill(Number.NaN, 7, 8)};
  }
  const gde = plugins.create('classifier', checkPlugin(plugins, 'classifier', {type: 'gde'}).value);
  await expect(gde.fitParts!(broken)).rejects.toThrow('feature 1 of row 1 is NaN');
});
