import {writeFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {validateSpec} from '../../../src/pipeline/config/validate.ts';
import {World} from '../../rig/world.ts';

const plugins = new Plugins(builtin);
const checked = (dataset: object, changes: object = {}) =>
  validateSpec({dataset, learner: 'contrastive', classifiers: ['kde'], ...changes}, plugins, 'x');
const problems = (dataset: object, changes: object = {}): unknown =>
  checked(dataset, changes).issues.map(({path, message, hint}) => [path.join('.'), message, hint]);
const transformsOf = (dataset: object, changes: object = {}): unknown => {
  const {spec, issues} = checked({...dataset, validation: 'synthetic'}, changes);
  expect(issues).toEqual([]);
  const validation = spec!.dataset.validation!;
  return validation.type === 'synthetic' && validation.transforms.map((copy) => copy.map(({type}) => type).join());
};

test('the short form is the type with its defaults, and without the key there is none', () => {
  expect(checked({type: 'cifar10', validation: 'held-out'}).spec!.dataset.validation).toEqual({
    type: 'held-out',
    fraction: 0.1,
    seed: 0,
  });
  expect(checked({type: 'cifar10'}).spec!.dataset).not.toHaveProperty('validation');
});

test('the default transforms suit the dataset, and are not those of the learner', () => {
  const turns = ['rotate90', 'rotate180', 'rotate270'];
  const pasted = ['cutpaste', 'cutpaste-scar'];
  const cifar = {type: 'cifar10'};
  const mvtec = {type: 'mvtec'};
  expect(transformsOf(cifar)).toEqual(turns);
  expect(transformsOf(cifar, {learner: 'rotation'})).toEqual(pasted);
  expect(transformsOf(cifar, {distribution_augmentation: ['rotate90']})).toEqual(pasted);
  expect(transformsOf(cifar, {augment: ['rotate180']})).toEqual(pasted);
  expect(transformsOf(mvtec)).toEqual(pasted);
  expect(transformsOf(mvtec, {learner: 'cutpaste'})).toEqual(['confetti']);
  expect(transformsOf(mvtec, {learner: {type: 'cutpaste', variant: 'fcdd-confetti'}})).toEqual(pasted);
  const own = {type: 'image-folder', folder: 'x'};
  expect(transformsOf(own)).toEqual([...turns, ...pasted]);
  expect(transformsOf(own, {learner: 'cutpaste'})).toEqual(turns);
});

test('what cannot be had is an error that says what to do', () => {
  expect(problems({type: 'mvtec', validation: 'held-out'})).toMatchInlineSnapshot(`
    [
      [
        "dataset.validation",
        ""held-out" takes its anomalies from the training images, but those of dataset "mvtec" are all normal",
        "Use "validation: synthetic", which makes anomalies from normal images.",
      ],
    ]
  `);
  expect(problems({type: 'cifar10', validation: {type: 'held-out', transforms: ['blur']}})).toMatchInlineSnapshot(`
    [
      [
        "dataset.validation.transforms",
        ""validation" of type "held-out" has no option "transforms"",
        "It belongs to type "synthetic". Remove it.",
      ],
    ]
  `);
  expect(problems({type: 'cifar10', validation: 'sythetic'})).toMatchInlineSnapshot(`
    [
      [
        "dataset.validation",
        "expected "validation" to be "held-out", "synthetic" or a mapping with "type", but got "sythetic"",
        "Did you mean "synthetic"?",
      ],
    ]
  `);
  expect(
    problems({type: 'cifar10', validation: {type: 'synthetic', fraction: 1, transforms: ['rotat90'], folds: 3}}),
  ).toMatchInlineSnapshot(`
    [
      [
        "dataset.validation.folds",
        ""validation" has no option "folds"",
        "Known options: type, fraction, seed, transforms.",
      ],
      [
        "dataset.validation.fraction",
        "expected "fraction" to be a number above 0 and below 1, but got 1",
        undefined,
      ],
    ]
  `);
  expect(problems({type: 'cifar10', validation: {type: 'synthetic', transforms: ['rotat90']}})).toMatchInlineSnapshot(`
    [
      [
        "dataset.validation.transforms.0",
        "there is no transform "rotat90"",
        "Did you mean "rotate90"?",
      ],
    ]
  `);
  expect(problems({type: 'cifar10'}, {metrics: ['auc', 'proxy-loss', 'stability']})).toMatchInlineSnapshot(`
    [
      [
        "metrics.1",
        "metric "proxy-loss" is computed on held-out images, but the dataset has no "validation"",
        "Add "validation: synthetic" to the dataset.",
      ],
      [
        "metrics.2",
        "metric "stability" is computed on held-out images, but the dataset has no "validation"",
        "Add "validation: synthetic" to the dataset.",
      ],
    ]
  `);
});

test('warnings: the learner’s own task, different images in one matrix, one seed alone', async () => {
  using world = new World();
  const file = `${world.root}/x.yaml`;
  const warned = async (spec: string) => {
    writeFileSync(file, spec);
    const read = await readPlan(file, {builtin: plugins});
    if (!read.ok) throw new Error(read.failures[0]!.message);
    return read.value.warnings;
  };
  expect(
    await warned(
      'dataset: {type: cifar10, validation: {type: synthetic, transforms: [rotate90, blur]}}\nlearner: rotation\nclassifiers: [kde]\n',
    ),
  ).toEqual([expect.stringContaining('learner "rotation" itself uses rotate90')]);
  expect(
    await warned(
      'dataset: {type: cifar10, validation: synthetic}\nlearner: rotation\nclassifiers: [kde]\nmatrix: {learner: [rotation, contrastive]}\n',
    ),
  ).toEqual([expect.stringContaining('the configurations have different validation images')]);
  expect(
    await warned(
      'dataset: {type: cifar10, validation: synthetic}\nlearner: contrastive\nclassifiers: [kde]\nmetrics: [stability]\n',
    ),
  ).toEqual([expect.stringContaining('metric "stability" compares seeds, but there is only one')]);
});

test('copies for the map of features: any learner has them, none twice, only of whole images', () => {
  const turns = {map_copies: ['rotate90', ['rotate90', 'rotate180']], learner: 'rotation'};
  expect(checked({type: 'cifar10'}, turns).spec!.map_copies).toEqual([
    [{type: 'rotate90'}],
    [{type: 'rotate90'}, {type: 'rotate180'}],
  ]);
  expect(checked({type: 'cifar10'}, {map_copies: []}).spec).not.toHaveProperty('map_copies');
  expect(problems({type: 'cifar10'}, {map_copies: ['rotate90', ['rotate90']]})).toEqual([
    [
      'map_copies.1',
      '"map_copies" has "rotate90" twice',
      'Remove one of the two; otherwise their marks lie on each other.',
    ],
  ]);
  const twice = {type: 'synthetic', transforms: ['cutout', 'cutout']};
  expect(problems({type: 'mvtec', validation: twice})).toEqual([
    [
      'dataset.validation.transforms.1',
      '"dataset.validation.transforms" has "cutout" twice',
      'Remove one of the two; otherwise the same anomalies are made twice.',
    ],
  ]);
  const parts = {map_copies: ['rotate90'], learner: {type: 'cutpaste', patch: 32}, localize: {patch: 32, stride: 16}};
  expect(problems({type: 'mvtec'}, parts)).toEqual([
    [
      'map_copies',
      '"map_copies" is for features of whole images, and "localize" scores parts of them',
      expect.any(String),
    ],
  ]);
});
