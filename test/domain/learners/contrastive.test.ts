import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage, ImageSet} from '../../../src/core/contracts/data.ts';
import type {PluginRef} from '../../../src/core/contracts/definition.ts';
import type {CopyRef} from '../../../src/core/contracts/learner.ts';
import type {Network} from '../../../src/core/contracts/network.ts';
import {type Tensor2D, tf} from '../../../src/core/engine/engine.ts';
import {floatImage} from '../../../src/core/images/float-image.ts';
import {disposeWeights, restoreWeights} from '../../../src/core/nn/layers.ts';
import {contrast, contrastive} from '../../../src/domain/learners/contrastive.ts';
import {instanceMaker, instancesOf} from '../../../src/domain/learners/training/feed.ts';
import {infoNce} from '../../../src/domain/learners/training/losses.ts';
import {headParameters} from '../../../src/domain/networks/head.ts';
import {flipHorizontal, quarterTurn} from '../../../src/domain/transforms/geometry.ts';
import {fitContext, plugins, resolved} from '../../rig/learners.ts';
import {expectClose, numberIn, onFirstEngine, tensor, tidied} from '../../rig/tensors.ts';
import {countTrainable, digest, distance, pattern, patternValues} from '../networks/pattern.ts';

/** What PyTorch computed in float64: `scripts/make-network-fixtures.py`. */
const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/networks/contrastive.json', import.meta.url), 'utf8'),
) as {
  readonly loss: {
    readonly rows: number;
    readonly columns: number;
    readonly temperature: number;
    readonly loss: number;
    /** Of the anchors, of the candidates. */
    readonly gradients: readonly [readonly number[], readonly number[]];
  };
  readonly head: {
    readonly features: number;
    readonly head: readonly number[];
    readonly images: number;
    readonly temperature: number;
    readonly loss: number;
    readonly gradients: {readonly [name: string]: number[]};
  };
};

/** Grey images, each of a few rows and columns brighter than the rest: told apart by where those are. */
function stripes(count: number): ImageSet {
  const rng = new Rng('stripes');
  const pixels = new Uint8Array(count * 1024);
  for (let image = 0; image < count; image++) {
    const [rows, columns] = [0, 1].map(() => Array.from({length: 32}, () => rng.integer(110))) as [number[], number[]];
    for (let i = 0; i < 1024; i++) pixels[image * 1024 + i] = rows[i >> 5]! + columns[i & 31]!;
  }
  return {shape: {height: 32, width: 32, channels: 1}, count, pixels};
}

test('the defaults are the paper’s: 13.340 M parameters with eight hidden layers and 128 columns (paper 2.1, 2.4)', () => {
  const learner = resolved('learner', {type: 'contrastive'});
  expect(learner).toMatchObject({batch: 32, epochs: 2048, temperature: 0.2});
  expect(learner['optimizer']).toEqual({learning_rate: 0.01, momentum: 0.9, weight_decay: 3e-4, schedule: 'cosine'});
  const network = plugins.create('network', learner['network'] as PluginRef);
  const parameters = [...network.parameters(32), ...headParameters(network.features, network.head, 0)];
  expect(countTrainable(parameters)).toBe(13_339_712);
  expect(parameters.at(-1)!.name).toBe('head/embed/kernel'); // linear, without a bias
});

test('its row in the tables depends on whether there are copies', () => {
  const row = (copies: number) => contrastive.row({} as never, {copies});
  expect([row(0), row(3)]).toEqual(['contrastive', 'contrastive-da']);
});

test('views are two independent draws of the augmentation', () => {
  const {views} = plugins.create('learner', resolved('learner', {type: 'contrastive'}));
  const draw = (image: FloatImage, rng: Rng) => ({...image, data: Float32Array.of(rng.uniform())});
  const made = views!(floatImage(stripes(1), 0), draw, new Rng(0));
  expect(made.length).toBe(2);
  expect(made[0]!.data[0]).not.toBe(made[1]!.data[0]);
});

