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
        "The datasets of mvtec and visa have masks; image-folder with "masks: true", synthetic with "defects: true".",
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
        "Did you mean "steps"? (an integer from 1 to 1000, default 32)",
      ],
      [
        "localize.density",
        "expected "localize.density" to be "auto", "shared" or "per-location", but got "local"",
        undefined,
      ],
    ]
  `);
});

test('windows not thinned: "windows: all" goes with classifiers that read windows in parts', () => {
  const all = {dataset: 'mvtec', localize: {windows: 'all'}};
  expect(problems({...all, classifiers: ['gde']})).toEqual([]);
  expect(problems({...all, classifiers: ['kde']})).toMatchInlineSnapshot(`
    [
      [
        "localize.windows",
        ""all" goes with classifiers that read windows in parts, and "kde" needs them all at once",
        "Classifiers that do: gde. Or leave "windows" out.",
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

test('explanations: each type has its options; the learner’s own score needs a learner that has one', () => {
  const maps = {dataset: 'mvtec', metrics: ['pixel-auc']};
  const localizeOf = (localize: object) =>
    validateSpec({...maps, learner: 'rotation', classifiers: ['gde'], localize}, plugins, 'x').spec?.localize;
  expect(localizeOf({type: 'gradcam'})).toEqual({type: 'gradcam', score: 'classifier'});
  expect(localizeOf({type: 'gradient', score: 'learner'})).toEqual({type: 'gradient', score: 'learner', sigma: 'auto'});
  expect(localizeOf({type: 'integrated-gradients', sigma: 2})).toEqual({
    type: 'integrated-gradients',
    score: 'classifier',
    sigma: 2,
    steps: 32,
  });
  expect(problems({...maps, localize: {type: 'gradcam'}})).toEqual([]);
  const path = 'net.onnx';
  expect(
    [
      problems({...maps, localize: {type: 'gradcam', score: 'learner', stride: 8, sigma: 3}}),
      problems({...maps, localize: {patch: 32, steps: 8}}),
      problems({...maps, learner: {type: 'pretrained', path}, localize: {type: 'gradient'}}),
    ].flat(),
  ).toMatchInlineSnapshot(`
    [
      [
        "localize.stride",
        ""localize" of type "gradcam" has no option "stride"",
        "It belongs to "patches". Remove it.",
      ],
      [
        "localize.sigma",
        ""localize" of type "gradcam" has no option "sigma"",
        "It belongs to "patches", "places", "gradient" or "integrated-gradients". Remove it.",
      ],
      [
        "localize.score",
        "learner "untrained" has no anomaly score of its own",
        "Use "score: classifier". Learners that have one: rotation, cutpaste, nsa.",
      ],
      [
        "localize.steps",
        ""localize" of type "patches" has no option "steps"",
        "It belongs to "integrated-gradients". Remove it.",
      ],
      [
        "localize.type",
        ""gradient" goes through the network of the learner, and learner "pretrained" does not open its own",
        "Learners that do: untrained, rotation, contrastive, csi, cutpaste, nsa, denoising. Or use type "patches".",
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
