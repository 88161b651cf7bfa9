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

test('gradcam explains only what comes from the last map alone; slopes of pixels explain every layer', () => {
  const classifiers = ['kde', 'rotation', {type: 'gde', layer: 'embed'}];
  const maps = {dataset: 'mvtec', metrics: ['pixel-auc'], learner: 'rotation', classifiers};
  for (const type of ['gradient', 'integrated-gradients']) expect(problems({...maps, localize: {type}})).toEqual([]);
  expect(problems({...maps, localize: {type: 'gradcam', score: 'learner'}})).toEqual([]);
  const efficient = {type: 'cutpaste', network: {type: 'efficientnet', variant: 'b0'}};
  const levels = [
    {type: 'gde', layer: 'level-7'},
    {type: 'gde', layer: 'classes'},
  ];
  expect([
    problems({...maps, localize: {type: 'gradcam'}}),
    problems({...maps, learner: 'csi', classifiers: ['csi'], localize: {type: 'gradcam'}}),
    problems({...maps, learner: efficient, classifiers: levels, localize: {type: 'gradcam'}}),
  ]).toMatchInlineSnapshot(`
    [
      [
        [
          "localize.type",
          ""gradcam" explains scores of features that come from the network's last map alone, and classifier "rotation" reads the layer "rotation"",
          "Use "gradient" or "integrated-gradients", which explain every layer, or classifiers that read "pool" or "embed".",
        ],
      ],
      [
        [
          "localize.type",
          ""gradcam" explains scores of features that come from the network's last map alone, and classifier "csi" reads the layer "csi"",
          "Use "gradient" or "integrated-gradients", which explain every layer, or classifiers that read "pool" or "embed".",
        ],
      ],
      [
        [
          "localize.type",
          ""gradcam" explains scores of features that come from the network's last map alone, and classifier "gde" reads the layer "level-7"",
          "Use "gradient" or "integrated-gradients", which explain every layer, or classifiers that read "pool", "embed" or "classes".",
        ],
      ],
    ]
  `);
});

test('places: maps and channels are those of the network, where it says which it has', () => {
  const places = (localize: object, learner: unknown = {type: 'rotation', network: {type: 'small', width: 4}}) =>
    problems({dataset: 'mvtec', learner, classifiers: ['knn'], localize: {type: 'places', ...localize}});
  expect(places({layers: ['conv2', 'conv4'], channels: [0, 39]})).toEqual([]);
  expect(places({layers: ['conv2', 'conv4'], channels: {random: 40}})).toEqual([]);
  expect(places({layers: ['level-7']}, {type: 'untrained', network: {type: 'efficientnet', variant: 'b0'}})).toEqual(
    [],
  );
  expect(places({layers: ['anything']}, {type: 'pretrained', path: 'net.onnx'})).toEqual([]);
  expect([
    places({layers: ['conv9']}),
    places({layers: ['stage2', 'nowhere'], channels: [999]}, 'untrained'),
    places({layers: ['conv2'], channels: [0, 8]}),
    places({layers: ['conv1', 'conv2'], channels: {random: 999}}),
  ]).toMatchInlineSnapshot(`
    [
      [
        [
          "localize.layers.0",
          "the network of learner "rotation" has no map "conv9"",
          "Did you mean "conv1"?",
        ],
      ],
      [
        [
          "localize.layers.1",
          "the network of learner "untrained" has no map "nowhere"",
          "Its maps: stage1, stage2, stage3, stage4.",
        ],
      ],
      [
        [
          "localize.channels.1",
          "conv2 has 8 channels, but "channels" asks for number 8",
          "Numbers are from 0 to 7.",
        ],
      ],
      [
        [
          "localize.channels.random",
          "conv1, conv2 have together 12 channels, but "channels" asks for 999 of them",
          "Use at most 12, or leave "channels" out for all.",
        ],
      ],
    ]
  `);
});

test('options that would have no effect beside others are refused', () => {
  const knn = [{type: 'knn', reweight: 3}];
  const places = {type: 'places', layers: ['stage2']};
  const of = (localize: object | undefined, classifiers: readonly unknown[] = knn) =>
    problems({dataset: 'mvtec', classifiers, ...(localize && {localize})});
  expect([...[of(places), of({}), of({...places, density: 'shared'}), of(undefined, ['knn'])]].flat()).toEqual([]);
  expect([
    of({...places, density: 'per-location'}),
    of({density: 'per-location'}),
    of({...places, image: {top: 0.1}}),
    of({type: 'gradient'}),
    of(undefined),
    of({windows: 'all', density: 'per-location'}, ['gde']),
  ]).toMatchInlineSnapshot(`
    [
      [
        [
          "classifiers.0",
          ""reweight" of classifier "knn" changes the score of an image's highest place, but "density: per-location" fits another classifier at each place",
          "Use "density: shared", or leave "reweight" out.",
        ],
      ],
      [
        [
          "classifiers.0",
          ""reweight" of classifier "knn" changes the score of an image's highest place, but "density: per-location" fits another classifier at each place",
          "Use "density: shared", or leave "reweight" out.",
        ],
      ],
      [
        [
          "classifiers.0",
          ""reweight" of classifier "knn" changes the score of an image's highest place, but "localize.image" makes it of several places",
          "Use "image: largest", or leave "reweight" out.",
        ],
      ],
      [
        [
          "classifiers.0",
          ""reweight" of classifier "knn" changes the score of an image's highest place, but the spec does not score places of images",
          "Add "localize" of type "places" or "patches", or leave "reweight" out.",
        ],
      ],
      [
        [
          "classifiers.0",
          ""reweight" of classifier "knn" changes the score of an image's highest place, but the spec does not score places of images",
          "Add "localize" of type "places" or "patches", or leave "reweight" out.",
        ],
      ],
      [
        [
          "localize.windows",
          ""all" is about one classifier for all places, but "density: per-location" fits one at each place",
          "Use "density: shared", or leave "windows" out.",
        ],
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

test('similar images are for classifiers that are not fitted once for all, and the only way in which images are told apart', () => {
  const similar = {dataset: 'mvtec', localize: {type: 'places', layers: ['stage2'], similar: 50}};
  const told = (localize: object, classifiers: readonly unknown[]) =>
    problems({
      ...similar,
      learner: {type: 'untrained', network: 'resnet18'},
      localize: {...similar.localize, ...localize},
      classifiers,
    });
  expect(told({}, [{type: 'knn', layer: 'pool', distance: 'squared'}])).toEqual([]);
  expect(told({turns: 8}, ['gde', {type: 'knn', coreset: {}}])).toMatchInlineSnapshot(`
    [
      [
        "localize.similar",
        ""similar" compares each image with other training images, and classifier "gde" with these options is fitted once for all",
        "Use knn without "coreset" and "reweight", or leave "similar" out.",
      ],
      [
        "localize.similar",
        ""similar" compares each image with other training images, and classifier "knn" with these options is fitted once for all",
        "Use knn without "coreset" and "reweight", or leave "similar" out.",
      ],
      [
        "localize.similar",
        ""similar" and "turns" do not go together",
        "Leave one of them out.",
      ],
    ]
  `);
});
