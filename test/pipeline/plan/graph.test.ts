import {expect, test} from 'vitest';
import {sha256} from '../../../src/core/base/canonical.ts';
import type {Dataset, SourceFile} from '../../../src/core/contracts/dataset.ts';
import {defineDataset} from '../../../src/core/contracts/dataset.ts';
import {defineFeatureMetric, definePixelMetric} from '../../../src/core/contracts/metric.ts';
import type {CodeFile} from '../../../src/core/plugin/code.ts';
import {type AnyDefinition, Plugins} from '../../../src/core/plugin/registry.ts';
import {Type} from '../../../src/core/plugin/type.ts';
import type {Plan, Task} from '../../../src/pipeline/config/spec.ts';
import {buildGraph} from '../../../src/pipeline/plan/graph.ts';
import {datasetKey} from '../../../src/pipeline/plan/sources.ts';
import type {StageNode} from '../../../src/pipeline/stages/stage.ts';
import {fakePlugins} from '../../rig/fake-plugins.ts';

const goods = defineDataset({
  name: 'goods',
  version: 2,
  summary: 'Each category has images of its own.',
  options: Type.Object({}),
  create: (): Dataset => ({
    inliers: ['bottle', 'cable'],
    classes: ['good', 'broken'],
    shape: {height: 8, width: 8, channels: 3},
    perInlier: true,
    normalClass: () => 'good',
    locate: () => Promise.reject(new Error('not asked here')),
    read: () => {
      throw new Error('not asked here');
    },
  }),
});

const plugins = fakePlugins().extend([goods as unknown as AnyDefinition]);

const base: Omit<Task, 'id'> = {
  spec: 'looks',
  dataset: {type: 'pets', size: 32},
  limit: {},
  inlier: 'cat',
  learner: {type: 'contrastive', network: {type: 'tiny', width: 0.5, head: [128]}, epochs: 100},
  augment: [{type: 'crop', min_side: 0.4}],
  distributionAugmentation: [],
  classifiers: [{type: 'kde'}],
  metrics: [{type: 'auc'}],
  seed: 0,
  point: {},
  compare: {row: 'contrastive'},
};

const untrained: Partial<Task> = {learner: {type: 'untrained', network: {type: 'tiny', width: 0.5, head: []}}};

function draw(tasks: readonly Partial<Task>[], known: Plugins = plugins): readonly StageNode[] {
  const full = tasks.map((task, i): Task => ({id: `task ${i + 1}`, ...base, ...task}));
  const plan: Plan = {name: 'looks', source: '', tasks: full, pluginUrls: []};
  const datasets = new Map<string, readonly SourceFile[]>();
  for (const {dataset, inlier} of full) {
    for (const key of [datasetKey(dataset, inlier), datasetKey(dataset, undefined)]) datasets.set(key, []);
  }
  return buildGraph(plan, known, {datasets, absent: new Map(), learners: new Map()});
}

const labels = (nodes: readonly StageNode[]): readonly string[] => nodes.map((node) => node.label);

