/** What the released code does and is easy to get wrong: fact sheet, sections 1, 2, 4 and 10. What other files hold is not repeated here. */
import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import type {FloatImage, Matrix, Network} from '../../src/core/plugin/contracts.ts';
import type {Kind} from '../../src/core/plugin/define.ts';
import {type PluginRef, Plugins} from '../../src/core/plugin/registry.ts';
import {Rng} from '../../src/core/random.ts';
import {type Tensor2D, tf} from '../../src/core/tensor/engine.ts';
import {batchNorm, batchNormParameters, createWeights, dense, denseParameters} from '../../src/core/tensor/layers.ts';
import {Sgd} from '../../src/core/tensor/optimise.ts';
import {embed, headParameters, logits} from '../../src/domain/networks/head.ts';
import {quarterTurn} from '../../src/domain/transforms/geometry.ts';
import {expectClose, onEachEngine, tensor, values} from '../rig/tensors.ts';
import {countTrainable} from './networks/pattern.ts';

const plugins = new Plugins(builtin);

function resolved(kind: Kind, ref: PluginRef): PluginRef {
  const {value, issues} = checkPlugin(plugins, kind, ref);
  expect(issues).toEqual([]);
  return value;
}

describe('learners', () => {
  test('the scripts’ values, not the flags’ defaults: rotation has 64 images, 2048 epochs, a rate of 0.01, a decay of 3e-4 (2.1)', () => {
    expect(resolved('learner', {type: 'rotation'})).toMatchObject({
      batch: 64,
      epochs: 2048,
      network: {type: 'resnet18', width: 1, head: [512, 512, 512, 512, 512, 512, 512, 512]},
      optimizer: {learning_rate: 0.01, momentum: 0.9, weight_decay: 3e-4, schedule: 'cosine'},
    });
  });

  test.for(['rotation', 'contrastive', 'denoising'])(
    '%s augments by crop, flip, jitter of every image and grey, unclipped, without blur (2.2, 10.1)',
    (name) => {
      const augment = plugins.get('learner', name).augment.map((ref) => resolved('transform', ref));
      expect(augment).toMatchObject([
        {type: 'crop', min_side: 0.5},
        {type: 'hflip', p: 0.5},
        {type: 'jitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.4},
        {type: 'grayscale', p: 0.2},
      ]);
      const jitter = plugins.create('transform', augment[2]!);
      const image: FloatImage = {height: 2, width: 2, channels: 3, data: new Float32Array(12).fill(0.9)};
      const jittered = Array.from({length: 40}, (_, i) => jitter.apply(image, new Rng(i)).data);
      expect(jittered.every((data) => data.some((value, i) => value !== image.data[i]))).toBe(true);
      expect(Math.max(...jittered.flatMap((data) => [...data]))).toBeGreaterThan(1);
    },
  );

  test('rotation: each of the four turns is of a draw of its own, and the turn comes last (2.3)', () => {
    const image: FloatImage = {height: 2, width: 2, channels: 1, data: Float32Array.of(1, 2, 3, 4)};
    const drawn: FloatImage[] = [];
    const augment = (one: FloatImage, rng: Rng): FloatImage => {
      const shift = rng.uniform();
      drawn.push({...one, data: one.data.map((value) => value + shift)});
      return drawn.at(-1)!;
    };
    const views = plugins.create('learner', resolved('learner', {type: 'rotation'})).views!(image, augment, new Rng(0));
    expect(new Set(drawn.map(({data}) => data[0])).size).toBe(4);
    expect(views).toEqual(drawn.map((one, turn) => quarterTurn(one, turn)));
  });

  test('RotNet is rotation without a head, in the tables too: logits on the pooled feature, 11.171 M parameters (1.2)', () => {
    const learner = resolved('learner', {type: 'rotation', network: {type: 'resnet18', head: []}});
    const {row} = plugins.get('learner', 'rotation');
    expect(row(learner as never, {copies: 0})).toBe('rotnet');
    expect(row(resolved('learner', {type: 'rotation'}) as never, {copies: 0})).toBe('rotation');
    const {features, head, parameters} = plugins.create('network', learner['network'] as PluginRef);
    expect(countTrainable([...parameters(32), ...headParameters(features, head, 4)])).toBe(11_170_884);
  });

  test.for([
    ['rotation', 0, 159_744],
    ['contrastive', 0, 319_488],
    ['contrastive', 3, 1_280_000],
  ] as const)(
    '%s with %i copies takes ⌊instances / batch⌋ steps an epoch, %i on CIFAR-10 (2.1, 9)',
    ([type, copies, steps]) => {
      const learner = plugins.create('learner', resolved('learner', {type}));
      expect(learner.work!({images: 5000, copies, side: 32, plugins})!.steps).toBe(steps);
    },
  );

  test('the reported feature is the pooled one: every learner’s first layer (1.2)', () => {
    const first = plugins.names('learner').map((name) => plugins.get('learner', name).layers[0]);
    expect(new Set(first)).toEqual(new Set(['pool']));
  });
});

describe('network', () => {
  const network: Network = plugins.create('network', resolved('network', {type: 'resnet18'}));

  test('every scale starts at 1, that of a block’s last normalisation too (1.3)', () => {
    const starts = network.parameters(32).filter(({name}) => name.endsWith('/gamma'));
    expect(starts.length).toBe(20);
    expect(new Set(starts.map(({start}) => start))).toEqual(new Set(['ones']));
  });

  test('convolutions have no bias (1.1)', () => {
    expect(network.parameters(32).filter(({name}) => name.endsWith('/bias'))).toEqual([]);
  });

  test('the head’s hidden layers have no bias but normalisation; its last is linear, with a bias only when logits follow (1.2)', () => {
    const names = (classes: number) => headParameters(8, [7, 6, 5], classes).map(({name}) => name.replace('head/', ''));
    const norm = (i: number) => ['gamma', 'beta', 'mean', 'variance'].map((part) => `bn${i}/${part}`);
    const hidden = ['dense1/kernel', ...norm(1), 'dense2/kernel', ...norm(2)];
    expect(names(0)).toEqual([...hidden, 'embed/kernel']);
    expect(names(4)).toEqual([...hidden, 'embed/kernel', 'embed/bias', 'logits/kernel', 'logits/bias']);
  });
});

onEachEngine(() => {
  test('weight decay is on normalisation’s scale and shift and on biases too, not on running statistics (1.3, 10.3)', () => {
    const weights = createWeights(
      [...denseParameters('d', 2, 3, {bias: true}), ...batchNormParameters('b', 3)].map((spec) =>
        spec.start === 'zeros' ? {...spec, start: 'ones'} : spec,
      ),
      new Rng(0),
    );
    const before = new Map([...weights].map(([name, weight]) => [name, weight.dataSync().slice()]));
    const sgd = new Sgd(weights, {momentum: 0.9, decay: 0.5});
    tf.tidy(() => sgd.step(Object.fromEntries(sgd.trainable.map(({name, shape}) => [name, tf.zeros(shape)])), 0.1));
    for (const [name, weight] of weights) {
      const kept = /mean|variance/.test(name) ? 1 : 1 - 0.1 * 0.5;
      expectClose(
        weight.dataSync(),
        before.get(name)!.map((value) => kept * value),
      );
    }
    sgd.dispose();
    for (const weight of weights.values()) weight.dispose();
  });

  test('running ← 0.9 · running + 0.1 · batch: Keras’ momentum of 0.9 is PyTorch’s 0.1 (1.1)', () => {
    const weights = createWeights(batchNormParameters('b', 2), new Rng(0));
    const x = tf.tensor2d([1, 10, 3, 30], [2, 2]);
    tf.tidy(() => batchNorm(weights, 'b', x, {training: true}));
    expectClose(weights.get('b/mean')!, [0.2, 2]);
    expectClose(weights.get('b/variance')!, [0.9 + 0.1, 0.9 + 0.1 * 100]);
    x.dispose();
    for (const weight of weights.values()) weight.dispose();
  });

  test('the last layer of a head is linear: negative values pass (1.2)', () => {
    const specs = headParameters(6, [5, 4], 3);
    const weights = createWeights(specs, new Rng(0));
    tf.tidy(() => {
      const embedded = embed(weights, [5, 4], tensor<Tensor2D>([8, 6]), {training: true});
      expect(Math.min(...embedded.dataSync())).toBeLessThan(0);
      expectClose(logits(weights, embedded), dense(weights, 'head/logits', embedded));
    });
    for (const weight of weights.values()) weight.dispose();
  });

  describe('one-class classifiers', () => {
    const features = (rows: number, seed: number): Matrix => ({
      rows,
      columns: 6,
      data: values(rows * 6, seed).map((value) => 1.5 + value),
    });
    const scaled = ({rows, columns, data}: Matrix): Matrix => ({
      rows,
      columns,
      data: data.map((value, i) => value * (1 + (Math.floor(i / columns) % 3))),
    });
    const scores = (ref: PluginRef, change: (features: Matrix) => Matrix = (same) => same) =>
      plugins
        .create('classifier', resolved('classifier', ref))
        .fit(change(features(40, 1)), new Rng(0))
        .score(change(features(10, 2)));

    test.for([{type: 'kde'}, {type: 'gde'}, {type: 'knn'}, {type: 'oc-svm'}])(
      '$type takes rows of length 1 (4)',
      (ref) => {
        expectClose(scores(ref, scaled), scores(ref), {relative: 1e-3, absolute: 1e-3});
      },
    );

    test('the linear machine takes raw features (4, 10.16)', () => {
      const ref = {type: 'oc-svm', kernel: 'linear'};
      const far = scores(ref, scaled).map((score, i) => Math.abs(score - scores(ref)[i]!));
      expect(Math.max(...far)).toBeGreaterThan(0.1);
    });

    test('nu is 0.5, gamma ten over columns times variance, and 20 000 rows are the most (4)', () => {
      expect(resolved('classifier', {type: 'oc-svm'})).toMatchObject({
        nu: 0.5,
        gamma: 'auto',
        gamma_multiplier: 10,
        train_limit: 20_000,
      });
    });
  });
});
