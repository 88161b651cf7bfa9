import {expect, test} from 'vitest';
import type {Json} from '../../../src/core/base/canonical.ts';
import {defineClassifier} from '../../../src/core/contracts/classifier.ts';
import {defineDataset} from '../../../src/core/contracts/dataset.ts';
import {defineLearner} from '../../../src/core/contracts/learner.ts';
import {defineNetwork} from '../../../src/core/contracts/network.ts';
import {defineTransform} from '../../../src/core/contracts/transform.ts';
import {Plugins, pluginOption} from '../../../src/core/plugin/registry.ts';
import {Type} from '../../../src/core/plugin/type.ts';
import type {ComparisonRow} from '../../../src/pipeline/store/results/results.ts';
import {departuresFrom} from '../../../src/surface/tables/settings.ts';

const closed = {additionalProperties: false};
const never = () => {
  throw new Error('not built in this test');
};
const about = {version: 1, summary: '', create: never};
const head = Type.Array(Type.Integer(), {default: []});
const plugins = new Plugins([
  defineNetwork({...about, name: 'resnet18', options: Type.Object({width: Type.Number({default: 1}), head}, closed)}),
  defineNetwork({...about, name: 'small', options: Type.Object({width: Type.Number({default: 16}), head}, closed)}),
  defineNetwork({...about, name: 'large', options: Type.Object({depth: Type.Integer({default: 18}), head}, closed)}),
  defineTransform({...about, name: 'crop', options: Type.Object({min_side: Type.Number({default: 0.5})}, closed)}),
  defineTransform({...about, name: 'hflip', options: Type.Object({}, closed)}),
  defineDataset({
    ...about,
    name: 'fashion-mnist',
    options: Type.Object({edition: Type.String({default: 'full'})}, closed),
  }),
  defineClassifier({
    ...about,
    name: 'oc-svm',
    row: ({kernel}) => `oc-svm-${kernel}`,
    options: Type.Object({kernel: Type.String({default: 'rbf'}), nu: Type.Number({default: 0.5})}, closed),
  }),
  defineLearner({
    ...about,
    name: 'rotation',
    layers: ['pool'],
    trains: true,
    augment: [{type: 'crop', min_side: 0.5}, {type: 'hflip'}],
    distributionAugmentation: [[{type: 'hflip'}], [{type: 'crop'}, {type: 'hflip'}]],
    row: ({network}) => ((network['head'] as number[]).length === 0 ? 'rotnet' : 'rotation'),
    paperOptions: ({network}) =>
      network.type === 'large'
        ? {network: {type: 'large', depth: 50, head: []}, epochs: 64, optimizer: {learning_rate: 1e-4}}
        : {},
    options: Type.Object(
      {
        network: pluginOption('network', {type: 'resnet18', head: [512, 512, 512]}, 'Encoder.'),
        epochs: Type.Integer({default: 2048}),
        optimizer: Type.Object({learning_rate: Type.Number({default: 0.01})}, {default: {}}),
      },
      closed,
    ),
  }),
]);
const departures = departuresFrom(plugins);

const paper = {
  dataset: {type: 'fashion-mnist', edition: 'full'},
  limit: {},
  learner: {
    type: 'rotation',
    network: {type: 'resnet18', width: 1, head: [512, 512, 512]},
    epochs: 2048,
    optimizer: {learning_rate: 0.01},
  },
  augment: [{type: 'crop', min_side: 0.5}, {type: 'hflip'}],
};
const row = (options: object, classifierOptions: Json = {type: 'oc-svm', kernel: 'rbf', nu: 0.5}) =>
  departures({
    classifier: 'oc-svm-rbf',
    classifierOptions,
    options: {...paper, ...options} as ComparisonRow['options'],
    ensemble: null as number | null,
    point: {},
  } as ComparisonRow);
const network = (options: object) => ({learner: {...paper.learner, network: options}});

test('the paper settings are no departure', () => {
  expect(row({})).toEqual([]);
});