test('the stages of a task are a chain from images to metrics', () => {
  const nodes = draw([{limit: {train: 50}, distributionAugmentation: [[{type: 'hflip', p: 1}]]}]);
  const names = new Map(nodes.map((node) => [node.id, node.label]));
  const clear = nodes.map(({label, lane, recipe, inputs, results}) => ({
    label,
    lane,
    recipe,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([role, {stage, file}]) => [role, `${file} of ${names.get(stage)}`]),
    ),
    ...(results ? {results} : {}),
  }));
  expect(clear).toMatchInlineSnapshot(`
    [
      {
        "inputs": {},
        "label": "data pets",
        "lane": "cpu",
        "recipe": {
          "dataset": {
            "size": 32,
            "type": "pets",
          },
          "limit": {
            "train": 50,
          },
          "version": 1,
        },
      },
      {
        "inputs": {
          "images": "train.arrow of data pets",
        },
        "label": "learn contrastive · cat · seed 0",
        "lane": "accelerator",
        "recipe": {
          "augment": [
            {
              "min_side": 0.4,
              "type": "crop",
            },
          ],
          "distribution_augmentation": [
            [
              {
                "p": 1,
                "type": "hflip",
              },
            ],
          ],
          "learner": {
            "epochs": 100,
            "network": {
              "head": [
                128,
              ],
              "type": "tiny",
              "width": 0.5,
            },
            "type": "contrastive",
          },
          "normal": "cat",
          "seed": 0,
          "versions": {
            "learner contrastive": 3,
            "network tiny": 1,
            "transform crop": 1,
            "transform hflip": 1,
          },
        },
      },
      {
        "inputs": {
          "images": "train.arrow of data pets",
          "weights": "weights.arrow of learn contrastive · cat · seed 0",
        },
        "label": "embed train contrastive.pool · cat · seed 0",
        "lane": "accelerator",
        "recipe": {
          "layer": "pool",
          "learner": {
            "epochs": 100,
            "network": {
              "head": [
                128,
              ],
              "type": "tiny",
              "width": 0.5,
            },
            "type": "contrastive",
          },
          "normal": "cat",
          "versions": {
            "learner contrastive": 3,
            "network tiny": 1,
          },
        },
      },
      {
        "inputs": {
          "images": "test.arrow of data pets",
          "weights": "weights.arrow of learn contrastive · cat · seed 0",
        },
        "label": "embed test contrastive.pool · cat · seed 0",
        "lane": "accelerator",
        "recipe": {
          "layer": "pool",
          "learner": {
            "epochs": 100,
            "network": {
              "head": [
                128,
              ],
              "type": "tiny",
              "width": 0.5,
            },
            "type": "contrastive",
          },
          "versions": {
            "learner contrastive": 3,
            "network tiny": 1,
          },
        },
      },
      {
        "inputs": {
          "test": "features.arrow of embed test contrastive.pool · cat · seed 0",
          "train": "features.arrow of embed train contrastive.pool · cat · seed 0",
        },
        "label": "score kde · contrastive · cat · seed 0",
        "lane": "accelerator",
        "recipe": {
          "classifier": {
            "type": "kde",
          },
          "seed": 0,
          "version": 1,
        },
      },
      {
        "inputs": {
          "scores": "scores.arrow of score kde · contrastive · cat · seed 0",
        },
        "label": "evaluate kde · contrastive · cat · seed 0",
        "lane": "cpu",
        "recipe": {
          "metrics": [
            {
              "type": "auc",
            },
          ],
          "normal": "cat",
          "versions": {
            "metric auc": 1,
          },
        },
        "results": [
          {
            "classifier": "kde",
            "task": "task 1",
          },
        ],
      },
    ]
  `);
});

test('tasks share stages that do not depend on the normal class or the seed', () => {
  expect(labels(draw([{}, {inlier: 'dog'}, {seed: 1}]))).toMatchInlineSnapshot(`
    [
      "data pets",
      "learn contrastive · cat · seed 0",
      "embed train contrastive.pool · cat · seed 0",
      "embed test contrastive.pool · cat · seed 0",
      "score kde · contrastive · cat · seed 0",
      "evaluate kde · contrastive · cat · seed 0",
      "learn contrastive · dog · seed 0",
      "embed train contrastive.pool · dog · seed 0",
      "embed test contrastive.pool · dog · seed 0",
      "score kde · contrastive · dog · seed 0",
      "evaluate kde · contrastive · dog · seed 0",
      "learn contrastive · cat · seed 1",
      "embed train contrastive.pool · cat · seed 1",
      "embed test contrastive.pool · cat · seed 1",
      "score kde · contrastive · cat · seed 1",
      "evaluate kde · contrastive · cat · seed 1",
    ]
  `);
});

test('a learner that does not train has one set of weights, and one test embedding, for all inliers', () => {
  const nodes = draw([untrained, {...untrained, inlier: 'dog', augment: []}]);
  expect(labels(nodes)).toMatchInlineSnapshot(`
    [
      "data pets",
      "learn untrained · seed 0",
      "embed train untrained.pool · cat · seed 0",
      "embed test untrained.pool · seed 0",
      "score kde · untrained · cat · seed 0",
      "evaluate kde · untrained · cat · seed 0",
      "embed train untrained.pool · dog · seed 0",
      "score kde · untrained · dog · seed 0",
      "evaluate kde · untrained · dog · seed 0",
    ]
  `);
  expect(nodes.find((node) => node.kind === 'learn')!.tasks).toEqual(['task 1', 'task 2']);
});

