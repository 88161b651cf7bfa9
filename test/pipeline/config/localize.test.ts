import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {validateSpec} from '../../../src/pipeline/config/validate.ts';

const plugins = new Plugins(builtin);
const problems = (part: object): unknown =>
  validateSpec({learner: 'untrained', classifiers: ['gde'], ...part}, plugins, 'x').issues.map(
    ({path, message, hint}) => [path.join('.'), message, hint],
  );

test('metrics of pixels need maps and masks', () => {
  expect(problems({dataset: 'mvtec', localize: {}, metrics: ['pixel-auc', 'aupro', 'auc']})).toEqual([]);
  const synthetic = {type: 'synthetic', defects: true};
  expect(problems({dataset: synthetic, localize: {patch: 16, stride: 4}, metrics: ['aupro']})).toEqual([]);
  expect(problems({dataset: 'cifar10', metrics: ['auc', 'pixel-auc']})).toMatchInlineSnapshot(`
    [
      [
        "metrics.1",
        "metric "pixel-auc" needs scores of pixels, but the spec has no "localize"",
        "Add "localize: {patch: 32, stride: 4}".",
      ],
      [
        "metrics.1",
        "metric "pixel-auc" needs masks, but dataset "cifar10" has none with these options",
        "mvtec and mvtec-synthetic have masks; image-folder with "masks: true", synthetic with "defects: true".",
      ],
    ]
  `);
});

test('windows must fit into the images, and unknown options are errors', () => {
  expect(problems({dataset: 'cifar10', localize: {patch: 64}})).toMatchInlineSnapshot(`
    [
      [
        "localize.patch",
        "windows of 64 pixels do not fit into images of 32 × 32",
        ""patch" may be at most 32.",
      ],
    ]
  `);
  expect(problems({dataset: 'mvtec', localize: {density: 'local', step: 4}})).toMatchInlineSnapshot(`
    [
      [
        "localize.step",
        ""localize" has no key "step"",
        "Known keys: type, patch, stride, density, sigma, blend.",
      ],
      [
        "localize.density",
        "expected "localize.density" to be "auto", "shared" or "per-location", but got "local"",
        undefined,
      ],
    ]
  `);
});

test('a plain sum is for scores that are never negative', () => {
  const summed = (classifiers: readonly unknown[]) =>
    (problems({dataset: 'mvtec', localize: {blend: 'sum'}, classifiers}) as string[][]).map((problem) =>
      problem.slice(0, 2),
    );
  expect(summed(['gde', 'knn'])).toEqual([]);
  const refused = (type: string) => [
    'localize.blend',
    `"sum" adds up scores of windows, and those of classifier "${type}" may be negative: pixels near the edge, under fewer windows, would score highest`,
  ];
  expect(summed(['kde'])).toEqual([refused('kde')]);
  expect(summed([{type: 'gde', log_determinant: true}])).toEqual([refused('gde')]);
});

test('GradCAM needs a learner with its own score, and has no options', () => {
  const maps = {dataset: 'mvtec', metrics: ['pixel-auc']};
  const gradcam = {type: 'gradcam'};
  expect(problems({...maps, learner: 'cutpaste', localize: gradcam})).toEqual([]);
  expect(
    validateSpec({...maps, learner: 'rotation', classifiers: ['gde'], localize: gradcam}, plugins, 'x').spec,
  ).toMatchObject({localize: {type: 'gradcam'}});
  expect(problems({...maps, localize: {...gradcam, stride: 8}})).toMatchInlineSnapshot(`
    [
      [
        "localize.stride",
        ""localize" of type "gradcam" has no option "stride"",
        "It belongs to type "patches". Remove it.",
      ],
      [
        "localize.type",
        "learner "untrained" has no anomaly score that GradCAM could explain",
        "Learners that have one: rotation, cutpaste.",
      ],
    ]
  `);
});

test('an unknown metric or learner is reported once', () => {
  expect(
    problems({dataset: 'mvtec', localize: {type: 'gradcam'}, learner: 'cutpast', metrics: ['pixel-ac']}),
  ).toMatchInlineSnapshot(`
    [
      [
        "learner",
        "there is no learner "cutpast"",
        "Did you mean "cutpaste"?",
      ],
      [
        "metrics.0",
        "there is no metric "pixel-ac"",
        "Did you mean "pixel-auc"?",
      ],
    ]
  `);
});
