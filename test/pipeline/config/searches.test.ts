import {join} from 'node:path';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {folder, plan, screen} from './folder.ts';

const spec = `dataset: {type: pets, inliers: [cat]}
learner: {type: contrastive}
classifiers: [kde, svm]
metrics: [auc]
search:
  space:
    learner.batch: [32, 64]
    classifiers.1.nu: {uniform: [0.1, 0.5]}
  trials: 4
  objective: {classifier: svm-rbf, on: test}
`;

test('a search is read with its defaults, and the plan has the tasks of one configuration', async () => {
  const {plan: found, search} = await plan(spec);
  expect(found.tasks.map(({id}) => id)).toEqual(['a/cat/contrastive/batch=64/nu=0.3/seed=0']);
  expect(search!.options).toMatchObject({
    method: 'tpe',
    trials: 4,
    settings: 16,
    parallel: 4,
    seed: 0,
    budget: {},
    objective: {metric: 'auc', classifier: 'svm-rbf', on: 'test', better: 'higher'},
  });
});

test('the tasks of a trial have its values, its number and its seeds', async () => {
  const {search} = await plan(`${spec}seeds: 2\n`);
  const made = search!.tasksOf(
    {'learner.batch': 32, 'classifiers.1.nu': 0.25},
    {trial: {number: 3, setting: 1}, until: 8},
  );
  if (!made.ok) throw new Error('not made');
  expect(made.value.map(({id}) => id)).toEqual([
    'a/cat/contrastive/trial=3.1/until=8/seed=0',
    'a/cat/contrastive/trial=3.1/until=8/seed=1',
  ]);
  expect(made.value[0]).toMatchObject({
    learner: {batch: 32},
    classifiers: [{type: 'kde'}, {type: 'svm', nu: 0.25}],
    point: {'learner.batch': 32, 'classifiers.1.nu': 0.25},
    trial: {number: 3, setting: 1},
    until: 8,
  });
});

test('a value of the space that an option does not allow is found before anything runs, at its place', async () => {
  expect(await screen(spec.replace('[32, 64]', '{integer: [1, 64]}').replace('0.5]', '1.5]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:7:31  expected "batch" to be an integer from 2 to 4096, but got 1
        7 │     learner.batch: {integer: [1, 64]}
          │                               ~
    ✗ a.yaml:8:39  expected "nu" to be a number above 0 and at most 1, but got 1.5
        8 │     classifiers.1.nu: {uniform: [0.1, 1.5]}
          │                                       ~~~

    2 problems; nothing was run.
    "
  `);
  expect(await screen(spec.replace('[32, 64]', '[32, many]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:7:25  expected "batch" to be an integer from 2 to 4096, but got "many"
        7 │     learner.batch: [32, many]
          │                         ~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec.replace('learner.batch', 'learner.batches'))).toMatchInlineSnapshot(`
    "✗ a.yaml:7:5  learner "contrastive" has no option "batches"
        7 │     learner.batches: [32, 64]
          │     ~~~~~~~~~~~~~~~
       Did you mean "batch"? (an integer from 2 to 4096, default 32)

    1 problem; nothing was run.
    "
  `);
});

test('what a search needs and lacks is named', async () => {
  expect(await screen(spec.replace('  trials: 4\n', ''))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:1  the search has no end: it has neither "trials" nor "budget"
        5 │ search:
          │ ~~~~~~
       Example: trials: 60.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec.replace(', on: test', ''))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:1  the search chooses by validation images, but the dataset has none
        5 │ search:
          │ ~~~~~~
       Add dataset.validation (held-out or synthetic), or write objective: {on: test}, which chooses by the test labels.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec.replace('svm-rbf', 'svm'))).toMatchInlineSnapshot(`
    "✗ a.yaml:10:27  the spec has no classifier "svm"
       10 │   objective: {classifier: svm, on: test}
          │                           ~~~
       Its classifiers: kde, svm-rbf.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec.replace('objective: {', 'objective: {metric: f1, '))).toMatchInlineSnapshot(`
    "✗ a.yaml:10:23  the objective is the metric "f1", which the spec does not measure
       10 │   objective: {metric: f1, classifier: svm-rbf, on: test}
          │                       ~~
       Its metrics: auc.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${spec}matrix: {learner.temperature: [0.1, 0.2]}\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:11:1  a spec has either "matrix" or "search"
       11 │ matrix: {learner.temperature: [0.1, 0.2]}
          │ ~~~~~~
       Put the values of the matrix into the space: a list of values is a choice.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec.replace('search:\n', 'search:\n  methd: tpe\n'))).toMatchInlineSnapshot(`
    "✗ a.yaml:6:3  a search has no key "methd"
        6 │   methd: tpe
          │   ~~~~~
       Did you mean "method"? ("grid", "random", "quasi-random" or "tpe", default "tpe")

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec.replace('  trials: 4\n', '  method: grid\n'))).toMatchInlineSnapshot(`
    "✗ a.yaml:8:5  "classifiers.1.nu" is continuous, and a grid needs levels
        8 │     classifiers.1.nu: {uniform: [0.1, 0.5]}
          │     ~~~~~~~~~~~~~~~~
       Add "step", list its values, or choose another method.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec.replace(/search:[\s\S]*/, 'search: 3\n'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:9  expected a search to be a mapping, but got 3
        5 │ search: 3
          │         ~

    1 problem; nothing was run.
    "
  `);
  expect(
    await screen(
      spec
        .replace('contrastive', 'untrained')
        .replace('learner.batch: [32, 64]', 'learner.network.width: [1, 2]')
        .replace('trials: 4', 'trials: 4\n  halving: {first: 2}'),
    ),
  ).toMatchInlineSnapshot(`
    "✗ a.yaml:10:3  this learner has no "epochs", so that its trainings cannot end early
       10 │   halving: {first: 2}
          │   ~~~~~~~
       Remove "halving".

    1 problem; nothing was run.
    "
  `);
});

