/** Plug-ins that work, on images of a few pixels and without an engine: for tests of what runs them. */
import {createWriteStream} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import {Rng} from '../../src/core/base/random.ts';
import {succeed} from '../../src/core/base/result.ts';
import {defineClassifier} from '../../src/core/contracts/classifier.ts';
import type {FloatImage, ImageSet, ImageShape, Matrix, NamedArrays} from '../../src/core/contracts/data.ts';
import type {Dataset, SourceFile} from '../../src/core/contracts/dataset.ts';
import {defineDataset} from '../../src/core/contracts/dataset.ts';
import {defineLearner} from '../../src/core/contracts/learner.ts';
import {defineFeatureMetric, defineMetric} from '../../src/core/contracts/metric.ts';
import {defineTransform} from '../../src/core/contracts/transform.ts';
import {type AnyDefinition, Plugins} from '../../src/core/plugin/registry.ts';
import {Type} from '../../src/core/plugin/type.ts';

const strict = {additionalProperties: false};

const toyShape: ImageShape = {height: 4, width: 4, channels: 3};
const toyClasses = ['red', 'green', 'blue'];
const imageBytes = 4 * 4 * 3;

/** Writes the two files of the dataset `toy`: a byte for the class, then the pixels, image by image. */
export async function writeToys(
  folder: string,
  counts: {readonly train: readonly number[]; readonly test: readonly number[]},
): Promise<readonly SourceFile[]> {
  return await Promise.all(
    (['train', 'test'] as const).map(async (split) => {
      const path = join(folder, `${split}.toys`);
      const file = createWriteStream(path);
      const rng = new Rng('toys').fork(split);
      const left = [...counts[split]];
      // Classes take turns until each has its number.
      for (let label = 0; left.some((count) => count > 0); label = (label + 1) % left.length) {
        if (left[label]! === 0) continue;
        left[label]!--;
        file.write(Uint8Array.from({length: 1 + imageBytes}, (_, i) => toyByte(i, label, rng)));
      }
      await new Promise((resolve) => file.end(resolve));
      return {name: `${split}.toys`, path};
    }),
  );
}

/** Bright in the channel of its class, dim in the others. */
const toyByte = (i: number, label: number, rng: Rng): number =>
  i === 0 ? label : ((i - 1) % 3 === label ? 128 : 0) + rng.integer(128);

/** @param midway called when half of a file has been read. */
export const toyDataset = (midway: () => void = () => undefined, perInlier = false) =>
  defineDataset({
    name: 'toy',
    version: 1,
    summary: 'Red, green and blue noise.',
    options: Type.Object({}, strict),
    create: (): Dataset => ({
      inliers: toyClasses,
      classes: toyClasses,
      shape: toyShape,
      perInlier,
      normalClass: (inlier) => inlier,
      locate: async (roots) => succeed([{name: 'train.toys', path: `${roots.folders[0]}/train.toys`}]),
      async *read(files, split) {
        const file = await open(files.find(({name}) => name === `${split}.toys`)!.path);
        try {
          const {size} = await file.stat();
          const count = size / (1 + imageBytes);
          const atOnce = 7;
          for (let from = 0; from < count; from += atOnce) {
            const rows = Math.min(atOnce, count - from);
            const bytes = Buffer.alloc(rows * (1 + imageBytes));
            await file.read(bytes, 0, bytes.length, from * (1 + imageBytes));
            const pixels = new Uint8Array(rows * imageBytes);
            const classes = new Int32Array(rows);
            for (let i = 0; i < rows; i++) {
              const start = i * (1 + imageBytes);
              classes[i] = bytes[start]!;
              pixels.set(bytes.subarray(start + 1, start + 1 + imageBytes), i * imageBytes);
            }
            if (from < count / 2 && from + atOnce >= count / 2) midway();
            yield {shape: toyShape, count: rows, pixels, classes};
          }
        } finally {
          await file.close();
        }
      },
    }),
  });

/** Learns the mean colour of its images, a little in each epoch; embeds an image as its own mean colour less that. */
const toyLearner = defineLearner({
  name: 'mean-colour',
  version: 1,
  summary: 'Mean colour.',
  options: Type.Object(
    {
      epochs: Type.Integer({minimum: 1, default: 4}),
      diverges: Type.Boolean({default: false}),
      /** Fails in this epoch, counted from 0, unless it has resumed. */
      crashes: Type.Optional(Type.Integer()),
    },
    strict,
  ),
  layers: ['mean', 'broken'],
  trains: true,
  augment: [],
  row: () => 'toy',
  create: ({epochs, diverges, crashes}) => ({
    async fit({images, rng, signal, checkpoints, report}) {
      const saved = await checkpoints.load();
      const mean = saved
        ? Float32Array.from(saved.arrays.get('mean')!.data)
        : Float32Array.of(rng.fork('w').uniform(), 0, 0);
      if (images.count === 0) return {weights: new Map([['mean', {shape: [3], data: mean}]]), curve: []};
      const target = meanColours({...images, rows: images.count});
      const curve = saved ? [...(saved.meta['curve'] as {epoch: number; loss: number; learningRate: number}[])] : [];
      for (let epoch = curve.length; epoch < epochs; epoch++) {
        signal.throwIfAborted();
        if (epoch === crashes && !saved) throw new Error('crash');
        let loss = 0;
        for (let channel = 0; channel < 3; channel++) {
          let sum = 0;
          for (let row = 0; row < images.count; row++) sum += target.data[row * 3 + channel]!;
          const error = sum / images.count - mean[channel]!;
          loss += error * error;
          mean[channel]! += error / 3 + rng.fork(epoch).uniform() / 100;
        }
        curve.push({epoch, loss, learningRate: 1 / 3});
        report({epoch, epochs, step: 0, steps: 1, loss, learningRate: 1 / 3, imagesPerSecond: 1, secondsLeft: 0});
        if (checkpoints.due()) await checkpoints.save(new Map([['mean', {shape: [3], data: mean}]]), {curve});
      }
      const data = diverges ? Float32Array.of(Number.NaN, 0, 0) : mean;
      return {weights: new Map([['mean', {shape: [3], data}]]), curve};
    },
    encoder(weights: NamedArrays) {
      const mean = weights.get('mean')!.data;
      return {
        async embed(images, layer, view) {
          const colours = view ? viewed(images, view) : meanColours({...images, rows: images.count});
          const broken = layer === 'broken' ? Number.POSITIVE_INFINITY : 0;
          return {...colours, data: colours.data.map((value, i) => value - mean[i % 3]! + broken)};
        },
        dispose: () => undefined,
      };
    },
  }),
});