test('if images differ between normal classes, each class is read separately', () => {
  const mine = {...untrained, dataset: {type: 'goods'}};
  expect(
    labels(
      draw([
        {...mine, inlier: 'bottle'},
        {...mine, inlier: 'cable'},
      ]),
    ),
  ).toMatchInlineSnapshot(`
    [
      "data goods · bottle",
      "learn untrained · bottle · seed 0",
      "embed train untrained.pool · bottle · seed 0",
      "embed test untrained.pool · bottle · seed 0",
      "score kde · untrained · bottle · seed 0",
      "evaluate kde · untrained · bottle · seed 0",
      "data goods · cable",
      "learn untrained · cable · seed 0",
      "embed train untrained.pool · cable · seed 0",
      "embed test untrained.pool · cable · seed 0",
      "score kde · untrained · cable · seed 0",
      "evaluate kde · untrained · cable · seed 0",
    ]
  `);
});

test('classifiers of a task share the embeddings of their layer, and have unique names', () => {
  const classifiers = [
    {type: 'svm', nu: 0.1, kernel: 'rbf'},
    {type: 'svm', nu: 0.5, kernel: 'rbf'},
    {type: 'svm', nu: 0.5, kernel: 'linear'},
    {type: 'kde', layer: 'head'},
    {type: 'softmax'},
  ];
  const nodes = draw([{classifiers}]);
  expect(labels(nodes).filter((label) => /^(embed|evaluate)/.test(label))).toMatchInlineSnapshot(`
    [
      "embed train contrastive.pool · cat · seed 0",
      "embed test contrastive.pool · cat · seed 0",
      "evaluate svm-rbf nu=0.1 · contrastive · cat · seed 0",
      "evaluate svm-rbf nu=0.5 · contrastive · cat · seed 0",
      "evaluate svm-linear · contrastive · cat · seed 0",
      "embed train contrastive.head · cat · seed 0",
      "embed test contrastive.head · cat · seed 0",
      "evaluate kde · contrastive · cat · seed 0",
      "evaluate softmax · contrastive · cat · seed 0",
    ]
  `);
  expect(nodes.flatMap((node) => node.results ?? []).map((result) => result.classifier)).toMatchInlineSnapshot(`
    [
      "svm-rbf nu=0.1",
      "svm-rbf nu=0.5",
      "svm-linear",
      "kde",
      "softmax",
    ]
  `);
});

test('two tasks share an equal stage, which has the results of both', () => {
  const nodes = draw([{}, {spec: 'another'}]);
  expect(nodes).toHaveLength(6);
  expect(nodes.at(-1)!.results).toEqual([
    {task: 'task 1', classifier: 'kde'},
    {task: 'task 2', classifier: 'kde'},
  ]);
});

test('stages with the same label are distinguished by their point of the matrix or their spec', () => {
  const learner = (epochs: number) => ({...base.learner, epochs});
  expect(
    labels(
      draw([
        {learner: learner(10), point: {'learner.epochs': 10, 'learner.batch': 32}},
        {learner: learner(20), point: {'learner.epochs': 20, 'learner.batch': 32}},
      ]),
    ).filter((label) => label.startsWith('learn')),
  ).toMatchInlineSnapshot(`
    [
      "learn contrastive · cat · seed 0 · epochs=10",
      "learn contrastive · cat · seed 0 · epochs=20",
    ]
  `);
  expect(
    labels(draw([{learner: learner(10)}, {learner: learner(20), spec: 'longer'}])).filter((label) =>
      label.startsWith('learn'),
    ),
  ).toMatchInlineSnapshot(`
    [
      "learn contrastive · cat · seed 0 · looks",
      "learn contrastive · cat · seed 0 · longer",
    ]
  `);
});

