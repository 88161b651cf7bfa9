import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage, ImageSet} from '../../../src/core/contracts/data.ts';
import type {PluginRef} from '../../../src/core/contracts/definition.ts';
import type {Network} from '../../../src/core/contracts/network.ts';
import {type Tensor4D, tf} from '../../../src/core/engine/engine.ts';
import {disposeWeights, restoreWeights} from '../../../src/core/nn/layers.ts';
import {changeLabels, gradeChanges} from '../../../src/domain/learners/nsa.ts';
import {viewMaker} from '../../../src/domain/learners/training/feed.ts';
import {headParameters} from '../../../src/domain/networks/head.ts';
import {fitContext, plugins, resolved} from '../../rig/learners.ts';
import {expectClose, onFirstEngine, tidied} from '../../rig/tensors.ts';
import {pattern, patternValues} from '../networks/pattern.ts';

/** What PyTorch computed in float64: `scripts/make-nsa-fixtures.py`. */
const {grading} = JSON.parse(readFileSync(new URL('../../fixtures/nsa.json', import.meta.url), 'utf8')) as {
  readonly grading: {
    readonly images: number;
    readonly pixels: number;
    readonly outputs: number;
    readonly middle: number;
    readonly width: number;
    readonly labels: readonly number[];
    readonly loss: number;
    readonly gradients: {readonly [name: string]: readonly number[]};
  };
};

const little = (options: object = {}): PluginRef =>
  resolved('learner', {type: 'nsa', network: {type: 'small', width: 8, head: [16, 8]}, ...options});

/** Stripes, each image darker than the next, so that a pixel tells whose it is. */
const striped = (count: number): ImageSet => {
  const side = 32;
  const pixels = Uint8Array.from({length: count * side * side}, (_, i) => {
    const [image, x] = [Math.floor(i / side ** 2), i % side];
    return 10 * image + (x % 8 < 4 ? 100 : 0);
  });
  return {shape: {height: side, width: side, channels: 1}, count, pixels};
};

test('views: the image as it is, and with patches of another training image', () => {
  const learner = plugins.create('learner', little());
  const images = striped(2);
  const image = (at: number): FloatImage => ({
    height: 32,
    width: 32,
    channels: 3,
    data: Float32Array.from({length: 3072}, (_, i) => images.pixels[at * 1024 + Math.floor(i / 3)]! / 255),
  });
  const [normal, blended, ...rest] = learner.views!(
    image(0),
    (same) => same,
    new Rng(1),
    () => image(1),
  );
  expect(rest).toEqual([]);
  expect(normal!.data).toEqual(image(0).data);
  expect(blended!.data).not.toEqual(normal!.data);
});

test('no object by the rule of the background, and a single image, are told before training', async () => {
  const told = async (count: number, background?: object): Promise<readonly string[]> => {
    const {context, warnings} = fitContext(striped(count), {signal: AbortSignal.abort(new Error('before training'))});
    const learner = plugins.create('learner', little(background && {background: {min_object: 0.5, ...background}}));
    await expect(learner.fit(context)).rejects.toThrow('before training');
    return warnings;
  };
  expect(await told(2)).toEqual([]);
  expect(await told(2, {intensity: 0, tolerance: 0.1})).toEqual([]);
  expect(await told(2, {intensity: 1, tolerance: 1})).toEqual([
    'no pixel of any training image is of the object, because none is farther than 1 from the intensity 1 of the background: ' +
      'nothing is learnt without patches. Correct "background", or leave it out',
  ]);
  expect(await told(1)).toEqual([
    'there is only one training image, so that its patches are its own: learner "nsa" takes them from another',
  ]);
});

test('the other image is any of the training images but this one, as often as any', () => {
  const seen = new Map<string, number>();
  const spy = {
    ...plugins,
    modules: [],
    create: () => ({
      views: (image: FloatImage, _: unknown, rng: Rng, another: (rng: Rng) => FloatImage) => {
        const pair = `${Math.round(image.data[12]! * 25.5)}${Math.round(another(rng).data[12]! * 25.5)}`;
        seen.set(pair, (seen.get(pair) ?? 0) + 1);
        return [image];
      },
    }),
  } as unknown as Parameters<typeof viewMaker>[0]['plugins'];
  const {views} = viewMaker({images: striped(3), learner: little(), augment: [], plugins: spy, stream: 's'});
  for (let pass = 0; pass < 200; pass++) for (let index = 0; index < 3; index++) views(pass, index);
  expect([...seen.keys()].sort()).toEqual(['01', '02', '10', '12', '20', '21']);
  expect(Math.min(...seen.values())).toBeGreaterThan(70);
});

onFirstEngine(() => {
  test('labels, loss and gradients are PyTorch’s; an image without a change has the label 0', async () => {
    const {images, pixels, outputs, labels, loss, gradients, ...label} = grading;
    const features = 3 * pixels;
    const values = (salt: number) => Float32Array.from(pattern(images * features, salt), (u) => 0.5 + 0.25 * u);
    const [before, after] = [values(51), values(52)];
    for (let i = 0; i < after.length; i++) {
      const [image, pixel] = [Math.floor(i / features), Math.floor(i / 3) % pixels];
      if (pixel % 2 === 0 || image === images - 1) after[i] = before[i]!;
    }
    const network: Network = {
      features,
      head: [outputs],
      parameters: () => [],
      pool: (_, x) => tf.reshape(x, [-1, features]), // the pixels themselves
    };
    const specs = headParameters(features, [outputs], 2);
    const weights = restoreWeights(
      specs,
      new Map(specs.map((spec, i) => [spec.name, {shape: spec.shape, data: patternValues(spec, i)}] as const)),
    );
    await tidied(async () => {
      const [was, became] = [before, after].map((data) => tf.tensor4d(data, [images, 1, pixels, 3])) as [
        Tensor4D,
        Tensor4D,
      ];
      expectClose(await changeLabels(was, became, label).data(), labels);
      expect(labels.at(-1)).toBe(0);
      const x = tf.concat([was, became]);
      const {value, grads} = tf.variableGrads(() => gradeChanges(network, weights, x, label).loss);
      expect((await value.data())[0]).toBeCloseTo(loss, 5);
      expect(Object.keys(gradients)).toEqual(specs.map(({name}) => name));
      for (const [name, gradient] of Object.entries(gradients))
        expectClose(await grads[weights.get(name)!.name]!.data(), gradient, {relative: 1e-3, absolute: 1e-6});
    });
    disposeWeights(weights);
  });

  test('it learns which images have patches', async () => {
    const learner = little({batch: 8, epochs: 40, optimizer: {learning_rate: 0.05}});
    const {context, warnings} = fitContext(striped(8));
    const {curve, weights} = await plugins.create('learner', learner).fit(context);
    expect(curve.at(-1)!.loss).toBeLessThan(0.8 * curve[0]!.loss);
    expect(warnings).toEqual([]);
    const encoder = plugins.create('learner', learner).encoder(weights, plugins);
    const made = await encoder.embed(striped(2), 'classes');
    encoder.dispose();
    expect([made.rows, made.columns]).toEqual([2, 2]);
  });
});
