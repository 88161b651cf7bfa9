import {join} from 'node:path';
import {expect, test} from 'vitest';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {labelPoint} from '../../../src/pipeline/config/points.ts';
import {fakePlugins} from '../../rig/fake-plugins.ts';
import {folder, least, plan, screen} from './folder.ts';

const ids = async (...args: Parameters<typeof plan>) => (await plan(...args)).plan.tasks.map(({id}) => id);

test('each normal class and seed is a task', async () => {
  expect(await ids(`${least.replace('[cat]', 'all')}seeds: 2\n`)).toMatchInlineSnapshot(`
    [
      "a/cat/untrained/seed=0",
      "a/cat/untrained/seed=1",
      "a/dog/untrained/seed=0",
      "a/dog/untrained/seed=1",
      "a/hamster/untrained/seed=0",
      "a/hamster/untrained/seed=1",
    ]
  `);
  expect(await ids(`${least}seeds: [7, 0]\nname: x\n`)).toMatchInlineSnapshot(`
    [
      "x/cat/untrained/seed=7",
      "x/cat/untrained/seed=0",
    ]
  `);
  expect(await ids(least.replace('{type: pets, inliers: [cat]}', 'pets'))).toHaveLength(3);
});

const matrix = `dataset: {type: pets, inliers: [cat]}
learner: {type: contrastive}
classifiers: [kde, svm]
matrix:
  learner.batch: [32, 64]
  classifiers.1.nu: [0.1, 0.5]
`;

test('a matrix makes every combination, also inside lists and bare names', async () => {
  const {tasks} = (await plan(matrix)).plan;
  expect(
    tasks.map(({id, learner, classifiers}) => [id, learner['batch'], classifiers[1]!['nu']]),
  ).toMatchInlineSnapshot(`
    [
      [
        "a/cat/contrastive/batch=32/nu=0.1/seed=0",
        32,
        0.1,
      ],
      [
        "a/cat/contrastive/batch=32/nu=0.5/seed=0",
        32,
        0.5,
      ],
      [
        "a/cat/contrastive/batch=64/nu=0.1/seed=0",
        64,
        0.1,
      ],
      [
        "a/cat/contrastive/batch=64/nu=0.5/seed=0",
        64,
        0.5,
      ],
    ]
  `);
  expect(tasks[0]!.point).toEqual({'learner.batch': 32, 'classifiers.1.nu': 0.1});
});

test('a matrix may vary whole learners: a method and its control', async () => {
  const text = `dataset: {type: pets, inliers: [cat]}
matrix:
  learner:
    - {type: untrained, network: &net {type: tiny, width: 3}}
    - {type: contrastive, network: {<<: *net, head: [1]}}
classifiers: [kde]
`;
  const {tasks} = (await plan(text)).plan;
  expect(tasks.map(({id, learner, compare}) => [id, learner['network'], compare.row])).toMatchInlineSnapshot(`
    [
      [
        "a/cat/untrained/seed=0",
        {
          "head": [
            128,
          ],
          "type": "tiny",
          "width": 3,
        },
        "untrained",
      ],
      [
        "a/cat/contrastive/seed=0",
        {
          "head": [
            1,
          ],
          "type": "tiny",
          "width": 3,
        },
        "contrastive_nce",
      ],
    ]
  `);
});

test('learners of one type in a matrix are called by the options in which they differ', async () => {
  const text = `${least}matrix: {learner: [{type: contrastive, epochs: 1}, {type: contrastive, epochs: 2}, untrained]}\n`;
  expect(await ids(text)).toMatchInlineSnapshot(`
    [
      "a/cat/contrastive/epochs=1/seed=0",
      "a/cat/contrastive/epochs=2/seed=0",
      "a/cat/untrained/seed=0",
    ]
  `);
});

test('datasets of one type in a matrix are called by the options in which they differ, and never two alike', () => {
  const labels = (...values: readonly unknown[]) =>
    values.map((_, i) => labelPoint([{name: 'dataset', paths: ['dataset'], values}], [i]).join(' '));
  const photos = (folder: string) => ({type: 'image-folder', folder, size: 64});
  expect(labels(photos('nuts'), photos('../bolts'))).toEqual(['folder=nuts', 'folder=..-bolts']);
  expect(labels(photos('nuts'), 'cifar10', 'mvtec')).toEqual([
    'dataset=image-folder',
    'dataset=cifar10',
    'dataset=mvtec',
  ]);
  expect(labels(photos('a/b'), photos('a-b'))).toEqual(['folder=a-b #1', 'folder=a-b #2']);
});