test('stage 2 only sees the original training images, without augmentation or copies (paper 2.5, 4)', () => {
  const task = {augment: [{type: 'crop', min_side: 0.5}], distributionAugmentation: [[{type: 'hflip', p: 1}]]};
  const nodes = draw([task]);
  expect(nodes.find(({kind}) => kind === 'learn')!.recipe).toMatchObject({
    augment: task.augment,
    distribution_augmentation: task.distributionAugmentation,
  });
  const embeds = nodes.filter(({kind}) => kind === 'embed');
  expect(embeds.length).toBe(2);
  for (const {recipe} of embeds) expect(Object.keys(recipe).filter((key) => /augment|view/.test(key))).toEqual([]);
});

test('copies for the map of features are stages beside all others, of some normal test images', () => {
  const turned = [{type: 'hflip', p: 1}];
  const without = draw([{}]);
  const nodes = draw([{mapCopies: [turned]}]);
  const added = nodes.filter(({id}) => !without.some((one) => one.id === id));
  expect(nodes.length).toBe(without.length + 1);
  expect(added).toMatchObject([
    {
      kind: 'embed',
      label: 'embed hflip of test contrastive.pool · cat · seed 0',
      recipe: {normal: 'cat', most: 200, view: {augment: turned, seed: 0, draw: 0}},
    },
  ]);
  // A search's cheap estimates need none.
  expect(labels(draw([{mapCopies: [turned], glance: {images: 50}}])).filter((label) => /hflip/.test(label))).toEqual(
    [],
  );
});

test("a stage has the code of a user's plug-ins that it runs", () => {
  const kde = plugins.get('classifier', 'kde');
  const tiny = plugins.get('network', 'tiny');
  const code = new Map<AnyDefinition, readonly CodeFile[]>([
    [kde, [{name: 'mine.js', path: '/mine.js', sha256: sha256('mine')}]],
    [tiny, [{name: 'nets.js', path: '/nets.js', sha256: sha256('nets')}]],
  ]);
  const plan: Plan = {name: 'looks', source: '', tasks: [{id: 'one', ...base}], pluginUrls: []};
  const nodes = buildGraph(plan, new Plugins(plugins.definitions(), [], code), {
    datasets: new Map([[datasetKey(base.dataset, undefined), []]]),
    absent: new Map(),
    learners: new Map(),
  });
  const files = nodes.map(({kind, code: found = []}) => `${kind}: ${found.map((file) => file.name).join()}`);
  expect(files).toEqual([
    'data: ',
    'learn: nets.js',
    'embed: nets.js',
    'embed: nets.js',
    'score: mine.js',
    'evaluate: ',
  ]);
});

test('ids depend on options and versions, not on names of specs or order of keys', () => {
  const ids = (task: Partial<Task>): readonly string[] => draw([task]).map((node) => node.id);
  expect(ids({spec: 'another', dataset: {size: 32, type: 'pets'}})).toEqual(ids({}));
  expect(ids({metrics: [{type: 'average-precision'}]}).slice(0, 5)).toEqual(ids({}).slice(0, 5));
  expect(ids({learner: {...base.learner, epochs: 50}})[1]).not.toBe(ids({})[1]);
});

const ofFeatures = (name: string, views?: boolean) =>
  defineFeatureMetric({
    name,
    version: 1,
    summary: '',
    options: Type.Object({}),
    ...(views && {views}),
    create: () => ({
      measure: () => {
        throw new Error('not asked here');
      },
    }),
  }) as unknown as AnyDefinition;
const measuring = plugins.extend([ofFeatures('spread'), ofFeatures('nearness', true)]);