function meanColours({pixels, rows}: {readonly pixels: Uint8Array; readonly rows: number}): Matrix {
  const data = new Float32Array(rows * 3);
  for (let i = 0; i < rows * imageBytes; i++) {
    data[Math.floor(i / imageBytes) * 3 + (i % 3)]! += pixels[i]! / 255 / (imageBytes / 3);
  }
  return {rows, columns: 3, data};
}

/** The mean colour of what a view makes of each image. */
function viewed(images: ImageSet, view: (image: FloatImage, index: number) => FloatImage): Matrix {
  const data = new Float32Array(images.count * 3);
  const {height, width} = images.shape;
  for (let row = 0; row < images.count; row++) {
    const pixels = Float32Array.from(
      images.pixels.subarray(row * imageBytes, (row + 1) * imageBytes),
      (it) => it / 255,
    );
    const {data: seen} = view({height, width, channels: 3, data: pixels}, row);
    seen.forEach((value, i) => {
      data[3 * row + (i % 3)]! += value / (imageBytes / 3);
    });
  }
  return {rows: images.count, columns: 3, data};
}

/** Makes an image darker by chance. */
const dim = defineTransform({
  name: 'dim',
  version: 1,
  summary: 'Darker by chance.',
  options: Type.Object({}, strict),
  create: () => ({
    apply(image, rng) {
      const factor = rng.uniform();
      return {...image, data: image.data.map((value) => value * factor)};
    },
  }),
});

/** Of the first column of the normal images; of two views the largest difference. */
const range = defineFeatureMetric({
  name: 'range',
  version: 1,
  summary: 'Largest difference.',
  scale: 'number',
  testLabels: 'it was made up',
  options: Type.Object({}, strict),
  create: () => ({
    measure({features, labels, views}) {
      if (views) return Math.max(...views[0].data.map((value, i) => Math.abs(value - views[1].data[i]!)));
      const normal = Array.from(features.data).filter((_, i) => labels[i] === 0);
      return normal.length === 0 ? Number.NaN : Math.max(...normal) - Math.min(...normal);
    },
  }),
});

/** Squared distance from the mean of the training features. */
const toyClassifier = defineClassifier({
  name: 'distance',
  version: 1,
  summary: 'Distance from the mean.',
  options: Type.Object({broken: Type.Boolean({default: false})}, strict),
  row: () => 'distance',
  create: ({broken}) => {
    const scorer = (mean: Float32Array) => ({
      score: ({rows, columns, data}: Matrix) =>
        Float64Array.from({length: rows}, (_, row) => {
          let sum = broken ? Number.NaN : 0;
          for (let i = 0; i < columns; i++) sum += (data[row * columns + i]! - mean[i]!) ** 2;
          return sum;
        }),
      save: () => new Map([['mean', {shape: [mean.length], data: mean}]]),
    });
    return {
      fit({rows, columns, data}) {
        const mean = new Float32Array(columns);
        for (let i = 0; i < rows * columns; i++) mean[i % columns]! += data[i]! / rows;
        return scorer(mean);
      },
      restore: (saved) => scorer(saved.get('mean')!.data),
    };
  },
});

/** AUC by definition: the share of pairs in the right order, a tie counts half. */
const toyMetric = defineMetric({
  name: 'auc',
  version: 1,
  summary: 'Pairs in the right order.',
  options: Type.Object({}, strict),
  better: 'higher',
  create: () => ({
    compute(scores, labels) {
      let right = 0;
      let pairs = 0;
      for (let i = 0; i < scores.length; i++) {
        for (let j = 0; j < scores.length; j++) {
          if (labels[i] !== 1 || labels[j] !== 0) continue;
          pairs++;
          right += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
        }
      }
      return right / pairs;
    },
  }),
});

export const toyPlugins = (dataset = toyDataset()): Plugins =>
  new Plugins([dataset, dim, toyLearner, toyClassifier, toyMetric, range] as unknown as readonly AnyDefinition[]);