test('a classifier that does not fit one learner of a matrix is left out there, with a warning', async () => {
  const text = `${least.replace('[kde]', '[kde, softmax]')}matrix: {learner: [untrained, contrastive]}\n`;
  const {plan: read, warnings} = await plan(text);
  expect(read.tasks.map(({classifiers}) => classifiers.map(({type}) => type))).toEqual([['kde'], ['kde', 'softmax']]);
  expect(warnings).toMatchInlineSnapshot(`
    [
      "classifier "softmax" reads the layer "head", which learner "untrained" does not have; it is not used there",
    ]
  `);
  expect(await screen(text.replace('[kde, softmax]', '[softmax]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:3:1  no classifier is left for learner "untrained", because each reads a layer that the learner does not have
        3 │ classifiers: [softmax]
          │ ~~~~~~~~~~~
       Layers of "untrained": pool.

    1 problem; nothing was run.
    "
  `);
});

/** Files without their folder. */
const placed = (warnings: readonly string[]) => warnings.map((text) => text.replace(/\(\S*\//, '('));

test('copies of distribution augmentation that contradict the augmentation give a warning', async () => {
  const spec = (copies: string, more = '') =>
    `${least.replace('untrained', 'contrastive')}distribution_augmentation: ${copies}\n${more}`;
  const {plan: read, warnings} = await plan(
    spec('[crop: {min_side: 0.9}, [{hflip: {p: 1}}, crop]]', 'augment: [hflip]'),
  );
  expect(read.tasks[0]!.distributionAugmentation).toEqual([
    [{type: 'crop', min_side: 0.9}],
    [
      {type: 'hflip', p: 1},
      {type: 'crop', min_side: 0.5},
    ],
  ]);
  expect(placed(warnings)).toMatchInlineSnapshot(`
    [
      ""hflip" is in "augment" and in "distribution_augmentation": the first teaches that an image and its "hflip" are the same, the second that they differ. Remove it from one of them. (a.yaml:4:52)",
    ]
  `);
  expect(placed((await plan(spec('[hflip]', 'augment: [crop]'))).warnings)).toMatchInlineSnapshot(`
    [
      ""hflip" in "distribution_augmentation" has p = 0.5: a copy that it does not change equals another instance, but training teaches that they differ. Write hflip: {p: 1}. (a.yaml:4:29)",
    ]
  `);
  expect((await plan(spec('[crop]', 'augment: []'))).warnings).toEqual([]);
  const set = 'matrix: {distribution_augmentation.1.0.p: [1]}\n';
  const {plan: laid} = await plan(spec('[crop, [hflip, crop]]', `augment: []\n${set}`));
  expect(laid.tasks[0]!.distributionAugmentation[1]![0]).toEqual({type: 'hflip', p: 1});
});

test('a learner without distribution augmentation can be the control of one with it', async () => {
  const text = `${least}augment: []\ndistribution_augmentation: [crop]\nmatrix: {learner: [untrained, contrastive]}\n`;
  const {plan: read, warnings} = await plan(text);
  expect(read.tasks.map((task) => [task.learner.type, task.distributionAugmentation.length])).toEqual([
    ['untrained', 0],
    ['contrastive', 1],
  ]);
  expect(warnings).toEqual([]);
});

test('equal tasks are one', async () => {
  const {plan: read, warnings} = await plan(matrix.replace('[0.1, 0.5]', '[0.5, 0.5]'));
  expect(read.tasks).toHaveLength(2);
  expect(warnings).toMatchInlineSnapshot(`
    [
      "a: 2 tasks are equal to others and will not run",
    ]
  `);
});

test('problems in a matrix are placed at its values', async () => {
  const bad = (path: string, values: string) => screen(`${least}matrix:\n  ${path}: ${values}\n`);
  expect(
    await bad('learner', '[{type: contrastive, epochs: 1}, {type: contrastive, epochs: 0}]'),
  ).toMatchInlineSnapshot(`
    "✗ a.yaml:5:73  expected "epochs" to be an integer of at least 1, but got 0
        5 │   learner: [{type: contrastive, epochs: 1}, {type: contrastive, epochs: 0}]
          │                                                                         ~

    1 problem; nothing was run.
    "
  `);
  expect(await bad('learner', '[untrained, {type: untrained, depth: 3}]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:42  learner "untrained" has no option "depth"
        5 │   learner: [untrained, {type: untrained, depth: 3}]
          │                                          ~~~~~
       Known options: network.

    1 problem; nothing was run.
    "
  `);
  expect(await bad('lerner.epochs', '[1, 2]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:3  a pipeline has no key "lerner"
        5 │   lerner.epochs: [1, 2]
          │   ~~~~~~~~~~~~~
       Did you mean "learner"?

    1 problem; nothing was run.
    "
  `);
  expect(await bad('learner.epochs', '[1, 2]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:3  learner "untrained" has no option "epochs"
        5 │   learner.epochs: [1, 2]
          │   ~~~~~~~~~~~~~~
       Known options: network.

    1 problem; nothing was run.
    "
  `);
  expect(await bad('classifiers.3.nu', '[0.1]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:3  "classifiers" has 1 item, numbered from 0; there is no 3
        5 │   classifiers.3.nu: [0.1]
          │   ~~~~~~~~~~~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await bad('classifiers.kde.nu', '[0.1]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:3  "classifiers" is a list; expected the number of an item (from 0), but got "kde"
        5 │   classifiers.kde.nu: [0.1]
          │   ~~~~~~~~~~~~~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await bad('classifiers.0', '[svm, {type: svm, nu: 3}]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:40  expected "nu" to be a number above 0 and at most 1, but got 3
        5 │   classifiers.0: [svm, {type: svm, nu: 3}]
          │                                        ~

    1 problem; nothing was run.
    "
  `);
  expect(await bad('name', '[a, b]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:3  "name" cannot vary in a matrix
        5 │   name: [a, b]
          │   ~~~~
       Vary the dataset, the learner or another part of the experiment.

    1 problem; nothing was run.
    "
  `);
  expect(await bad('seeds', '[]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:10  expected "matrix.seeds" to be a list of at least one value, but got an empty list
        5 │   seeds: []
          │          ~~

    1 problem; nothing was run.
    "
  `);
  expect(await bad('seeds', '3')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:10  expected "matrix.seeds" to be a list of at least one value, but got 3
        5 │   seeds: 3
          │          ~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}matrix: [1]\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:9  expected "matrix" to be a mapping of dotted paths to lists of values, but got [1]
        4 │ matrix: [1]
          │         ~~~

    1 problem; nothing was run.
    "
  `);
  const wide = Array.from({length: 101}, (_, i) => i + 1).join(', ');
  expect(
    await screen(`${least}matrix: {dataset.limit.train: [${wide}], dataset.limit.test: [${wide}]}\n`),
  ).toMatchInlineSnapshot(`
    "✗ a.yaml:4:1  the matrix has 10,201 combinations; at most 10,000 are allowed
        4 │ matrix: {dataset.limit.train: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 1…
          │ ~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}matrix: {learner: [untrained], learner.network: [tiny]}\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:32  "learner.network" is inside "learner", which also varies
        4 │ matrix: {learner: [untrained], learner.network: [tiny]}
          │                                ~~~~~~~~~~~~~~~
       Write both in one list of values.

    1 problem; nothing was run.
    "
  `);
});

test('a mistake outside the matrix is reported once', async () => {
  expect(await screen(`${matrix}metrics: [acu]\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:7:11  there is no metric "acu"
        7 │ metrics: [acu]
          │           ~~~
       Did you mean "auc"?

    1 problem; nothing was run.
    "
  `);
});

test('--set, --seeds, --inliers', async () => {
  const {tasks} = (
    await plan(matrix, {set: ['learner.epochs=10', 'learner.network.width=3', 'classifiers.0.gamma=1e-3']})
  ).plan;
  expect(tasks[0]!.learner).toMatchObject({epochs: 10, batch: 32, network: {width: 3}});
  expect(tasks[0]!.classifiers[0]).toEqual({type: 'kde', gamma: 0.001});
  expect(await ids(least, {seeds: '2', inliers: 'dog, hamster'})).toMatchInlineSnapshot(`
    [
      "a/dog/untrained/seed=0",
      "a/dog/untrained/seed=1",
      "a/hamster/untrained/seed=0",
      "a/hamster/untrained/seed=1",
    ]
  `);
  expect(await ids(least, {seeds: '3,5', inliers: 'all'})).toHaveLength(6);
  expect((await plan(least, {set: ['augment=[hflip, crop: {min_side: 1}]']})).plan.tasks[0]!.augment).toHaveLength(2);
});

test('options that are given but empty, as by an unset variable of a shell, are refused', async () => {
  for (const overrides of [{seeds: ''}, {seeds: '9007199254740993'}, {inliers: ''}, {inliers: 'dog,'}])
    await expect(plan(least, overrides)).rejects.toThrow(/--(seeds|inliers) .*: expected/);
});

test('one class may stand without a list', async () => {
  expect(await ids(least, {set: ['dataset.inliers=dog']})).toEqual(['a/dog/untrained/seed=0']);
});

test('--set changes options in the short form of a transform', async () => {
  const text = `${least}augment: [crop: {min_side: 0.3}, crop]\n`;
  const augment = async (set: string) => (await plan(text, {set: [set]})).plan.tasks[0]!.augment;
  expect((await augment('augment.0.min_side=0.9'))[0]).toEqual({type: 'crop', min_side: 0.9});
  expect((await augment('augment.0.crop.min_side=0.9'))[0]).toEqual({type: 'crop', min_side: 0.9});
  expect((await augment('augment.1.min_side=0.9'))[1]).toEqual({type: 'crop', min_side: 0.9});
});

test('--set replaces the matrix', async () => {
  expect(await ids(matrix, {set: ['learner.batch=16']})).toMatchInlineSnapshot(`
    [
      "a/cat/contrastive/nu=0.1/seed=0",
      "a/cat/contrastive/nu=0.5/seed=0",
    ]
  `);
  expect(await ids(matrix, {set: ['learner={type: contrastive, batch: 8}']})).toHaveLength(2);
});

test('--set applies where the plug-in has the option; if none has it, this is an error', async () => {
  const text = `${least}matrix: {learner: [untrained, contrastive]}\n`;
  const {tasks} = (await plan(text, {set: ['learner.epochs=3']})).plan;
  expect(tasks.map(({learner}) => learner['epochs'])).toEqual([undefined, 3]);
  expect(await screen(text, {set: ['learner.epoch=3']})).toMatchInlineSnapshot(`
    "✗ --set learner.epoch=3: learner "contrastive" has no option "epoch"
       Did you mean "epochs"? (an integer of at least 1, default 100)

    1 problem; nothing was run.
    "
  `);
});

test('null takes an option out of the file', async () => {
  const tasks = (...set: string[]) => plan(matrix, {set}).then(({plan: {tasks: all}}) => all);
  const network = (await tasks('learner.network.width=3', 'learner.network=null'))[0]!.learner['network'];
  expect(network).toEqual((await plan(least)).plan.tasks[0]!.learner['network']);
  expect(await screen(least, {set: ['learner.network=null', 'lerner=null', 'metrics=null']})).toMatchInlineSnapshot(`
    "✗ --set learner.network=null: "learner.network" is not in the file: there is nothing to take out
    ✗ --set lerner=null: "lerner" is not in the file: there is nothing to take out
    ✗ --set metrics=null: "metrics" is not in the file: there is nothing to take out

    3 problems; nothing was run.
    "
  `);
});

test('problems of command-line options quote the option instead of a place', async () => {
  const bad = (...set: string[]) => screen(least, {set});
  expect(await bad('lerner.epochs=3', 'learner.epochs=3', 'metrics=auc')).toMatchInlineSnapshot(`
    "✗ --set metrics=auc: expected "metrics" to be a list of at least one metric, but got "auc"
    ✗ --set lerner.epochs=3: a pipeline has no key "lerner"
       Did you mean "learner"?
    ✗ --set learner.epochs=3: learner "untrained" has no option "epochs"
       Known options: network.

    3 problems; nothing was run.
    "
  `);
  expect(await bad('learner.network.width=0', 'dataset.limit.train=many', 'metrics.0=recall')).toMatchInlineSnapshot(`
    "✗ --set dataset.limit.train=many: expected "limit.train" to be an integer of at least 1, but got "many"
    ✗ --set learner.network.width=0: expected "width" to be a number above 0, but got 0
    ✗ --set metrics.0=recall: "metrics" is not in the file, so it has no item 0

    3 problems; nothing was run.
    "
  `);
  expect(await bad('learner', '=3', 'learner..x=3', 'matrix={}', 'seeds=[1', 'x.__proto__=1')).toMatchInlineSnapshot(`
    "✗ --set learner: expected path=value
       Example: --set learner.epochs=10.
    ✗ --set =3: expected path=value
       Example: --set learner.epochs=10.
    ✗ --set learner..x=3: "learner..x" is not a path
       Example: --set learner.epochs=10.
    ✗ --set matrix={}: "matrix" can only be set in the file
       Example: --set learner.epochs=10.
    ✗ --set seeds=[1: "[1" is not a YAML value
       Example: --set learner.epochs=10.
    ✗ --set x.__proto__=1: "x.__proto__" is not a path
       Example: --set learner.epochs=10.

    6 problems; nothing was run.
    "
  `);
  expect(await bad('metrics.7=auc', 'seeds.x=3')).toMatchInlineSnapshot(`
    "✗ --set seeds.x=3: expected "seeds" to be an integer from 1 to 1000 or a list of different seeds, but got a mapping
    ✗ --set metrics.7=auc: "metrics" is not in the file, so it has no item 7

    2 problems; nothing was run.
    "
  `);
  expect(await screen(least, {seeds: 'three', inliers: 'cow,cat'})).toMatchInlineSnapshot(`
    "✗ --seeds three: expected a number of seeds, or a list of seeds
       Examples: --seeds 3 (which is 0,1,2) or --seeds 0,7.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least, {seeds: '1,1', inliers: 'cow,cat'})).toMatchInlineSnapshot(`
    "✗ --seeds 1,1: "seeds" has 1 twice
       Remove one of the two.
    ✗ --inliers cow,cat: dataset "pets" has no class "cow"
       Its classes: cat, dog, hamster.

    2 problems; nothing was run.
    "
  `);
});

test('a suite runs its specs in order; paths are relative to it, and its table is the default', async () => {
  const files = {
    'suites/table-1.yaml': `description: Two.\nsuite: [../a.yaml, b.yaml, ../a.yaml]\ncompare: {table: iclr-table-7}\n`,
    'a.yaml': least,
    'suites/b.yaml': `name: second\ncompare: {table: iclr-table-5}\n${least}`,
  };
  const {plan: read, warnings} = await plan(files, {}, 'suites/table-1.yaml');
  expect(read.tasks.map(({id, compare}) => [id, compare.table])).toMatchInlineSnapshot(`
    [
      [
        "a/cat/untrained/seed=0",
        "iclr-table-7",
      ],
      [
        "second/cat/untrained/seed=0",
        "iclr-table-5",
      ],
    ]
  `);
  expect([read.name, read.description, read.source]).toEqual(['table-1', 'Two.', files['suites/table-1.yaml']]);
  expect(warnings).toHaveLength(1);
});

test('problems of a suite name the inner file', async () => {
  const files = {
    's.yaml': 'suite: [a.yaml, b.yaml, inner/c.yaml, d.ymal, inner]\n',
    'a.yaml': `${least}lerner: 3\n`,
    'b.yaml': 'name: "b\n',
    'inner/c.yaml': `name: a\n${least.replace('kde', 'dke')}`,
    'd.yaml': least,
  };
  expect(await screen(files, {}, 's.yaml')).toMatchInlineSnapshot(`
    "✗ b.yaml:1:7  the quote " that opens here is never closed
        1 │ name: "b
          │       ~
       Add a closing ".
    ✗ s.yaml:1:39  there is no file d.ymal
        1 │ suite: [a.yaml, b.yaml, inner/c.yaml, d.ymal, inner]
          │                                       ~~~~~~
       Did you mean d.yaml?
    ✗ s.yaml:1:47  expected a pipeline file, but inner is a folder
        1 │ suite: [a.yaml, b.yaml, inner/c.yaml, d.ymal, inner]
          │                                               ~~~~~
       It contains inner/c.yaml.
    ✗ a.yaml:4:1  a pipeline has no key "lerner"
        4 │ lerner: 3
          │ ~~~~~~
       Did you mean "learner"?
    ✗ inner/c.yaml:1:7  a.yaml has the name "a" as well; the specs of a suite need different names
        1 │ name: a
          │       ~
    ✗ inner/c.yaml:4:15  there is no classifier "dke"
        4 │ classifiers: [dke]
          │               ~~~
       Did you mean "kde"?

    6 problems; nothing was run.
    "
  `);
  expect(await screen({'s.yaml': 'suite: a.yaml\nsweep: 3\n'}, {}, 's.yaml')).toMatchInlineSnapshot(`
    "✗ s.yaml:1:8  expected "suite" to be a list of at least one pipeline file, but got "a.yaml"
        1 │ suite: a.yaml
          │        ~~~~~~
    ✗ s.yaml:2:1  a suite has no key "sweep"
        2 │ sweep: 3
          │ ~~~~~
       Known keys: name, description, suite, compare.

    2 problems; nothing was run.
    "
  `);
});

test('suites that contain themselves and specs with equal names are errors', async () => {
  const files = {'a.yaml': 'suite: [b.yaml]\n', 'b.yaml': 'suite: [c.yaml, a.yaml]\n', 'c.yaml': least};
  expect(await screen(files)).toMatchInlineSnapshot(`
    "✗ b.yaml:1:17  this suite contains itself: a.yaml → b.yaml → a.yaml
        1 │ suite: [c.yaml, a.yaml]
          │                 ~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(
    await screen({'a.yaml': 'suite: [x.yaml, y.yaml]\n', 'x.yaml': least, 'y.yaml': `name: x\n${least}`}),
  ).toMatchInlineSnapshot(`
    "✗ y.yaml:1:7  x.yaml has the name "x" as well; the specs of a suite need different names
        1 │ name: x
          │       ~

    1 problem; nothing was run.
    "
  `);
});

const classifierModule = `export const plugins = [{
  kind: 'classifier', name: 'mine', version: 1, summary: 'Mine.', row: () => 'mine',
  options: {type: 'object', properties: {k: {type: 'integer', minimum: 1, default: 5}}, additionalProperties: false},
  create: () => ({fit() {}, restore() {}}),
}];
`;

test('a spec can have its own plug-ins', async () => {
  const text = `plugins: ./mine.mjs\n${least.replace('[kde]', '[kde, mine]')}`;
  const {plan: read, plugins} = await plan({'a.yaml': text, 'mine.mjs': classifierModule});
  expect(read.tasks[0]!.classifiers).toEqual([{type: 'kde'}, {type: 'mine', k: 5}]);
  expect(read.pluginUrls).toEqual([expect.stringMatching(/^file:.*mine\.mjs$/)]);
  expect(plugins.modules.map(({url}) => url)).toEqual(read.pluginUrls);
  expect(plugins.names('classifier')).toContain('mine');
});

test('modules that cannot be used are reported', async () => {
  const files = {
    'a.yaml': `plugins:\n${['none', 'throws', 'list', 'kind', 'twice', 'old', 'lacks', 'rowless', 'hidden'].map((name) => `  - ./${name}.mjs\n`).join('')}${least}`,
    'throws.mjs': 'throw new Error("not today");\n',
    'list.mjs': 'export const plugin = [];\n',
    'kind.mjs': 'export const plugins = [{name: "x", kind: "clasifier"}];\n',
    'twice.mjs': classifierModule.replace("'mine'", "'kde'"),
    'old.mjs': 'import {Type} from "pipeline";\n',
    'lacks.mjs': 'import {nothing} from "no-such-package";\n',
    'rowless.mjs': classifierModule.replace("'mine'", "'other'").replace("row: () => 'mine',", ''),
    'hidden.mjs': classifierModule.replace("'classifier'", "'dataset'").replace('k:', 'limit:'),
  };
  expect(await screen(files)).toMatchInlineSnapshot(`
    "✗ a.yaml:2:5  there is no file none.mjs
        2 │   - ./none.mjs
          │     ~~~~~~~~~~
       Paths are relative to the file that names them.
    ✗ a.yaml:3:5  ./throws.mjs cannot be loaded: not today
        3 │   - ./throws.mjs
          │     ~~~~~~~~~~~~
    ✗ a.yaml:4:5  ./list.mjs does not export a list called "plugins"
        4 │   - ./list.mjs
          │     ~~~~~~~~~~
       Such as: import {defineClassifier} from 'one-class-pipeline'; export const plugins = [defineClassifier({name: 'mine', version: 1, …})];
    ✗ a.yaml:5:5  ./kind.mjs exports plug-in "x" without a kind (dataset, transform, network, learner, classifier, metric)
        5 │   - ./kind.mjs
          │     ~~~~~~~~~~
       Such as: import {defineClassifier} from 'one-class-pipeline'; export const plugins = [defineClassifier({name: 'mine', version: 1, …})];
    ✗ a.yaml:6:5  ./twice.mjs cannot be loaded: two classifier plug-ins are called "kde"
        6 │   - ./twice.mjs
          │     ~~~~~~~~~~~
    ✗ a.yaml:7:5  ./old.mjs cannot be loaded: Cannot find package 'pipeline' imported from old.mjs
        7 │   - ./old.mjs
          │     ~~~~~~~~~
       This package is called one-class-pipeline: import … from 'one-class-pipeline'.
    ✗ a.yaml:8:5  ./lacks.mjs cannot be loaded: Cannot find package 'no-such-package' imported from lacks.mjs
        8 │   - ./lacks.mjs
          │     ~~~~~~~~~~~
       Install it beside the module: npm install no-such-package.
    ✗ a.yaml:9:5  ./rowless.mjs exports plug-in "other" without row (a function): see defineClassifier
        9 │   - ./rowless.mjs
          │     ~~~~~~~~~~~~~
       Such as: import {defineClassifier} from 'one-class-pipeline'; export const plugins = [defineClassifier({name: 'mine', version: 1, …})];
    ✗ a.yaml:10:5  ./hidden.mjs exports plug-in "mine" with an option called "limit", which is a key of the spec itself: call it otherwise
       10 │   - ./hidden.mjs
          │     ~~~~~~~~~~~~
       Such as: import {defineClassifier} from 'one-class-pipeline'; export const plugins = [defineClassifier({name: 'mine', version: 1, …})];

    9 problems; nothing was run.
    "
  `);
  expect(await screen(`plugins: 3\n${least}`)).toMatchInlineSnapshot(`
    "✗ a.yaml:1:10  expected "plugins" to be the path of a JavaScript module, or a list of them, but got 3
        1 │ plugins: 3
          │          ~

    1 problem; nothing was run.
    "
  `);
});

test('the same file read twice gives the same plan', async () => {
  const path = join(folder({'a.yaml': matrix}), 'a.yaml');
  const read = async () => (await readPlan(path, {builtin: fakePlugins()})) as {value: {plan: unknown}};
  expect((await read()).value.plan).toEqual((await read()).value.plan);
});

test('an ensemble over seeds', async () => {
  const {plan: read, warnings} = await plan(`${least}seeds: 2\nensemble: seeds\n`);
  expect(read.tasks.map(({seed, ensemble}) => [seed, ensemble])).toEqual([
    [0, 'seeds'],
    [1, 'seeds'],
  ]);
  expect(warnings).toEqual([]);
  expect((await plan(`${least}ensemble: standardised-seeds\n`)).warnings).toEqual([
    '"ensemble" combines seeds, but there is only one',
  ]);
  expect(await screen(`${least}ensemble: seed\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:11  expected "ensemble" to be "seeds" or "standardised-seeds", but got "seed"
        4 │ ensemble: seed
          │           ~~~~
       Did you mean "seeds"?

    1 problem; nothing was run.
    "
  `);
});

test('paths of a matrix can vary together', async () => {
  const text = `dataset: {type: pets, inliers: [cat]}
learner: {type: contrastive}
classifiers: [kde]
compare: {table: cutpaste-table-7}
matrix:
  learner.optimizer.learning_rate, compare.row: [[0.1, cutpaste-3way-lr-0.1], [0.03, cutpaste-3way-lr-0.03]]
  learner.batch: [32, 64]
`;
  const {tasks} = (await plan(text)).plan;
  expect(
    tasks.map(({id, learner, compare, point}) => [
      id,
      (learner['optimizer'] as {learning_rate: number}).learning_rate,
      compare,
      point,
    ]),
  ).toMatchInlineSnapshot(`
    [
      [
        "a/cat/contrastive/learning_rate=0.1/batch=32/seed=0",
        0.1,
        {
          "row": "cutpaste-3way-lr-0.1",
          "table": "cutpaste-table-7",
        },
        {
          "compare.row": "cutpaste-3way-lr-0.1",
          "learner.batch": 32,
          "learner.optimizer.learning_rate": 0.1,
        },
      ],
      [
        "a/cat/contrastive/learning_rate=0.1/batch=64/seed=0",
        0.1,
        {
          "row": "cutpaste-3way-lr-0.1",
          "table": "cutpaste-table-7",
        },
        {
          "compare.row": "cutpaste-3way-lr-0.1",
          "learner.batch": 64,
          "learner.optimizer.learning_rate": 0.1,
        },
      ],
      [
        "a/cat/contrastive/learning_rate=0.03/batch=32/seed=0",
        0.03,
        {
          "row": "cutpaste-3way-lr-0.03",
          "table": "cutpaste-table-7",
        },
        {
          "compare.row": "cutpaste-3way-lr-0.03",
          "learner.batch": 32,
          "learner.optimizer.learning_rate": 0.03,
        },
      ],
      [
        "a/cat/contrastive/learning_rate=0.03/batch=64/seed=0",
        0.03,
        {
          "row": "cutpaste-3way-lr-0.03",
          "table": "cutpaste-table-7",
        },
        {
          "compare.row": "cutpaste-3way-lr-0.03",
          "learner.batch": 64,
          "learner.optimizer.learning_rate": 0.03,
        },
      ],
    ]
  `);
  const same = text.replace('[0.03, cutpaste-3way-lr-0.03]', '[0.1, cutpaste-3way-lr-0.03]');
  expect(await ids(same, {set: ['learner.batch=8']})).toMatchInlineSnapshot(`
    [
      "a/cat/contrastive/learning_rate=0.1/row=cutpaste-3way-lr-0.1/seed=0",
      "a/cat/contrastive/learning_rate=0.1/row=cutpaste-3way-lr-0.03/seed=0",
    ]
  `);
  // What --set says wins; an axis of which nothing is left to vary is gone.
  expect(
    await ids(text, {
      set: ['learner.batch=8', 'learner.optimizer.learning_rate=1', 'compare.row=cutpaste-3way-lr-0.01'],
    }),
  ).toHaveLength(1);
  const bad = (axes: string) => screen(`${least}matrix:\n  ${axes}\n`);
  expect(await bad('seeds, compare.row: [[1, a], 2, [3]]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:32  expected a list of 2 values, one for each of "seeds, compare.row", but got 2
        5 │   seeds, compare.row: [[1, a], 2, [3]]
          │                                ~
       Example: [a, b].
    ✗ a.yaml:5:35  expected a list of 2 values, one for each of "seeds, compare.row", but got [3]
        5 │   seeds, compare.row: [[1, a], 2, [3]]
          │                                   ~~~
       Example: [a, b].

    2 problems; nothing was run.
    "
  `);
  expect(await bad('seeds, compare.row: [[0, a], [2, b]]')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:25  expected "seeds" to be an integer from 1 to 1000 or a list of different seeds, but got 0
        5 │   seeds, compare.row: [[0, a], [2, b]]
          │                         ~

    1 problem; nothing was run.
    "
  `);
  expect(await bad('{"seeds, compare.row": [[1, a]], seeds: [2]}')).toMatchInlineSnapshot(`
    "✗ a.yaml:5:4  "seeds" varies twice
        5 │   {"seeds, compare.row": [[1, a]], seeds: [2]}
          │    ~~~~~~~~~~~~~~~~~~~~
    ✗ a.yaml:5:36  "seeds" varies twice
        5 │   {"seeds, compare.row": [[1, a]], seeds: [2]}
          │                                    ~~~~~

    2 problems; nothing was run.
    "
  `);
});