test('a metric of features has one stage for each layer; views are only embedded for a metric that needs them', () => {
  const classifiers = [
    {type: 'svm', nu: 0.5, kernel: 'rbf'},
    {type: 'kde', layer: 'head'},
    {type: 'kde'},
    {type: 'softmax'},
  ];
  const nodes = draw([{classifiers, metrics: [{type: 'auc'}, {type: 'spread'}, {type: 'nearness'}]}], measuring);
  const names = new Map(nodes.map((node) => [node.id, node.label]));
  expect(
    nodes
      .filter(({kind}) => kind === 'measure')
      .map(({label, results, inputs}) => ({
        label,
        results,
        inputs: Object.entries(inputs).map(([role, {stage}]) => `${role}: ${names.get(stage)}`),
      })),
  ).toMatchInlineSnapshot(`
    [
      {
        "inputs": [
          "features: embed test contrastive.pool · cat · seed 0",
        ],
        "label": "measure spread of pool · contrastive · cat · seed 0",
        "results": [
          {
            "classifier": "(pool)",
            "task": "task 1",
          },
        ],
      },
      {
        "inputs": [
          "features: embed test contrastive.head · cat · seed 0",
        ],
        "label": "measure spread of head · contrastive · cat · seed 0",
        "results": [
          {
            "classifier": "(head)",
            "task": "task 1",
          },
        ],
      },
      {
        "inputs": [
          "features: embed test contrastive.pool · cat · seed 0",
          "first: embed view 1 of test contrastive.pool · cat · seed 0",
          "second: embed view 2 of test contrastive.pool · cat · seed 0",
        ],
        "label": "measure nearness of pool · contrastive · cat · seed 0",
        "results": [
          {
            "classifier": "(pool)",
            "task": "task 1",
          },
        ],
      },
      {
        "inputs": [
          "features: embed test contrastive.head · cat · seed 0",
          "first: embed view 1 of test contrastive.head · cat · seed 0",
          "second: embed view 2 of test contrastive.head · cat · seed 0",
        ],
        "label": "measure nearness of head · contrastive · cat · seed 0",
        "results": [
          {
            "classifier": "(head)",
            "task": "task 1",
          },
        ],
      },
    ]
  `);
  const [view] = nodes.filter(({label}) => label.includes('view 2'));
  expect(view!.recipe).toMatchInlineSnapshot(`
    {
      "layer": "pool",
      "learner": {
        "epochs": 100,
        "network": {
          "head": [
            128,
          ],
          "type": "tiny",
          "width": 0.5,
        },
        "type": "contrastive",
      },
      "normal": "cat",
      "versions": {
        "learner contrastive": 3,
        "network tiny": 1,
        "transform crop": 1,
      },
      "view": {
        "augment": [
          {
            "min_side": 0.4,
            "type": "crop",
          },
        ],
        "draw": 1,
        "seed": 0,
      },
    }
  `);
  // Metrics of scores know nothing of them.
  const plain = draw([{classifiers, metrics: [{type: 'auc'}]}]).map(({id}) => id);
  expect(nodes.map(({id}) => id)).toEqual(expect.arrayContaining(plain));
});

test('without a metric of scores there are no scores', () => {
  const kinds = draw([{metrics: [{type: 'spread'}]}], measuring).map(({kind}) => kind);
  expect(kinds).toEqual(['data', 'learn', 'embed', 'measure']);
});