test.for([
  [{learner: {...paper.learner, epochs: 12}}, ['epochs 12 (paper: 2048)']],
  [{learner: {...paper.learner, optimizer: {learning_rate: 0.05}}}, ['learning rate 0.05 (paper: 0.01)']],
  [network({type: 'resnet18', width: 0.25, head: [512, 512, 512]}), ['network width 0.25 (paper: 1)']],
  [network({type: 'resnet18', width: 1, head: [128, 128]}), ['network head 128, 128 (paper: 3 × 512)']],
  [network({type: 'resnet18', width: 1, head: []}), []], // that makes it RotNet, a row of its own
  [network({type: 'small', width: 16, head: [128, 128]}), ['network small (paper: resnet18)']],
  [{dataset: {type: 'fashion-mnist', edition: 'small'}}, ['edition small (paper: full)']],
  [{limit: {train: 500, test: 2000}}, ['500 training images a class', '2,000 test images']],
  [{augment: [{type: 'hflip'}]}, ['augmentation hflip (paper: crop, hflip)']],
  [{augment: []}, ['augmentation none (paper: crop, hflip)']],
  [
    {augment: [{type: 'crop', min_side: 0.8}, {type: 'hflip'}]},
    ["augmentation crop, hflip with other options than the paper's"],
  ],
  [{distribution_augmentation: [[{type: 'hflip'}], [{type: 'crop'}, {type: 'hflip'}]]}, []],
  [
    {distribution_augmentation: [[{type: 'crop'}, {type: 'hflip'}]]},
    ['distribution augmentation crop + hflip (paper: hflip, crop + hflip)'],
  ],
  [{learner: {type: 'mine', epochs: 1}}, []], // a learner that no paper has
] as const)('%j', ([options, expected]) => {
  expect(row(options)).toEqual(expected);
});

test('classifier options', () => {
  expect(row({}, {type: 'oc-svm', kernel: 'rbf', nu: 0.1})).toEqual(['oc-svm-rbf: nu 0.1 (paper: 0.5)']);
  expect(row({}, {type: 'oc-svm', kernel: 'linear', nu: 0.5})).toEqual([]);
  expect(row({}, null)).toEqual([]);
});

test('an ensemble of other than five seeds', () => {
  const of = (ensemble: number | null) =>
    departures({options: paper, classifierOptions: null, ensemble, paper: 0.9, point: {}} as unknown as ComparisonRow);
  expect([of(null), of(5), of(3)]).toEqual([[], [], ['ensemble of 3 seeds (paper: 5)']]);
});

test("what a sweep varies together with the paper's row is no departure", () => {
  const learner = {...paper.learner, epochs: 128, optimizer: {learning_rate: 0.1}};
  const of = (point: object) =>
    departures({
      options: {...paper, learner},
      classifierOptions: null,
      ensemble: null,
      point,
    } as unknown as ComparisonRow);
  const both = ['epochs 128 (paper: 2048)', 'learning rate 0.1 (paper: 0.01)'];
  expect(of({})).toEqual(both);
  expect(of({'learner.optimizer.learning_rate': 0.1})).toEqual(both);
  expect(of({'learner.optimizer.learning_rate': 0.1, 'compare.row': 'lr-0.1'})).toEqual([both[0]]);
  expect(of({'learner.optimizer': {learning_rate: 0.1}, 'compare.row': 'lr-0.1'})).toEqual([both[0]]);
});

test('what varies together with the row may be the dataset or a classifier, too', () => {
  const of = (point: object) =>
    departures({
      classifier: 'oc-svm-rbf',
      options: {...paper, dataset: {type: 'fashion-mnist', edition: 'small'}},
      classifierOptions: {type: 'oc-svm', kernel: 'rbf', nu: 0.1},
      ensemble: null,
      point,
    } as unknown as ComparisonRow);
  const both = ['edition small (paper: full)', 'oc-svm-rbf: nu 0.1 (paper: 0.5)'];
  expect(of({'dataset.edition': 'small', 'classifiers.0.nu': 0.1})).toEqual(both);
  expect(of({'dataset.edition': 'small', 'compare.row': 'few'})).toEqual([both[1]]);
  expect(of({'classifiers.0.nu': 0.1, 'compare.row': 'narrow'})).toEqual([both[0]]);
});

test('where the paper has other settings for a network, those count', () => {
  const large = {type: 'large', depth: 50, head: []};
  const learner = {type: 'rotation', network: large, epochs: 64, optimizer: {learning_rate: 1e-4}};
  expect(row({learner})).toEqual([]);
  expect(row({learner: {...learner, network: {...large, depth: 34}, epochs: 3}})).toEqual([
    'network depth 34 (paper: 50)',
    'epochs 3 (paper: 64)',
  ]);
});
