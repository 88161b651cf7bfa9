/** Places are compared with those of similar images as NumPy and PyTorch computed it: `scripts/make-dense-fixtures.py`. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {writeFeatures} from '../../../src/core/formats/arrow/features.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {scoreAmongSimilar} from '../../../src/pipeline/stages/similar-images.ts';
import {openWindows} from '../../../src/pipeline/stages/window-features.ts';
import {pattern} from '../../domain/networks/pattern.ts';
import {temporaryFolder} from '../../rig/archives.ts';
import {expectClose, onEachEngine} from '../../rig/tensors.ts';

const fixture = JSON.parse(readFileSync('test/fixtures/dense.json', 'utf8')) as {
  readonly spade: readonly {
    readonly similar: number;
    readonly k: number;
    readonly images: readonly number[];
    readonly places: readonly number[];
  }[];
};
const place = temporaryFolder('similar');
afterAll(() => place.remove());
const plugins = new Plugins(builtin);
const knn = (k: number) =>
  plugins.create('classifier', checkPlugin(plugins, 'classifier', {type: 'knn', distance: 'squared', k}).value);

/** `images` of `rows` rows each, a record batch each. */
async function written(name: string, images: number, rows: number, columns: number, data: Float32Array) {
  const path = join(place.folder, `${name}.arrow`);
  const size = rows * columns;
  const chunks = Array.from({length: images}, (_, i) => ({
    features: {rows, columns, data: data.slice(i * size, (i + 1) * size)},
    classes: new Int32Array(rows),
  }));
  await writeFeatures(path, chunks, {columns, classNames: ['good'], grid: [1, rows]});
  return path;
}

const files = (async () => ({
  train: await written('train', 6, 20, 7, Float32Array.from(pattern(6 * 20 * 7, 31))),
  test: await written(
    'test',
    3,
    3,
    7,
    Float32Array.from(pattern(3 * 3 * 7, 32), (u) => 1.5 * Math.fround(u)),
  ),
  whole_train: await written('whole-train', 6, 1, 4, Float32Array.from(pattern(6 * 4, 61))),
  whole_test: await written('whole-test', 3, 1, 4, Float32Array.from(pattern(3 * 4, 62))),
}))();

async function scored(similar: number, k: number, scoredOnes: 'train' | 'test') {
  const inputs = await files;
  const context = {similar, inputs, kind: 'localize', report: () => undefined, signal: new AbortController().signal};
  const train = await openWindows(inputs.train);
  const asked = scoredOnes === 'train' ? train : await openWindows(inputs.test);
  return scoreAmongSimilar(context as never, knn(k), train, asked);
}

onEachEngine(() => {
  test.for(fixture.spade)('SPADE: $similar similar images, $k nearest places', async ({similar, k, images, places}) => {
    const {scores, ofImages} = await scored(similar, k, 'test');
    expectClose(ofImages!, images, {relative: 1e-5});
    expectClose(scores, places, {relative: 1e-4});
  });

  test('a training image is not compared with itself', async () => {
    const {scores, ofImages} = await scored(1, 1, 'train');
    expect(Math.min(...scores)).toBeGreaterThan(0.01);
    const whole = pattern(6 * 4, 61).map(Math.fround);
    const squares = (i: number) =>
      Array.from({length: 6}, (_, j) =>
        [0, 1, 2, 3].reduce((sum, c) => sum + (whole[4 * i + c]! - whole[4 * j + c]!) ** 2, 0),
      );
    const wanted = Array.from({length: 6}, (_, i) => Math.min(...squares(i).filter((_, j) => j !== i)));
    expectClose(ofImages!, wanted, {relative: 1e-5});
  });
});