test('trainings end early by one of two ways, and where whole images are scored', async () => {
  const {search} = await plan(`${spec}  stopping: {}\n`);
  expect(search!.options.stopping).toEqual({after: 5, images: 300});
  expect(await screen(`${spec}  halving: {first: 2}\n  stopping: {every: 2}\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:12:3  a search has either "halving" or "stopping"
       12 │   stopping: {every: 2}
          │   ~~~~~~~~
       Remove one of the two.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${spec}  stopping: {every: 0}\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:11:21  expected "stopping.every" to be an integer of at least 1, but got 0
       11 │   stopping: {every: 0}
          │                     ~

    1 problem; nothing was run.
    "
  `);
});

test('where one training serves all trials, none can end early', async () => {
  const read = await readPlan(
    join(
      folder({
        'a.yaml': `dataset: {type: synthetic, size: 16}
learner: {type: rotation, epochs: 8}
classifiers: [{type: oc-svm}]
metrics: [auc]
search: {space: {classifiers.0.nu: {uniform: [0.1, 0.9]}}, trials: 2, objective: {on: test}, halving: {first: 2}}
`,
      }),
      'a.yaml',
    ),
    {builtin: new Plugins(builtin)},
  );
  expect(read.ok ? [] : read.failures.map(({message, hint, range}) => [message, hint, range?.line])).toEqual([
    [
      'nothing of the training varies in this search: all trials share one training, which ends once',
      'Remove "halving".',
      5,
    ],
  ]);
});

test.each([
  ['halving: {first: 8}', 'the first comparison is after 8 epochs, and no training has more than 8'],
  ['stopping: {every: 9}', 'the first comparison is after 9 epochs, and no training has more than 8'],
  [
    'space: {learner.epochs: {integer: [2, 6]}}, halving: {first: 6}',
    'after 6 epochs, and no training has more than 6',
  ],
])('a first comparison after the last epoch ends nothing, and is refused: %s', async (ending, message) => {
  const search = `{space: {learner.batch: [32, 64]}, trials: 2, objective: {on: test}, ${ending}}`;
  const long = `dataset: {type: synthetic, size: 16}
learner: {type: rotation, epochs: 8}
classifiers: [kde]
metrics: [auc]
search: ${ending.startsWith('space') ? search.replace('space: {learner.batch: [32, 64]}, ', '') : search}
`;
  const read = await readPlan(join(folder({'a.yaml': long}), 'a.yaml'), {builtin: new Plugins(builtin)});
  expect(read.ok ? [] : read.failures.map((failure) => failure.message)).toEqual([expect.stringContaining(message)]);
});

test('stopping needs scores of whole images', async () => {
  const windows = `dataset: {type: synthetic, size: 32, defects: true}
learner: {type: cutpaste, patch: 16, epochs: 8}
localize: {patch: 16}
classifiers: [gde]
metrics: [auc]
search: {space: {learner.batch: [32, 64]}, trials: 2, objective: {on: test}, stopping: {}}
`;
  const read = await readPlan(join(folder({'a.yaml': windows}), 'a.yaml'), {builtin: new Plugins(builtin)});
  expect(read.ok ? [] : read.failures.map(({message, hint, range}) => [message, hint, range?.line])).toEqual([
    [
      '"stopping" compares scores of whole images, but this search is for scores of windows or pixels',
      'Use "halving".',
      6,
    ],
  ]);
});

test('a search cannot be one of several specs', async () => {
  const files = {'a.yaml': 'suite: [b.yaml, c.yaml]\n', 'b.yaml': spec, 'c.yaml': spec.replace(/search:[\s\S]*/, '')};
  expect(await screen(files)).toMatchInlineSnapshot(`
    "✗ b.yaml:5:1  a spec with a search cannot be one of several
        5 │ search:
          │ ~~~~~~
       Run it by itself.

    1 problem; nothing was run.
    "
  `);
});

test('the training cannot depend on what comes after it', async () => {
  const text = spec
    .replace('[32, 64]', '{choice: [32, 64], when: {classifiers.1.kernel: rbf}}')
    .replace('0.5]}', '0.5]}\n    classifiers.1.kernel: [rbf, linear]');
  expect(await screen(text)).toMatchInlineSnapshot(`
    "✗ a.yaml:7:45  "learner.batch" belongs to the training, which cannot depend on "classifiers.1.kernel"
        7 │     learner.batch: {choice: [32, 64], when: {classifiers.1.kernel: rbf}}
          │                                             ~~~~~~~~~~~~~~~~~~~~~~~~~~~
       Turn the condition round.

    1 problem; nothing was run.
    "
  `);
});

test('a setting at a path of the space fixes it, and the search itself can be set', async () => {
  const {search} = await plan(spec, {set: ['learner.batch=48', 'search.trials=9', 'search.objective.on=test']});
  expect(search!.options.space.parameters.map(({name}) => name)).toEqual(['classifiers.1.nu']);
  expect(search!.options.trials).toBe(9);
  const made = search!.tasksOf({'classifiers.1.nu': 0.2}, {trial: {number: 0, setting: 0}});
  expect(made.ok && made.value[0]!.learner['batch']).toBe(48);
  expect(await screen(spec, {set: ['search.trials=0']})).toMatchInlineSnapshot(`
    "✗ --set search.trials=0: expected "trials" to be an integer from 1 to 10000, but got 0

    1 problem; nothing was run.
    "
  `);
});

test('a key of the search is taken out by null', async () => {
  const halved = `${spec}  halving: {first: 1, factor: 2}\n`;
  expect((await plan(halved)).search!.options.halving).toEqual({first: 1, factor: 2});
  expect((await plan(halved, {set: ['search.halving=null']})).search!.options.halving).toBeUndefined();
});

test('without the search the spec is one configuration', async () => {
  const {search, plan: found} = await plan(spec, {set: ['search=null', 'learner.batch=48']});
  expect(search).toBeUndefined();
  expect(found.tasks.map(({id, learner}) => [id, learner['batch']])).toEqual([['a/cat/contrastive/seed=0', 48]]);
});
