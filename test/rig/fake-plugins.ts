/** Small plug-ins of every kind, for tests of what handles plug-ins and must not care which. They compute nothing. */

import type {Classifier} from '../../src/core/contracts/classifier.ts';
import {defineClassifier} from '../../src/core/contracts/classifier.ts';
import type {Dataset} from '../../src/core/contracts/dataset.ts';
import {defineDataset} from '../../src/core/contracts/dataset.ts';
import type {Learner} from '../../src/core/contracts/learner.ts';
import {defineLearner} from '../../src/core/contracts/learner.ts';
import {defineMetric} from '../../src/core/contracts/metric.ts';
import type {Network} from '../../src/core/contracts/network.ts';
import {defineNetwork} from '../../src/core/contracts/network.ts';
import type {Transform} from '../../src/core/contracts/transform.ts';
import {defineTransform} from '../../src/core/contracts/transform.ts';
import {type AnyDefinition, Plugins, pluginOption} from '../../src/core/plugin/registry.ts';
import {Type} from '../../src/core/plugin/type.ts';

const strict = {additionalProperties: false};
const unused = (): never => {
  throw new Error('a fake plug-in was asked to work');
};

const pets = defineDataset({
  name: 'pets',
  version: 1,
  summary: 'Three animals that do not exist.',
  options: Type.Object({size: Type.Integer({minimum: 8, default: 32, description: 'Height and width.'})}, strict),
  create: ({size}): Dataset => ({
    inliers: ['cat', 'dog', 'hamster'],
    classes: ['cat', 'dog', 'hamster'],
    shape: {height: size, width: size, channels: 3},
    perInlier: false,
    normalClass: (inlier) => inlier,
    locate: unused,
    read: unused,
  }),
});

const crop = defineTransform({
  name: 'crop',
  version: 1,
  summary: 'A random crop.',
  options: Type.Object({min_side: Type.Number({exclusiveMinimum: 0, maximum: 1, default: 0.5})}, strict),
  create: (): Transform => ({apply: unused}),
});

const hflip = defineTransform({
  name: 'hflip',
  version: 1,
  summary: 'A mirror image half of the time.',
  options: Type.Object({p: Type.Number({minimum: 0, maximum: 1, default: 0.5})}, strict),
  create: (): Transform => ({apply: unused}),
});

const tiny = defineNetwork({
  name: 'tiny',
  version: 1,
  summary: 'A few filters.',
  options: Type.Object(
    {
      width: Type.Number({exclusiveMinimum: 0, default: 1, description: 'Factor on the number of filters.'}),
      head: Type.Array(Type.Integer({minimum: 1}), {default: []}),
    },
    strict,
  ),
  create: (): Network => ({features: 1, head: [], parameters: () => [], pool: unused}),
});

const headless = defineNetwork({
  name: 'headless',
  version: 1,
  summary: 'Has no head.',
  options: Type.Object({width: Type.Number({exclusiveMinimum: 0, default: 2})}, strict),
  create: (): Network => ({features: 1, head: [], parameters: () => [], pool: unused}),
});

const learner = (): Learner => ({fit: unused, encoder: unused});
const network = pluginOption('network', {type: 'tiny', width: 0.5, head: [128]}, 'The encoder.');

const untrained = defineLearner({
  name: 'untrained',
  version: 1,
  summary: 'Random weights.',
  options: Type.Object({network}, strict),
  layers: ['pool'],
  trains: false,
  augment: [],
  row: () => 'untrained',
  create: learner,
});

const contrastive = defineLearner({
  name: 'contrastive',
  version: 3,
  summary: 'Tell instances apart.',
  paper: 'ICLR 2021, section 3',
  options: Type.Object(
    {
      network,
      epochs: Type.Integer({minimum: 1, default: 100, description: 'Passes over the training set.'}),
      batch: Type.Integer({minimum: 2, maximum: 4096, default: 32}),
      temperature: Type.Number({exclusiveMinimum: 0, default: 0.2}),
      loss: Type.Union([Type.Literal('nce'), Type.Literal('triplet')], {default: 'nce'}),
      optimizer: Type.Object(
        {
          learning_rate: Type.Number({exclusiveMinimum: 0, default: 0.01}),
          schedule: Type.Union([Type.Literal('cosine'), Type.Literal('constant')], {default: 'cosine'}),
        },
        {...strict, default: {}},
      ),
    },
    strict,
  ),
  layers: ['pool', 'head'],
  trains: true,
  distributionAugmentation: [[{type: 'hflip'}]],
  augment: [{type: 'crop', min_side: 0.4}, {type: 'hflip'}],
  row: ({loss}) => `contrastive_${loss}`,
  create: learner,
});

const classifier = (): Classifier => ({fit: unused, restore: unused});

const kde = defineClassifier({
  name: 'kde',
  version: 1,
  summary: 'Kernel density.',
  options: Type.Object(
    {
      gamma: Type.Optional(Type.Number({exclusiveMinimum: 0, description: 'Default: from the variance.'})),
      layer: Type.Optional(Type.String()),
    },
    strict,
  ),
  row: () => 'kde',
  create: classifier,
});

const svm = defineClassifier({
  name: 'svm',
  version: 1,
  summary: 'One-class SVM.',
  options: Type.Object(
    {
      nu: Type.Number({exclusiveMinimum: 0, maximum: 1, default: 0.5}),
      kernel: Type.Union([Type.Literal('rbf'), Type.Literal('linear')], {default: 'rbf'}),
    },
    strict,
  ),
  row: ({kernel}) => `svm-${kernel}`,
  create: classifier,
});

const softmax = defineClassifier({
  name: 'softmax',
  version: 1,
  summary: 'Reads the head.',
  options: Type.Object({}, strict),
  layer: 'head',
  row: () => 'softmax',
  create: classifier,
});

const metric = (name: string) =>
  defineMetric({
    name,
    version: 1,
    summary: `The metric ${name}.`,
    options: Type.Object({}, strict),
    better: 'higher',
    create: () => ({compute: unused}),
  });

// Widened as in builtin.ts: a list of all kinds knows no options.
export const fakes = [
  pets,
  crop,
  hflip,
  tiny,
  headless,
  untrained,
  contrastive,
  kde,
  svm,
  softmax,
  metric('auc'),
  metric('average-precision'),
] as unknown as readonly AnyDefinition[];

export const fakePlugins = (): Plugins => new Plugins(fakes);
