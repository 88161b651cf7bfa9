import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import type {ImageSet} from '../../../src/core/contracts/data.ts';
import type {FitContext} from '../../../src/core/contracts/learner.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {expectClose, expectNoLeaks, onEachEngine} from '../../rig/tensors.ts';
import {pattern} from '../networks/pattern.ts';

const folder = fileURLToPath(new URL('../../fixtures/models/', import.meta.url));
/** What PyTorch computed in float64: `scripts/make-model-fixtures.py`. */
const {count, side, cases} = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as {
  readonly count: number;
  readonly side: number;
  /** Of images as they are, and stretched to a size. */
  readonly cases: readonly {
    readonly size: number | null;
    /** (count, 4), averaged over space, and (count, 5). */
    readonly features: readonly number[];
    readonly logits: readonly number[];
  }[];
};
const [native, stretched] = cases;

const images: ImageSet = {
  shape: {height: side, width: side, channels: 3},
  count,
  pixels: Uint8Array.from(pattern(count * side * side * 3, 5), (u) => Math.floor(128 + 127.9 * u)),
};

const plugins = new Plugins(builtin);
function learnerOf(options: {readonly path: string; readonly [option: string]: unknown}) {
  const {value, issues} = checkPlugin(plugins, 'learner', {
    type: 'pretrained',
    ...options,
    path: folder + options.path,
  });
  expect(issues).toEqual([]);
  return plugins.create('learner', value);
}

const embed = async (options: Parameters<typeof learnerOf>[0], of: ImageSet = images) => {
  const encoder = learnerOf(options).encoder(new Map(), plugins);
  try {
    return await encoder.embed(of, 'pool');
  } finally {
    encoder.dispose();
  }
};

const problem = (work: Promise<unknown>) =>
  work.then(
    () => 'no problem',
    (error: Error) => `${error.name}: ${error.message.replaceAll(folder, '')}`,
  );

test('its row in the tables is the paper’s ImageNet row if the file has that name', () => {
  const row = (path: string) => plugins.get('learner', 'pretrained').row({path} as never, {copies: 0});
  expect(['/nets/resnet50.onnx', '/a/ResNet-50-v1.onnx', '/resnet50/model.onnx', '/b4.onnx'].map(row)).toEqual([
    'imagenet-resnet50',
    'imagenet-resnet50',
    'pretrained',
    'pretrained',
  ]);
});

onEachEngine(() => {
  const files = ['tiny.onnx', 'tiny-outside.onnx', 'tfjs/model.json'];

  test.for(files)('%s: features are PyTorch’s, ImageNet’s mean and deviation taken out', async (path) => {
    const logits = await embed({path});
    expect([logits.rows, logits.columns]).toEqual([count, 5]);
    expectClose(logits.data, native!.logits);
    // A map from within, averaged over space: an ONNX file does not even declare it as an output.
    const features = await embed({path, output: 'features'});
    expect([features.rows, features.columns]).toEqual([count, 4]);
    expectClose(features.data, native!.features);
    expectClose((await embed({path, size: 12})).data, stretched!.logits);
  });

  test('a file with fixed layout, side and batch size gets such batches', async () => {
    expectClose((await embed({path: 'tiny-fixed.onnx'})).data, stretched!.logits);
    expectClose((await embed({path: 'tiny-fixed.onnx', output: 'features'})).data, stretched!.features);
    expect(await problem(embed({path: 'tiny-fixed.onnx', size: 32}))).toMatchInlineSnapshot(
      `"ModelError: tiny-fixed.onnx takes images of height 12, but "size" is 32. Remove "size"."`,
    );
  });

  test('mean and std are options', async () => {
    const plain = await embed({path: 'tiny.onnx', mean: [0, 0, 0], std: [1, 1, 1]});
    const halved = await embed({path: 'tiny.onnx', mean: [0, 0, 0], std: [2, 2, 2], output: 'map'});
    expect(Math.abs(plain.data[0]! - native!.logits[0]!)).toBeGreaterThan(0.1);
    // Before the ReLU all is linear but for the shift: twice the deviation, half the distance from it.
    const [whole, none] = [
      await embed({path: 'tiny.onnx', mean: [0, 0, 0], std: [1, 1, 1], output: 'map'}),
      await embed({path: 'tiny.onnx', mean: [0, 0, 0], std: [1e9, 1e9, 1e9], output: 'map'}),
    ];
    expectClose(
      halved.data,
      whole.data.map((value, i) => (value + none.data[i]!) / 2),
    );
  });

  test.for(files)('%s: fit checks that it runs on such images', async (path) => {
    const context = {images: {...images, count: 0, pixels: new Uint8Array()}} as unknown as FitContext;
    expect(await learnerOf({path}).fit(context)).toEqual({weights: new Map(), curve: []});
    await expectNoLeaks(() => learnerOf({path}).fit(context));
  });
});

test('an error of ONNX Runtime names the file', async () => {
  expect(await problem(embed({path: 'tiny.onnx', output: 'shape'}))).toMatch(
    /^ModelError: ONNX Runtime cannot load tiny\.onnx: .*shape/s,
  );
});