describe('distribution augmentation', () => {
  const copiesOf = (...copies: readonly (readonly PluginRef[])[]): CopyRef[] =>
    copies.map((copy) => copy.map((ref) => resolved('transform', ref)));
  const flip = {type: 'hflip', p: 1};
  /** Identity, which comes by itself, and seven more: types 1 to 8 of the paper are the first of them. */
  const family = () =>
    copiesOf(
      [flip],
      [{type: 'rotate90'}],
      [{type: 'rotate90'}, flip],
      [{type: 'rotate180'}],
      [{type: 'rotate180'}, flip],
      [{type: 'rotate270'}],
      [{type: 'rotate270'}, flip],
    );
  const images = stripes(5);

  test.for([1, 2, 3, 4, 5, 6, 7, 8])('type %i of the paper’s family makes as many times the images', (type) => {
    const copies = family().slice(0, type - 1);
    expect(instancesOf(images, copies)).toBe(5 * type);
    const make = instanceMaker(images, copies, plugins, 'stream');
    const all = Array.from({length: 5 * type}, (_, i) => make(i).data.join());
    expect(new Set(all).size).toBe(5 * type);
  });

  test('instances are the originals, then copy by copy, transforms of one first to last', () => {
    const make = instanceMaker(images, family(), plugins, 'stream');
    for (let i = 0; i < images.count; i++) {
      const original = floatImage(images, i);
      expect(make(i)).toEqual(original);
      expect(make(5 + i)).toEqual(flipHorizontal(original));
      expect(make(10 + i)).toEqual(quarterTurn(original, 1));
      expect(make(15 + i)).toEqual(flipHorizontal(quarterTurn(original, 1)));
      expect(make(35 + i)).toEqual(flipHorizontal(quarterTurn(original, 3)));
    }
  });

  test('a random copy is drawn once, as if the training set had been expanded before', () => {
    const copies = copiesOf([{type: 'hflip', p: 0.5}]);
    const [make, again] = [0, 1].map(() => instanceMaker(stripes(30), copies, plugins, 'stream')) as [
      (index: number) => FloatImage,
      (index: number) => FloatImage,
    ];
    const flipped = Array.from({length: 30}, (_, i) => make(30 + i).data.join() !== make(i).data.join());
    for (let i = 30; i < 60; i++) expect(again(i)).toEqual(make(i));
    expect(new Set(flipped).size).toBe(2);
  });
});

