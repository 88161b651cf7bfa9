/**
 * What the ICLR paper's released code does and a reader of the paper would not guess (docs/paper-notes.md 2 and 10), and that has no test
 * elsewhere. In theirs: one-directional InfoNCE and copies as instances (contrastive.test.ts), the rate held through an epoch and
 * PyTorch's velocity (optimise.test.ts), KDE and gamma (one-class.test.ts), batches (feed.test.ts).
 */
import {expect, test} from 'vitest';
import {Rng} from '../../src/core/base/random.ts';
import type {FloatImage, Matrix} from '../../src/core/contracts/data.ts';
import {tf} from '../../src/core/engine/engine.ts';
import {createWeights, disposeWeights, weightsToArrays} from '../../src/core/nn/layers.ts';
import {Sgd} from '../../src/core/nn/optimise.ts';
import {paperAugmentation} from '../../src/domain/learners/training/augmentation.ts';
import {compose} from '../../src/domain/transforms/compose.ts';
import {quarterTurn} from '../../src/domain/transforms/geometry.ts';
import {plugins, resolved} from '../rig/learners.ts';
import {onEachEngine} from '../rig/tensors.ts';

const image: FloatImage = {
  height: 32,
  width: 32,
  channels: 3,
  data: Float32Array.from({length: 32 * 32 * 3}, (_, i) => 0.05 + (0.9 * i) / (32 * 32 * 3)),
};
const augmentation = compose(
  paperAugmentation.map((ref) => resolved('transform', ref)),
  plugins,
);

test('2.2, 10.1: blur is in every augmentation string but never runs, so ours has none', () => {
  expect(paperAugmentation.map(({type}) => type)).toEqual(['crop', 'hflip', 'jitter', 'grayscale']);
});

test('2.2: jitter is always on and does not clip', () => {
  const rng = new Rng(0);
  const drawn = Array.from({length: 20}, () => augmentation(image, rng).data);
  for (const data of drawn) expect(data).not.toEqual(image.data);
  expect(drawn.some((data) => data.some((value) => value < 0))).toBe(true);
  expect(drawn.some((data) => data.some((value) => value > 1))).toBe(true);
});

test('2.2: pixels are stored values / 255, without mean and deviation', () => {
  const {views} = plugins.create('learner', resolved('learner', {type: 'contrastive'}));
  for (const view of views!(image, (same) => same, new Rng(0))) expect(view.data).toEqual(image.data);
});

test('2.3: each of the four turned inputs has a separate draw of the augmentation, and the turn comes last', () => {
  const {views} = plugins.create('learner', resolved('learner', {type: 'rotation'}));
  const made = views!(image, augmentation, new Rng(1));
  const rng = new Rng(1);
  const draws = Array.from({length: 4}, () => augmentation(image, rng));
  expect(made).toEqual(draws.map((draw, turn) => quarterTurn(draw, turn)));
  expect(draws[0]!.data).not.toEqual(draws[1]!.data);
});

onEachEngine(() => {
  test('10.16: the linear OC-SVM uses raw features, the RBF one normalised features', () => {
    const rng = new Rng(2);
    const rows = 60;
    const train: Matrix = {rows, columns: 4, data: Float32Array.from({length: rows * 4}, () => 1 + rng.uniform())};
    const longer: Matrix = {...train, data: train.data.map((value) => 3 * value)};
    const scoresOf = (kernel: string) => {
      const scorer = plugins
        .create('classifier', resolved('classifier', {type: 'oc-svm', kernel}))
        .fit(train, new Rng(0));
      return [scorer.score(train), scorer.score(longer)];
    };
    const [linear, linearLonger] = scoresOf('linear');
    expect(linearLonger).not.toEqual(linear);
    const [rbf, rbfLonger] = scoresOf('rbf');
    rbfLonger!.forEach((score, i) => {
      expect(score).toBeCloseTo(rbf![i]!, 4);
    });
  });

  test('1.3, 10.3: weight decay is on every trainable weight, including batch normalisation and biases', async () => {
    const specs = [
      {name: 'bn/gamma', shape: [3], start: 'ones', trainable: true},
      {name: 'bn/mean', shape: [3], start: 'ones', trainable: false},
      {name: 'head/bias', shape: [2], start: 'ones', trainable: true},
      {name: 'conv/kernel', shape: [1, 1, 2, 2], start: 'ones', trainable: true},
    ] as const;
    const weights = createWeights(specs, new Rng(0));
    const sgd = new Sgd(weights, {momentum: 0.9, decay: 0.5});
    const still = Object.fromEntries(sgd.trainable.map((weight) => [weight.name, tf.zerosLike(weight)]));
    sgd.step(still, 0.1);
    const after = Object.fromEntries([...(await weightsToArrays(weights))].map(([name, {data}]) => [name, data[0]!]));
    expect(after['bn/gamma']).toBeCloseTo(0.95, 6);
    expect(after['head/bias']).toBeCloseTo(0.95, 6);
    expect(after['conv/kernel']).toBeCloseTo(0.95, 6);
    expect(after['bn/mean']).toBe(1);
    tf.dispose(Object.values(still));
    sgd.dispose();
    disposeWeights(weights);
  });
});
