import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {validateSpec} from '../../../src/pipeline/config/validate.ts';

const plugins = new Plugins(builtin);
const checked = (dataset: object, changes: object = {}) =>
  validateSpec({dataset, learner: 'contrastive', classifiers: ['kde'], ...changes}, plugins, 'x');
const problems = (dataset: object, changes: object = {}): readonly string[] =>
  checked(dataset, changes).issues.map(({path, message, hint}) => `${path.join('.')}: ${message}. ${hint}`);

test('a ratio of 0 is as none, for both keys', () => {
  const {spec} = checked({type: 'cifar10', contaminate: 0}, {refine: {ratio: 0}});
  expect(spec!.dataset).not.toHaveProperty('contaminate');
  expect(spec).not.toHaveProperty('refine');
});

test('refine has the defaults of the paper', () => {
  expect(checked({type: 'cifar10', contaminate: 0.1}, {refine: {ratio: 0.1}}).spec).toMatchObject({
    dataset: {contaminate: 0.1},
    refine: {ratio: 0.1, parts: 5, classifier: {type: 'gde', shrinkage: 'none'}},
  });
});

test('what does not go together is an error that says what to do', () => {
  const dirty = {type: 'cifar10', contaminate: 0.1};
  expect([
    ...problems({...dirty, validation: 'held-out'}),
    ...problems({...dirty, validation: 'synthetic'}, {metrics: ['stability'], seeds: 2}),
    ...problems({type: 'mvtec', contaminate: 0.1}, {ensemble: 'seeds', seeds: 2}),
    ...problems({...dirty, contaminate: 0.6}),
    ...problems(dirty, {metrics: ['auc', 'removed-recall']}),
    ...problems({type: 'cifar10'}, {metrics: ['removed-precision'], refine: {ratio: 0.1}}),
    ...problems(dirty, {refine: {parts: 5}}),
    ...problems(dirty, {refine: {ratio: 0.1, classifier: {type: 'gde', layer: 'last'}}}),
    ...problems(dirty, {refine: {ratio: 0.1, classifier: 'gdee'}}),
    ...problems({type: 'mvtec'}, {learner: {type: 'cutpaste', patch: 64}, refine: {ratio: 0.1}, localize: {}}),
    ...problems({type: 'mvtec'}, {refine: {ratio: 0.1}, localize: {type: 'places', layers: ['stage2']}}),
    ...problems(dirty, {learner: {type: 'rotation', epochs: 5}, refine: {ratio: 0.1, epochs: [5, 9]}}),
    ...problems(dirty, {learner: {type: 'rotation', epochs: 6}, refine: {ratio: 0.1, epochs: [5, 9]}}),
    ...problems(dirty, {learner: {type: 'rotation', epochs: 1}, refine: {ratio: 0.1, epochs: 'paper'}}),
    ...problems({...dirty, limit: {train: 9}}, {refine: {ratio: 0.1}}),
    ...problems({type: 'synthetic', train: 20, validation: 'synthetic'}, {refine: {ratio: 0.1, parts: 10}}),
    ...problems({type: 'mvtec', normal_classes: ['toothbrush']}, {refine: {ratio: 0.1, parts: 31}}),
  ]).toMatchInlineSnapshot(`
    [
      "dataset.validation: validation of type "held-out" needs labels of anomalies, but "contaminate" makes training images without labels. Use "validation: synthetic", or remove "contaminate".",
      "metrics.0: metric "stability" compares seeds on the same images, but with "contaminate" each seed has others. Remove the metric, or "contaminate".",
      "ensemble: "ensemble" combines the seeds' scores of the same test images, but "contaminate" takes anomalies of dataset "mvtec" from the test images, for each seed others. Remove "ensemble", or "contaminate".",
      "dataset.contaminate: expected "contaminate" to be a number from 0 to 0.5, but got 0.6. undefined",
      "metrics.1: metric "removed-recall" compares what "refine" removes with what "contaminate" has put there, but the spec has no "refine". Add it, or remove the metric.",
      "metrics.0: metric "removed-precision" compares what "refine" removes with what "contaminate" has put there, but the spec has no "dataset.contaminate". Add it, or remove the metric.",
      "refine: "refine" needs "ratio": a number of at least 0 and below 0.5. Share of the training images that each classifier of the ensemble calls anomalous: one to two times the share that you believe to be. What any of them calls anomalous is removed, so more than this share may be. 0: nothing is.",
      "refine.classifier: classifier "gde" reads the layer "last", which learner "contrastive" does not have. Layers of "contrastive": pool, embed.",
      "refine.classifier: there is no classifier "gdee". Did you mean "gde"?",
      "refine: "refine" removes whole images, but "localize" of type "patches" fits its classifiers on windows. Remove "refine", or explain the scores of whole images ("localize: {type: gradient}").",
      "refine: "refine" removes whole images, but "localize" of type "places" fits its classifiers on places. Remove "refine", or explain the scores of whole images ("localize: {type: gradient}").",
      "refine.epochs: nothing would be refined while the learner trains: the first time is after 5 epochs, and it trains for 5. Give a smaller number, or leave "epochs" out.",
      "refine.epochs: nothing would be refined while the learner trains: the first time is after 1 epoch, and it trains for 1. Give a smaller number, or leave "epochs" out.",
      "refine.parts: "refine" divides 9 training images of class "airplane" into 5 parts, but each needs at least two. Use more images ("limit.train"), or at most 4 parts.",
      "refine.parts: "refine" divides 18 training images of class "stripes" into 10 parts, but each needs at least two. Use more images ("limit.train"), or at most 9 parts.",
      "refine.parts: "refine" divides 60 training images of class "toothbrush" into 31 parts, but each needs at least two. Use more images ("limit.train"), or at most 30 parts.",
    ]
  `);
  expect(problems({...dirty, contaminate: 0}, {metrics: ['removed-recall'], refine: {ratio: 0}})).toEqual([]);
});

test('as many parts as the known training images can fill are right, and of unknown numbers nothing is said', () => {
  expect(problems({type: 'cifar10', limit: {train: 10}}, {refine: {ratio: 0.1}})).toEqual([]);
  expect(problems({type: 'image-folder', folder: 'x'}, {refine: {ratio: 0.1, parts: 100}})).toEqual([]);
});

test('"refine.epochs" has no use for a learner that does not train, and is left out of its spec', () => {
  const refine = {ratio: 0.1, epochs: [1]};
  const {spec, issues, unused} = checked({type: 'cifar10'}, {learner: 'untrained', refine});
  expect(issues).toEqual([]);
  expect(unused.map(({key, issue}) => [key, issue.message])).toEqual([
    ['refine.epochs', '"refine.epochs" refines while the learner trains, and learner "untrained" does not train'],
  ]);
  expect(spec!.refine).not.toHaveProperty('epochs');
  expect(checked({type: 'cifar10'}, {refine}).unused).toEqual([]);
});
