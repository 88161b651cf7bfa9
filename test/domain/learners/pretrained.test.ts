import {readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import type {ImageSet} from '../../../src/core/contracts/data.ts';
import type {FitContext} from '../../../src/core/contracts/learner.ts';
import {GraphBuilder} from '../../../src/core/formats/onnx/builder.ts';
import {startOnnx} from '../../../src/core/formats/onnx/runtime.ts';
import {joinedMaps} from '../../../src/core/images/joined-maps.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {expectClose, expectNoLeaks, onEachEngine} from '../../rig/tensors.ts';
import {World} from '../../rig/world.ts';
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

/** What PyTorch computed of maps and tokens: `scripts/make-dense-fixtures.py`. */
const dense = JSON.parse(readFileSync('test/fixtures/dense.json', 'utf8')) as {
  readonly layers: readonly number[];
  readonly tokens: readonly number[];
};

onEachEngine(() => {
  test.for(['tiny.onnx', 'tfjs/model.json'])('%s: maps of two layers, joined, are PyTorch’s', async (path) => {
    const encoder = learnerOf({path}).encoder(new Map(), plugins);
    const maps = await encoder.maps!(images, ['map', 'features']);
    encoder.dispose();
    expectClose(joinedMaps(maps, {neighbourhood: 3}).data, dense.layers);
  });
});

test('tokens of a vision transformer are places, and their mean is the pooled feature', async () => {
  using world = new World();
  const file = `${world.root}/vit.onnx`;
  writeFileSync(file, vit());
  const {value} = checkPlugin(plugins, 'learner', {type: 'pretrained', path: file});
  const encoder = plugins.create('learner', value).encoder(new Map(), plugins);
  const [map] = await encoder.maps!(images, ['tokens']);
  expect(map).toMatchObject({count: 5, height: 4, width: 4, channels: 6});
  expectClose(map!.data, dense.tokens);
  const pooled = await encoder.embed(images, 'pool');
  const means = Array.from({length: 30}, (_, i) => {
    const of = Array.from({length: 16}, (_, place) => dense.tokens[(Math.floor(i / 6) * 16 + place) * 6 + (i % 6)]!);
    return of.reduce((sum, one) => sum + one, 0) / 16;
  });
  expectClose(pooled.data, means);
  const gone = encoder.maps!(images, ['token']).then(String, String);
  expect((await gone).replaceAll(world.root, '')).toMatchInlineSnapshot(
    `"NoSuchMap: /vit.onnx has no tensor "token". Did you mean "tokens"?"`,
  );
  encoder.dispose();
});

/** Images (n, 8, 8, 3) → tokens (n, 3 + 16, 6): a class and two registers, all 9, and tanh of a dense layer on patches of 2 × 2. */
function vit(): Uint8Array {
  const builder = new GraphBuilder();
  const x = builder.input('images', ['N', 8, 8, 3], 'Images.');
  const split = builder.node('Reshape', [x, builder.integers(-1, 4, 2, 4, 2, 3)]);
  const ordered = builder.node('Transpose', [split], {perm: [0, 1, 3, 2, 4, 5]});
  const patches = builder.node('Reshape', [ordered, builder.integers(-1, 16, 12)]);
  const weights = builder.constant(Float32Array.from(pattern(12 * 6, 51)), [12, 6]);
  const tokens = builder.node('Tanh', [builder.node('MatMul', [patches, weights])]);
  const some = builder.node('Gather', [tokens, builder.integers(0, 0, 0)], {axis: 1});
  const extra = builder.node('Add', [
    builder.node('Mul', [some, builder.constant(Float32Array.of(0), [])]),
    builder.constant(Float32Array.of(9), []),
  ]);
  builder.output('tokens', builder.node('Concat', [extra, tokens], {axis: 1}), ['N', 19, 6], 'Tokens.');
  return builder.finish({producer: 'test', version: '1', doc: 'A transformer without layers.', metadata: {}});
}

test('a file is a part of another graph, with its branches, functions and tokens', async () => {
  using world = new World();
  const file = `${world.root}/vit.onnx`;
  writeFileSync(file, vit());
  const data = Float32Array.from(images.pixels, (value) => value / 255);
  for (const [path, layer] of [
    [`${folder}branching.onnx`, 'twice'],
    [file, 'tokens'],
  ] as const) {
    const {value} = checkPlugin(plugins, 'learner', {type: 'pretrained', path});
    const learner = plugins.create('learner', value);
    const builder = new GraphBuilder();
    const x = builder.input('images', ['N', side, side, 3], 'Images.');
    const [map] = await learner.foreignGraph!.maps(builder, x, images.shape, [layer]);
    builder.output('map', builder.node('Transpose', [map!.value], {perm: [0, 2, 3, 1]}), ['N', 'H', 'W', 'C'], 'Map.');
    const runner = await startOnnx(builder.finish({producer: 'test', version: '1', doc: '', metadata: {}}));
    const got = await runner.run({name: 'images', shape: [count, side, side, 3], data}, 'map');
    await runner.dispose();
    const encoder = learner.encoder(new Map(), plugins);
    const [wanted] = await encoder.maps!(images, [layer]);
    encoder.dispose();
    expect(map).toMatchObject({height: wanted!.height, width: wanted!.width, channels: wanted!.channels});
    expectClose(got, wanted!.data);
  }
});

test('an error of ONNX Runtime names the file', async () => {
  expect(await problem(embed({path: 'tiny.onnx', output: 'shape'}))).toMatch(
    /^ModelError: ONNX Runtime cannot load tiny\.onnx: .*shape/s,
  );
});