test('an ensemble combines the scores of tasks that differ only in the seed', () => {
  const seeds = (task: Partial<Task>) => [1, 0, 2].map((seed) => ({ensemble: 'seeds' as const, ...task, seed}));
  const nodes = draw([
    ...seeds({}),
    ...seeds({inlier: 'dog'}),
    ...seeds({inlier: 'hamster', ensemble: 'standardised-seeds'}).slice(0, 2),
    {seed: 7, ensemble: 'seeds', spec: 'alone'},
    {seed: 8},
  ]);
  const names = new Map(nodes.map((node) => [node.id, node.label]));
  expect(
    nodes
      .filter(({label}) => label.includes('ensemble'))
      .map(({kind, label, lane, recipe, inputs, tasks, results}) => ({
        kind,
        label,
        lane,
        combine: recipe['combine'],
        inputs: Object.entries(inputs).map(([role, {stage}]) => `${role}: ${names.get(stage)}`),
        tasks,
        results,
      })),
  ).toMatchInlineSnapshot(`
    [
      {
        "combine": "mean",
        "inputs": [
          "seed 0: score kde · contrastive · cat · seed 0",
          "seed 1: score kde · contrastive · cat · seed 1",
          "seed 2: score kde · contrastive · cat · seed 2",
        ],
        "kind": "ensemble",
        "label": "ensemble kde · contrastive · cat · 3 seeds",
        "lane": "cpu",
        "results": undefined,
        "tasks": [
          "task 2",
          "task 1",
          "task 3",
        ],
      },
      {
        "combine": undefined,
        "inputs": [
          "scores: ensemble kde · contrastive · cat · 3 seeds",
        ],
        "kind": "evaluate",
        "label": "evaluate ensemble kde · contrastive · cat · 3 seeds",
        "lane": "cpu",
        "results": [
          {
            "classifier": "kde (ensemble of 3 seeds)",
            "ensemble": [
              0,
              1,
              2,
            ],
            "task": "task 2",
          },
        ],
        "tasks": [
          "task 2",
          "task 1",
          "task 3",
        ],
      },
      {
        "combine": "mean",
        "inputs": [
          "seed 0: score kde · contrastive · dog · seed 0",
          "seed 1: score kde · contrastive · dog · seed 1",
          "seed 2: score kde · contrastive · dog · seed 2",
        ],
        "kind": "ensemble",
        "label": "ensemble kde · contrastive · dog · 3 seeds",
        "lane": "cpu",
        "results": undefined,
        "tasks": [
          "task 5",
          "task 4",
          "task 6",
        ],
      },
      {
        "combine": undefined,
        "inputs": [
          "scores: ensemble kde · contrastive · dog · 3 seeds",
        ],
        "kind": "evaluate",
        "label": "evaluate ensemble kde · contrastive · dog · 3 seeds",
        "lane": "cpu",
        "results": [
          {
            "classifier": "kde (ensemble of 3 seeds)",
            "ensemble": [
              0,
              1,
              2,
            ],
            "task": "task 5",
          },
        ],
        "tasks": [
          "task 5",
          "task 4",
          "task 6",
        ],
      },
      {
        "combine": "standardised-mean",
        "inputs": [
          "seed 0: score kde · contrastive · hamster · seed 0",
          "seed 1: score kde · contrastive · hamster · seed 1",
        ],
        "kind": "ensemble",
        "label": "ensemble kde · contrastive · hamster · 2 seeds",
        "lane": "cpu",
        "results": undefined,
        "tasks": [
          "task 8",
          "task 7",
        ],
      },
      {
        "combine": undefined,
        "inputs": [
          "scores: ensemble kde · contrastive · hamster · 2 seeds",
        ],
        "kind": "evaluate",
        "label": "evaluate ensemble kde · contrastive · hamster · 2 seeds",
        "lane": "cpu",
        "results": [
          {
            "classifier": "kde (ensemble of 2 seeds)",
            "ensemble": [
              0,
              1,
            ],
            "task": "task 8",
          },
        ],
        "tasks": [
          "task 8",
          "task 7",
        ],
      },
    ]
  `);
});

const ofPixels = definePixelMetric({
  name: 'overlap',
  version: 1,
  summary: '',
  better: 'higher',
  options: Type.Object({}),
  create: () => ({
    measurePixels: () => {
      throw new Error('not asked here');
    },
  }),
}) as unknown as AnyDefinition;
const localizing = plugins.extend([ofPixels]);
const metrics = [{type: 'auc'}, {type: 'overlap'}];

/** Kind, label without what all have in common, inputs. */
const chain = (nodes: readonly StageNode[]): readonly string[] => {
  const name = ({label}: StageNode): string => label.replace(' · contrastive', '').replace(' · cat · seed 0', '');
  const names = new Map(nodes.map((node) => [node.id, name(node)]));
  return nodes.map((node) => {
    const inputs = Object.entries(node.inputs).map(
      ([role, {stage, file}]) => `${role}: ${file} of ${names.get(stage)}`,
    );
    return [`${node.kind} | ${name(node)}`, ...inputs].join(' | ');
  });
};

