/** What raises a score, as ONNX nodes, is what encoders compute, in ONNX Runtime. */
import {beforeAll, describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {ImageSet, Matrix} from '../../src/core/contracts/data.ts';
import type {Attribution} from '../../src/core/contracts/learner.ts';
import {startEngine} from '../../src/core/engine/engine.ts';
import type {Value} from '../../src/core/formats/onnx/builder.ts';
import {RecordedGraph} from '../../src/core/formats/onnx/recorded.ts';
import {startOnnx} from '../../src/core/formats/onnx/runtime.ts';
import {slopesGraph} from '../../src/core/formats/onnx/slopes.ts';
import {floatImage} from '../../src/core/images/float-image.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {layersOf, Plugins} from '../../src/core/plugin/registry.ts';
import {shiftHeadParameters} from '../../src/domain/learners/csi.ts';
import {headParameters} from '../../src/domain/networks/head.ts';
import {relevanceGraph} from '../../src/pipeline/models/relevance-graph.ts';
import {weightsOf} from '../rig/weights.ts';

beforeAll(() => startEngine({name: 'wasm', threads: 1}));

const plugins = new Plugins(builtin);
const resolved = (kind: 'network' | 'learner' | 'classifier', type: string, options: object) =>
  checkPlugin(plugins, kind, {type, ...options}).value;

function imagesOf(count: number, side: number): ImageSet {
  const rng = new Rng('images');
  const pixels = Uint8Array.from({length: count * side * side * 3}, () => rng.integer(256));
  return {shape: {height: side, width: side, channels: 3}, count, pixels};
}

/** Runs the nodes on the images. */
async function computed(
  {shape: {height, width}, count, pixels}: ImageSet,
  make: (graph: RecordedGraph, images: Value) => Value | Promise<Value>,
) {
  const graph = new RecordedGraph();
  const map = await make(graph, graph.input('images', ['N', height, width, 3], ''));
  graph.output('map', map, ['N', 'H', 'W'], '');
  const model = await startOnnx(graph.finish({producer: 'test', version: '1', doc: '', metadata: {}}));
  const data = Float32Array.from(pixels, (value) => value / 255);
  try {
    return await model.run({name: 'images', shape: [count, height, width, 3], data}, 'map');
  } finally {
    await model.dispose();
  }
}

function expectNear(got: Float32Array, wanted: Float32Array): void {
  expect(got.length).toBe(wanted.length);
  const range = Math.max(...wanted) - Math.min(...wanted);
  expect(range).toBeGreaterThan(0);
  expect(Math.max(...wanted.map((value, i) => Math.abs(value - got[i]!))) / range).toBeLessThan(1e-4);
}

const gradcam: Attribution = {by: 'gradcam'};
const ofPixels = (side: number): readonly Attribution[] => [
  {by: 'gradient'},
  {by: 'integrated-gradients', steps: 3, baseline: floatImage(imagesOf(9, side), 8)},
];

/** Factors on features: slopes of a score that is their weighted sum. */
const factors = (columns: number): Float32Array => {
  const rng = new Rng('factors');
  return Float32Array.from({length: columns}, () => rng.uniform(-0.5, 1));
};

function setUp(type: string, network: {readonly type: string}, side: number, seed = 'weights') {
  const classes = {rotation: 4, cutpaste: 3, nsa: 2}[type] ?? 0;
  const ref = {...network, head: type === 'untrained' ? [] : [16, 12]};
  const made = plugins.create('network', resolved('network', network.type, ref));
  const {parameters, features, head} = made;
  const options = {network: ref, ...(type === 'csi' && {crops: 0})};
  const learner = plugins.create('learner', resolved('learner', type, options));
  const ofHead = type === 'csi' ? shiftHeadParameters({features, head}, 4) : headParameters(features, head, classes);
  const weights = weightsOf([...parameters(side), ...ofHead], seed);
  const images = imagesOf(3, side);
  return {made, learner, weights, images, encoder: learner.encoder(weights, plugins)};
}

const small = {type: 'small', width: 4, side: 32};
const networks = [
  {type: 'small', width: 4, side: 45},
  {type: 'resnet18', width: 0.125, side: 32},
  {type: 'resnet18', width: 0.125, side: 128},
  {type: 'resnet50', width: 0.0625, side: 32},
];
const learners = ['untrained', 'rotation', 'contrastive', 'csi', 'cutpaste', 'nsa', 'denoising'];
const efficientnet = {type: 'efficientnet', variant: 'b0', side: 45};
interface Case {
  readonly type: string;
  readonly network: {readonly type: string};
  readonly side: number;
  readonly layer: string;
  readonly by: Attribution;
}
const casesOf = (type: string, {side, ...network}: {readonly type: string; readonly side: number}): readonly Case[] =>
  layersOf(plugins, resolved('learner', type, {network})).flatMap((layer) => {
    const isOfPooled = plugins.get('learner', type).ofPooled!.includes(layer);
    return [...(isOfPooled ? [gradcam] : []), ...ofPixels(side)].map((by) => ({type, network, side, layer, by}));
  });

describe('a score of features', () => {
  const title = '$type, $layer, $network.type of $side pixels: $by.by';
  const check = async ({type, network, side, layer, by}: Case) => {
    const {made, learner, weights, images, encoder} = setUp(type, network, side);
    const slopes = ({rows, columns}: Matrix): Matrix => {
      const each = factors(columns);
      return {rows, columns, data: Float32Array.from({length: rows * columns}, (_, i) => each[i % columns]!)};
    };
    const wanted = await encoder.explain!(images, {layer, slopes}, by);
    const {columns} = await encoder.embed(images, layer);
    encoder.dispose();
    const got = await computed(images, (graph, x) =>
      relevanceGraph(
        graph,
        x,
        {
          features: (from) => learner.graph!(graph, from, layer, weights, plugins)!,
          slopes: (features) =>
            graph.node('Expand', [graph.constant(factors(columns), [1, columns]), graph.node('Shape', [features])]),
        },
        by,
        () => made.mapGraph!(graph, weights, graph.node('Transpose', [x], {perm: [0, 3, 1, 2]})),
      ),
    );
    expectNear(got, wanted.data);
  };
  test.for(learners.flatMap((type) => casesOf(type, small)))(title, check);
  test.for(networks.flatMap((network) => casesOf('rotation', network).filter(({layer}) => layer === 'pool')))(
    title,
    check,
  );
  // It has every kind of layer.
  const wanted = ['pool', 'level-2'];
  test.for(casesOf('contrastive', efficientnet).filter(({layer}) => wanted.includes(layer)))(
    title,
    {tags: ['slow']},
    check,
  );
});

describe('a learner’s own score', () => {
  const own = learners.filter((type) => plugins.get('learner', type).ownScore);
  test.for(own.flatMap((type) => [gradcam, ...ofPixels(32)].map((by) => ({type, by}))))(
    '$type: $by.by',
    async ({type, by}) => {
      const {made, learner, weights, images, encoder} = setUp(
        type,
        {type: 'small', width: 4} as never,
        32,
        `a ${type}`,
      );
      const wanted = await encoder.explain!(images, 'own', by);
      encoder.dispose();
      const got = await computed(images, (graph, x) =>
        relevanceGraph(
          graph,
          x,
          {
            features: (from) => learner.ownScoreGraph!(graph, from, weights, plugins)!,
            slopes: (score) => graph.node('Expand', [graph.constant(Float32Array.of(1)), graph.node('Shape', [score])]),
          },
          by,
          () => made.mapGraph!(graph, weights, graph.node('Transpose', [x], {perm: [0, 3, 1, 2]})),
        ),
      );
      expectNear(got, wanted.data);
    },
  );
});

test('an operator without a rule, and a map that the score does not come from, are told', () => {
  const graph = new RecordedGraph();
  const x = graph.input('x', ['N', 4], '');
  const of = graph.node('Tan', [x]);
  expect(() => slopesGraph(graph, {of, at: x, slopes: of})).toThrow('the slopes of operator Tan are not known');
  const other = graph.node('Relu', [x]);
  expect(() => slopesGraph(graph, {of, at: other, slopes: of})).toThrow('they do not depend on each other');
});

test('equal nodes and constants are made once', () => {
  const graph = new RecordedGraph();
  const x = graph.input('x', ['N', 2], '');
  const make = () => graph.node('Add', [x, graph.constant(Float32Array.of(1, 2))]);
  expect(make()).toBe(make());
  expect(graph.node('Add', [x, graph.constant(Float32Array.of(1, 3))])).not.toBe(make());
  expect(graph.steps).toHaveLength(2);
});