onFirstEngine(() => {
  const loss = (anchors: Tensor2D, candidates: Tensor2D, temperature = 0.2): Promise<number> =>
    numberIn(tf.tidy(() => infoNce(anchors, candidates, temperature).loss));

  test('the loss of identical embeddings is log 32', async () => {
    const same = tf.tile(tensor<Tensor2D>([1, 7]), [32, 1]);
    expect(await loss(same, same)).toBeCloseTo(Math.log(32), 5);
  });

  test('negatives are view 2 only: no anchor is one, and no term goes the other way', async () => {
    const e = Math.exp(1 / 0.2);
    const equal = tf.tensor2d([3, 0, 5, 0], [2, 2]);
    const apart = tf.tensor2d([2, 0, 0, 7], [2, 2]);
    // Anchors equal to each other cost nothing by themselves: only candidates stand in the sums.
    expect(await loss(equal, apart)).toBeCloseTo((-Math.log(e / (e + 1)) - Math.log(1 / (e + 1))) / 2, 5);
    // The other way round each row has two equal candidates.
    expect(await loss(apart, equal)).toBeCloseTo(Math.log(2), 5);
  });

  test('the lengths of embeddings do not matter, and zeros do not divide by zero', async () => {
    const [a, b] = [tensor<Tensor2D>([6, 4], 1), tensor<Tensor2D>([6, 4], 2)];
    expect(await loss(tf.mul(a, 1000), tf.mul(b, 0.01))).toBeCloseTo(await loss(a, b), 4);
    const gradient = tf.grad((x) => infoNce(x as Tensor2D, b, 0.2).loss)(tf.zeros([6, 4]));
    expect((await gradient.data()).every(Number.isFinite)).toBe(true);
    expect(await loss(tf.zeros([6, 4]), b)).toBeCloseTo(Math.log(6), 5);
  });

  test('the loss and its gradients are PyTorch’s', async () => {
    const {rows, columns, temperature, loss: expected, gradients} = fixture.loss;
    const view = (salt: number) => tf.tensor2d(Float32Array.from(pattern(rows * columns, salt)), [rows, columns]);
    const [anchors, candidates] = [view(11), view(12)];
    expect(await loss(anchors, candidates, temperature)).toBeCloseTo(expected, 5);
    const ours = tf.grads((a, b) => infoNce(a as Tensor2D, b as Tensor2D, temperature).loss)([anchors, candidates]);
    for (const [i, gradient] of ours.entries()) expectClose(await gradient.data(), gradients[i]!, {absolute: 1e-6});
  });

  test('so are those behind the pooled features: batch statistics over both views, a last layer without a bias', async () => {
    const {features, head, images, temperature, loss: expected, gradients} = fixture.head;
    const network: Network = {
      features,
      head,
      parameters: () => [],
      pool: (_, x) => tf.reshape(x, [-1, features]), // the pixels themselves
    };
    const specs = headParameters(features, head, 0);
    const start = new Map(
      specs.map((spec, i) => [spec.name, {shape: spec.shape, data: patternValues(spec, i)}] as const),
    );
    const weights = restoreWeights(specs, start);
    await tidied(async () => {
      const x = tf.tensor4d(Float32Array.from(pattern(2 * images * features, 13)), [2 * images, 1, features / 3, 3]);
      const {value, grads} = tf.variableGrads(() => contrast(network, weights, x, temperature).loss);
      expect((await value.data())[0]).toBeCloseTo(expected, 5);
      expect(Object.keys(gradients)).toEqual(specs.filter(({trainable}) => trainable).map(({name}) => name));
      for (const [name, gradient] of Object.entries(gradients)) {
        const ours = digest(await grads[weights.get(name)!.name]!.data());
        expect(distance(ours, gradient), `gradient of ${name}`).toBeLessThan(1e-4);
      }
    });
    disposeWeights(weights);
  });

  async function learn(
    options: {readonly [option: string]: unknown},
    {images = stripes(16), copies}: {readonly images?: ImageSet; readonly copies?: readonly CopyRef[]} = {},
  ) {
    const learner = resolved('learner', {
      type: 'contrastive',
      network: {type: 'small', width: 8, head: [32, 16]},
      batch: 16,
      epochs: 1,
      ...options,
    });
    const {context, reports, warnings} = fitContext(images, {
      augment: [resolved('transform', {type: 'crop', min_side: 0.9})],
      ...(copies && {distributionAugmentation: copies}),
    });
    const result = await plugins.create('learner', learner).fit(context);
    return {...result, warnings, steps: [...new Set(reports.map(({steps}) => steps))]};
  }

  test('it learns to find the other view, and copies are separate instances', async () => {
    const plain = await learn({epochs: 40, optimizer: {learning_rate: 0.1}});
    expect(plain.steps).toEqual([1]);
    expect(plain.curve.at(-1)!.loss).toBeLessThan(0.5 * Math.log(16));
    expect(plain.curve.at(-1)!.accuracy).toBeGreaterThan(0.6);
    expect(plain.warnings).toEqual([]);
    const copies = [[{type: 'rotate90'}], [{type: 'rotate180'}], [{type: 'rotate270'}]];
    const turned = await learn({epochs: 2}, {copies});
    expect(turned.steps).toEqual([4]);
    // Four images fill a batch of 16 with their copies: no word of too few.
    expect((await learn({}, {images: stripes(4), copies})).warnings.join()).not.toMatch('do not fill');
  });

  test('a training that has not learnt warns: the loss of guessing is the logarithm of the batch', async () => {
    // A temperature at which all rows look alike.
    const {warnings} = await learn({temperature: 1000});
    expect(warnings).toMatchInlineSnapshot(`
      [
        "the last epoch's loss is 2.773, and guessing gives 2.773: the network has learnt almost nothing in 1 epoch. Try more epochs or another optimizer.learning_rate.",
      ]
    `);
  });

  test('one image has no negatives', async () => {
    const message = await learn({}, {images: stripes(1)}).catch((error: Error) => `${error.name}: ${error.message}`);
    expect(message).toMatchInlineSnapshot(
      `"TrainingError: contrastive learning needs at least two training images. Use more images."`,
    );
  });
});