test('with localize, windows are embedded and scored instead of images, and their maps are evaluated as well', () => {
  const patches = {type: 'patches', patch: 16, stride: 4, density: 'auto', sigma: 'auto', blend: 'mean'} as const;
  const nodes = draw([{localize: patches, metrics}], localizing);
  expect(chain(nodes)).toMatchInlineSnapshot(`
    [
      "data | data pets",
      "learn | learn contrastive | images: train.arrow of data pets",
      "embed | embed windows of train contrastive.pool | weights: weights.arrow of learn contrastive | images: train.arrow of data pets",
      "embed | embed windows of test contrastive.pool | weights: weights.arrow of learn contrastive | images: test.arrow of data pets",
      "localize | localize kde | train: features.arrow of embed windows of train contrastive.pool | test: features.arrow of embed windows of test contrastive.pool | images: test.arrow of data pets",
      "evaluate | evaluate kde | scores: scores.arrow of localize kde | maps: maps.arrow of localize kde | images: test.arrow of data pets",
    ]
  `);
  expect(nodes.find(({kind}) => kind === 'localize')!.recipe).toMatchInlineSnapshot(`
    {
      "blend": "mean",
      "classifier": {
        "type": "kde",
      },
      "image_score": "largest-window",
      "normal": "cat",
      "per_location": false,
      "seed": 0,
      "sigma": 1.1638138523837167,
      "version": 1,
      "windows": {
        "patch": 16,
        "stride": 4,
      },
    }
  `);
  expect(nodes.at(-1)!.recipe['metrics']).toEqual(metrics);
  const perLocation = draw([{localize: {...patches, density: 'per-location', sigma: 3}}], localizing);
  expect(perLocation.find(({kind}) => kind === 'localize')!.recipe).toMatchObject({per_location: true, sigma: 3});
});

test('with GradCAM, metrics of pixels evaluate its maps, and other metrics the scores of classifiers', () => {
  const nodes = draw([{localize: {type: 'gradcam'}, metrics}], localizing);
  expect(chain(nodes)).toMatchInlineSnapshot(`
    [
      "data | data pets",
      "learn | learn contrastive | images: train.arrow of data pets",
      "localize | localize gradcam | weights: weights.arrow of learn contrastive | images: test.arrow of data pets",
      "evaluate | evaluate gradcam | scores: scores.arrow of localize gradcam | maps: maps.arrow of localize gradcam | images: test.arrow of data pets",
      "embed | embed train contrastive.pool | weights: weights.arrow of learn contrastive | images: train.arrow of data pets",
      "embed | embed test contrastive.pool | weights: weights.arrow of learn contrastive | images: test.arrow of data pets",
      "score | score kde | train: features.arrow of embed train contrastive.pool | test: features.arrow of embed test contrastive.pool",
      "evaluate | evaluate kde | scores: scores.arrow of score kde",
    ]
  `);
  expect(nodes.filter(({kind}) => kind === 'evaluate').map(({recipe}) => recipe['metrics'])).toEqual([
    [{type: 'overlap'}],
    [{type: 'auc'}],
  ]);
  expect(nodes.flatMap(({results = []}) => results)).toEqual([
    {task: 'task 1', classifier: 'gradcam'},
    {task: 'task 1', classifier: 'kde'},
  ]);
});

test('an ensemble of tasks with localize combines scores of images, not maps', () => {
  const localize = {type: 'patches', patch: 16, stride: 4, density: 'shared', sigma: 4, blend: 'mean'} as const;
  const nodes = draw(
    [0, 1].map((seed) => ({localize, metrics, seed, ensemble: 'seeds' as const})),
    localizing,
  );
  const [ensemble, evaluate] = nodes.slice(-2);
  expect(ensemble!.kind).toBe('ensemble');
  const kinds = Object.values(ensemble!.inputs).map(({stage}) => nodes.find(({id}) => id === stage)!.kind);
  expect(kinds).toEqual(['localize', 'localize']);
  expect(evaluate!.recipe['metrics']).toEqual([{type: 'auc'}]);
});

test('a lower precision makes other trainings and embeddings, and no other images; stage two stays in float32', () => {
  const tasks = [{}, {precision: 'bf16'}, {}] as const;
  const nodes = draw(tasks);
  const ofTask = (id: string, kind: string) => nodes.filter((node) => node.kind === kind && node.tasks.includes(id));
  for (const kind of ['learn', 'embed']) {
    const [one, other] = ['task 1', 'task 2'].map((id) => ofTask(id, kind));
    expect(other!.map(({precision}) => precision)).toEqual(one!.map(() => 'bf16'));
    expect(one!.map(({precision}) => precision)).toEqual(one!.map(() => undefined));
    for (const {id} of one!) expect(other!.map((node) => node.id)).not.toContain(id);
  }
  expect(ofTask('task 2', 'data').map(({id}) => id)).toEqual(ofTask('task 1', 'data').map(({id}) => id));
  for (const kind of ['score', 'evaluate'])
    for (const node of ofTask('task 2', kind)) expect(node.precision).toBeUndefined();
});
