/** What networks, learners and classifiers write as ONNX nodes computes what they do, in ONNX Runtime. */
import {beforeAll, describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {ImageSet, Matrix} from '../../src/core/contracts/data.ts';
import {startEngine} from '../../src/core/engine/engine.ts';
import {GraphBuilder, type Value} from '../../src/core/formats/onnx/builder.ts';
import {startOnnx} from '../../src/core/formats/onnx/runtime.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {layersOf, Plugins} from '../../src/core/plugin/registry.ts';
import {shiftHeadParameters} from '../../src/domain/learners/csi.ts';
import {headParameters} from '../../src/domain/networks/head.ts';
import {weightsOf} from '../rig/weights.ts';

beforeAll(() => startEngine({name: 'wasm', threads: 1}));

const plugins = new Plugins(builtin);
const resolved = (kind: 'network' | 'learner' | 'classifier', type: string, options: object) =>
  checkPlugin(plugins, kind, {type, ...options}).value;

/** Builds a graph of one input and runs it. */
async function computed(
  sizes: readonly (number | string)[],
  shape: readonly number[],
  data: Float32Array,
  build: (builder: GraphBuilder, input: Value) => Value,
  rank: 1 | 2,
): Promise<Float32Array> {
  const builder = new GraphBuilder();
  const made = build(builder, builder.input('x', sizes, ''));
  builder.output('y', builder.toFloat(made), rank === 1 ? ['N'] : ['N', 'D'], '');
  const model = await startOnnx(builder.finish({producer: 'test', version: '1', doc: '', metadata: {}}));
  try {
    return await model.run({name: 'x', shape, data}, 'y');
  } finally {
    await model.dispose();
  }
}

/** To a ten-thousandth of their range, and of `middle`'s. */
function expectNear(got: Float32Array, wanted: ArrayLike<number>, middle: readonly number[] = []): void {
  expect(got.length).toBe(wanted.length);
  const all = Array.from(wanted);
  const range = Math.max(...all, ...middle) - Math.min(...all, ...middle);
  expect(range).toBeGreaterThan(0);
  expect(Math.max(...all.map((value, i) => Math.abs(value - got[i]!))) / range).toBeLessThan(1e-4);
}

describe('classifiers', () => {
  const more: {readonly [type: string]: readonly object[]} = {
    'oc-svm': [{kernel: 'linear'}, {kernel: 'linear', normalise: true}, {gamma: 0.5, normalise: false}],
    kde: [{gamma: 0.5, normalise: false}],
    gde: [{normalise: false}, {shrinkage: 'ledoit-wolf'}],
    knn: [{k: 3}, {k: 1000}, {k: 3, distance: 'squared'}, {distance: 'euclidean'}],
  };
  const cases = plugins
    .names('classifier')
    .flatMap((type) => [{}, ...(more[type] ?? [])].flatMap((options) => [8, 120].map((d) => ({type, options, d}))));

  test.for(cases)('$type $options of $d features', async ({type, options, d}) => {
    const rng = new Rng('features');
    const matrix = (rows: number): Matrix => ({
      rows,
      columns: d,
      data: Float32Array.from({length: rows * d}, (_, i) => Math.max(0, Math.sin(i % d) + 0.4 * rng.normal())),
    });
    const [train, probe] = [matrix(60), matrix(50)];
    probe.data.fill(0, 0, d);
    const scorer = plugins.create('classifier', resolved('classifier', type, options)).fit(train, new Rng(0));
    const {graph} = scorer;
    expect(graph, 'all that is built in can be exported').toBeDefined();
    const got = await computed(['N', d], [50, d], probe.data, (builder, x) => graph!(builder, x), 1);
    expectNear(got, scorer.score(probe));
    const {gradientGraph} = scorer;
    expect(gradientGraph, 'so can the slopes of all that is built in').toBeDefined();
    const slopes = await computed(['N', d], [50, d], probe.data, (builder, x) => gradientGraph!(builder, x), 2);
    expectNear(slopes, scorer.gradient!(probe).data, [0]);
  });
});

function imagesOf(count: number, side: number): ImageSet & {readonly float: Float32Array} {
  const rng = new Rng('images');
  const pixels = Uint8Array.from({length: count * side * side * 3}, (_, i) =>
    Math.floor(rng.uniform(0, 100) + 5 * (Math.floor(i / (side * 3)) % 30)),
  );
  return {
    shape: {height: side, width: side, channels: 3},
    count,
    pixels,
    float: Float32Array.from(pixels, (v) => v / 255),
  };
}

describe('learners with their networks', () => {
  const small = [
    {type: 'small', width: 4, side: 32},
    {type: 'small', width: 4, side: 45},
    {type: 'resnet18', width: 0.125, side: 32},
    {type: 'resnet18', width: 0.125, side: 128},
    {type: 'resnet50', width: 0.0625, side: 32},
  ];
  const large = [{type: 'efficientnet', variant: 'b0', side: 45}];
  const learners = ['untrained', 'rotation', 'contrastive', 'csi', 'cutpaste', 'nsa', 'denoising'];
  const casesOf = (networks: typeof small | typeof large, of = learners) =>
    of.flatMap((type) =>
      networks.flatMap(({side, ...network}) =>
        layersOf(plugins, resolved('learner', type, {network})).map((layer) => ({type, layer, network, side})),
      ),
    );
  const title = '$type, $layer, $network.type of $side pixels';
  const check = async ({type, layer, network, side}: ReturnType<typeof casesOf>[number]) => {
    const classes = {rotation: 4, cutpaste: 3, nsa: 2}[type] ?? 0;
    const ref = {...network, head: type === 'untrained' ? [] : [16, 12]};
    const {parameters, features, head} = plugins.create('network', resolved('network', network.type, ref));
    const learner = plugins.create(
      'learner',
      resolved('learner', type, {network: ref, ...(type === 'csi' && {crops: 0})}),
    );
    const ofHead = type === 'csi' ? shiftHeadParameters({features, head}, 4) : headParameters(features, head, classes);
    const weights = weightsOf([...parameters(side), ...ofHead], 'weights');
    const images = imagesOf(3, side);
    const encoder = learner.encoder(weights, plugins);
    const wanted = await encoder.embed(images, layer);
    encoder.dispose();
    const got = await computed(
      ['N', side, side, 3],
      [3, side, side, 3],
      images.float,
      (builder, x) => learner.graph!(builder, x, layer, weights, plugins)!,
      2,
    );
    expectNear(got, wanted.data);
  };
  test.for(casesOf(small))(title, check);
  test.for(casesOf(large, ['rotation']))(title, {tags: ['slow']}, check); // it has every kind of layer

  const maps = [small[0]!, small[3]!, small[4]!, large[0]!].flatMap(({side, ...network}) =>
    Object.keys(plugins.create('network', resolved('network', network.type, network)).mapChannels!).map((layer) => ({
      network,
      layer,
      side,
    })),
  );
  test.for(maps)('$network.type of $side pixels: the map $layer', async ({network, layer, side}) => {
    const ref = {...network, head: []};
    const {parameters, mapsGraph, mapChannels} = plugins.create('network', resolved('network', network.type, ref));
    const weights = weightsOf(parameters(side), 'weights');
    const images = imagesOf(2, side);
    const learner = plugins.create('learner', resolved('learner', 'untrained', {network: ref}));
    const encoder = learner.encoder(weights, plugins);
    const [wanted] = await encoder.maps!(images, [layer]);
    encoder.dispose();
    const got = await computed(
      ['N', side, side, 3],
      [2, side, side, 3],
      images.float,
      (builder, x) => {
        const map = mapsGraph!(builder, weights, builder.node('Transpose', [x], {perm: [0, 3, 1, 2]}))[layer]!;
        const last = builder.node('Transpose', [map], {perm: [0, 2, 3, 1]});
        return builder.node('Reshape', [last, builder.integers(-1, mapChannels![layer]!)]);
      },
      2,
    );
    expectNear(got, wanted!.data);
  });

  test('every learner can be exported, except one with a network from a file', () => {
    const without = plugins
      .names('learner')
      .filter((type) => type !== 'pretrained' && !plugins.create('learner', resolved('learner', type, {})).graph);
    expect(without).toEqual([]);
  });
});
