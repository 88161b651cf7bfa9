import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {ImageSet} from '../../../src/core/contracts/data.ts';
import type {PluginRef} from '../../../src/core/contracts/definition.ts';
import type {Network} from '../../../src/core/contracts/network.ts';
import {type Tensor2D, type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {floatImage} from '../../../src/core/images/float-image.ts';
import {disposeWeights, restoreWeights} from '../../../src/core/nn/layers.ts';
import {denoise} from '../../../src/domain/learners/denoising.ts';
import {decode, decoderParameters} from '../../../src/domain/networks/decoder.ts';
import {fitContext, plugins, resolved} from '../../rig/learners.ts';
import {onFirstEngine, tidied} from '../../rig/tensors.ts';
import {digest, distance, pattern, patternValues} from '../networks/pattern.ts';

/** What PyTorch computed in float64: `scripts/make-network-fixtures.py`. */
const {cases} = JSON.parse(
  readFileSync(new URL('../../fixtures/networks/denoising.json', import.meta.url), 'utf8'),
) as {
  readonly cases: readonly {
    readonly side: number;
    readonly columns: number;
    readonly images: number;
    readonly loss: number;
    readonly decoded: number[];
    readonly gradients: {readonly [name: string]: number[]};
  }[];
};

const learnerOf = (options: {readonly [option: string]: unknown} = {}): PluginRef =>
  resolved('learner', {type: 'denoising', ...options});

/** Grey ramps, each of a brightness of its own: what a pooled feature can tell. */
function ramps(count: number): ImageSet {
  const rng = new Rng('ramps');
  const pixels = new Uint8Array(count * 1024);
  for (let image = 0; image < count; image++) {
    const brightness = 20 + rng.integer(180);
    for (let i = 0; i < 1024; i++) pixels[image * 1024 + i] = brightness + (i >> 5);
  }
  return {shape: {height: 32, width: 32, channels: 1}, count, pixels};
}

test('its row in the tables is the paper’s, and its optimiser that of the others', () => {
  const learner = learnerOf();
  expect(plugins.get('learner', 'denoising').row(learner as never, {copies: 0})).toBe('denoising');
  expect(learner).toMatchObject({noise: 'mask', level: 0.25, batch: 64, epochs: 2048});
  expect(learner['optimizer']).toEqual({learning_rate: 0.01, momentum: 0.9, weight_decay: 3e-4, schedule: 'cosine'});
});

test('the decoder doubles the side and halves the channels, down to 16', () => {
  const shapes = (columns: number, side: number) =>
    decoderParameters(columns, side)
      .filter(({name}) => name.endsWith('kernel'))
      .map(({shape}) => shape.join('×'));
  expect(shapes(512, 32)).toEqual(['512×8192', '3×3×512×256', '3×3×256×128', '3×3×128×64', '3×3×64×3']);
  expect(shapes(32, 28)).toEqual(['32×512', '3×3×32×16', '3×3×16×16', '3×3×16×16', '3×3×16×3']);
});

test('views are a noisy and a clean image of one draw of the augmentation', () => {
  const image = floatImage(ramps(1), 0);
  let draws = 0;
  const augment = (drawn: typeof image) => {
    draws++;
    return {...drawn, data: drawn.data.map((value) => value + 1)};
  };
  const view = (options: {readonly [option: string]: unknown}) =>
    plugins.create('learner', learnerOf(options)).views!(image, augment, new Rng(1));
  for (const [hidden, clean] of [view({}), view({noise: 'gaussian'})] as const)
    expect([clean!.data, hidden!.data.length]).toEqual([augment(image).data, image.data.length]);
  expect(draws).toBe(4);

  const [masked, clean] = view({level: 0.25});
  const pixels = Array.from({length: 1024}, (_, i) => [...masked!.data.subarray(3 * i, 3 * i + 3)]);
  const black = pixels.filter(([r, g, b]) => r === 0 && g === 0 && b === 0).length;
  // Whole pixels or none of them: 1024 of a quarter each, five deviations around it.
  expect(Math.abs(black - 256)).toBeLessThan(5 * Math.sqrt(1024 * 0.25 * 0.75));
  pixels.forEach((pixel, i) => {
    if (pixel[0] !== 0) expect(pixel).toEqual([...clean!.data.subarray(3 * i, 3 * i + 3)]);
  });

  const [noisy, plain] = view({noise: 'gaussian', level: 0.1});
  const noise = noisy!.data.map((value, i) => value - plain!.data[i]!);
  const mean = noise.reduce((sum, v) => sum + v, 0) / noise.length;
  const deviation = Math.sqrt(noise.reduce((sum, v) => sum + v * v, 0) / noise.length);
  expect(Math.abs(mean)).toBeLessThan(5 * (0.1 / Math.sqrt(3072)));
  expect(Math.abs(deviation - 0.1)).toBeLessThan(5 * (0.1 / Math.sqrt(2 * 3072)));
});

onFirstEngine(() => {
  test.for(cases)('the loss and its gradients are PyTorch’s, side $side', async (expected) => {
    const {side, columns, images} = expected;
    const network: Network = {
      features: columns,
      head: [],
      parameters: () => [],
      pool: (_, x) => tf.slice(tf.reshape(x, [x.shape[0], -1]), [0, 0], [-1, columns]) as Tensor2D, // pixels themselves
    };
    const specs = decoderParameters(columns, side);
    const weights = restoreWeights(
      specs,
      new Map(specs.map((spec, i) => [spec.name, {shape: spec.shape, data: patternValues(spec, i)}])),
    );
    const pixels = Float32Array.from(pattern(2 * images * side * side * 3, 17));
    await tidied(async () => {
      const x: Tensor4D = tf.tensor4d(pixels, [2 * images, side, side, 3]);
      const code = network.pool(weights, tf.slice(x, 0, images), {training: true});
      const decoded = decode(weights, code, side, {training: true});
      expect(decoded.shape).toEqual([images, side, side, 3]);
      expect(distance(digest(await decoded.data()), expected.decoded)).toBeLessThan(1e-5);
      const {value, grads} = tf.variableGrads(() => denoise(network, weights, x).loss);
      expect((await value.data())[0]! / expected.loss).toBeCloseTo(1, 5);
      expect(Object.keys(expected.gradients)).toEqual(specs.filter(({trainable}) => trainable).map(({name}) => name));
      for (const [name, gradient] of Object.entries(expected.gradients)) {
        const ours = digest(await grads[weights.get(name)!.name]!.data());
        expect(distance(ours, gradient), `gradient of ${name}`).toBeLessThan(1e-4);
      }
    });
    disposeWeights(weights);
  });

  async function learn(options: {readonly [option: string]: unknown}, images: ImageSet) {
    const {context, warnings} = fitContext(images);
    const learner = learnerOf({network: {type: 'small', width: 8, head: [24]}, batch: 16, ...options});
    return {...(await plugins.create('learner', learner).fit(context)), warnings};
  }

  test('the loss falls well below that of the mean image', async () => {
    const {curve, warnings} = await learn({epochs: 30, optimizer: {learning_rate: 0.05}}, ramps(32));
    expect(warnings).toEqual([]);
    expect(curve.at(-1)!.loss).toBeLessThan(0.6 * 0.041); // the mean image's, as told below
    expect(curve.at(-1)!.accuracy).toBeUndefined();
  });

  test('a training that has not learnt warns: guessing answers with the mean image', async () => {
    const {warnings} = await learn({epochs: 1, optimizer: {learning_rate: 1e-9}}, ramps(32));
    expect(warnings.map((warning) => warning.replace(/loss is \d\.\d+/, 'loss is #'))).toMatchInlineSnapshot(`
      [
        "the last epoch's loss is #, and guessing gives 0.041: the network has learnt almost nothing in 1 epoch. Try more epochs or another optimizer.learning_rate.",
      ]
    `);
  });

  test('one image equals its mean, and gives no warning', async () => {
    const {curve, warnings} = await learn({epochs: 2, batch: 1}, ramps(1));
    expect(curve.every(({loss}) => Number.isFinite(loss))).toBe(true);
    expect(warnings).toEqual([]);
  });
});
