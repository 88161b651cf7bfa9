import {expect, test} from 'vitest';
import {least, plan, screen} from './folder.ts';

/** `least` with a learner of several options. */
const contrastive = (options: string) => `dataset: {type: pets, inliers: [cat]}
classifiers: [kde]
learner:
  type: contrastive
${options.replaceAll(/^/gm, '  ')}
`;

test('a key that is misspelt is one problem, not also a missing one', async () => {
  expect(await screen(least.replace('learner:', 'lerner:'))).toMatch(
    /no key "lerner"[^✗]*Did you mean "learner"\?\s+1 problem/,
  );
});

test('tables and rows that the papers do not have are named, with the known ones', async () => {
  const shown = await screen(`${least}compare: {table: iclr-table-6, row: rotatoin}\n`);
  expect(shown).toContain('the papers have no table "iclr-table-6"');
  expect(shown).toContain('Did you mean "iclr-table-');
  const named = (row: string) => screen(`${least}compare: {table: iclr-table-7, row: ${row}}\n`);
  expect(await named('rotatoin')).toMatch(/table "iclr-table-7" has no row "rotatoin"[^✗]*Did you mean "rotation"/);
  expect(await named('nosuch')).toMatch(
    /table "iclr-table-7" has no row "nosuch"[^✗]*Known: untrained, [^.]*, rotation, /,
  );
  const {warnings} = await plan(`${least}compare: {row: rotatoin}\n`);
  expect(warnings.join()).toMatch(/the papers have no row "rotatoin" \(.*a.yaml:4:\d+\): .*Did you mean "rotation"/);
  expect((await plan(`${least}compare: {table: iclr-table-7, row: rotation}\n`)).plan.tasks[0]?.compare).toEqual({
    table: 'iclr-table-7',
    row: 'rotation',
  });
});

test('unknown classes are reported beside wrong options of the dataset', async () => {
  const shown = await screen(least.replace(/^dataset:.*$/m, 'dataset: {type: pets, colour: red, inliers: [unicorn]}'));
  expect(shown).toContain('has no option "colour"');
  expect(shown).toContain('dataset "pets" has no class "unicorn"');
});

test('an integer too large to be held exactly is refused, wherever it comes from', async () => {
  expect(await screen(contrastive('epochs: 1e300'))).toContain(
    'expected "epochs" to be an integer of at most 9007199254740991, but got 1e+300',
  );
});

test('unknown keys and options', async () => {
  expect(await screen(`${least}lerner: x\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:1  a pipeline has no key "lerner"
        4 │ lerner: x
          │ ~~~~~~
       Did you mean "learner"?

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}wandb: x\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:1  a pipeline has no key "wandb"
        4 │ wandb: x
          │ ~~~~~
       Known keys: name, description, dataset, learner, augment, distribution_augmentation, map_copies, localize, refine, classifiers, metrics, seeds, ensemble, precision, compare, plugins, matrix, search.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('temprature: 0.3'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:3  learner "contrastive" has no option "temprature"
        5 │   temprature: 0.3
          │   ~~~~~~~~~~
       Did you mean "temperature"? (a number above 0, default 0.2)

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('optimizer: {lr: 1}'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:15  "optimizer" of learner "contrastive" has no option "lr"
        5 │   optimizer: {lr: 1}
          │               ~~
       Known options: learning_rate, schedule.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('network: {type: headless, head: [3]}'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:29  network "headless" has no option "head"
        5 │   network: {type: headless, head: [3]}
          │                             ~~~~
       Known options: width.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('inliers', 'limits: {}, inliers'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:23  dataset "pets" has no option "limits"
        1 │ dataset: {type: pets, limits: {}, inliers: [cat]}
          │                       ~~~~~~
       Did you mean "limit"? (a mapping, default {})

    1 problem; nothing was run.
    "
  `);
});

test('wrong type', async () => {
  expect(await screen(contrastive('epochs: "10"'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:11  expected "epochs" to be an integer of at least 1, but got "10"
        5 │   epochs: "10"
          │           ~~~~
       Write 10 without quotes.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('epochs: ten'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:11  expected "epochs" to be an integer of at least 1, but got "ten"
        5 │   epochs: ten
          │           ~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('epochs:'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:3  expected "epochs" to be an integer of at least 1, but got nothing
        5 │   epochs:
          │   ~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('optimizer: sgd'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:14  expected "optimizer" to be a mapping, but got "sgd"
        5 │   optimizer: sgd
          │              ~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('network: {type: tiny, head: [12, x]}'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:36  expected "head[1]" to be an integer of at least 1, but got "x"
        5 │   network: {type: tiny, head: [12, x]}
          │                                    ~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('network: [tiny]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:12  expected a network, but got ["tiny"]
        5 │   network: [tiny]
          │            ~~~~~~
       Write its name, or {type: tiny, …}.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}metrics: auc\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:10  expected "metrics" to be a list of at least one metric, but got "auc"
        4 │ metrics: auc
          │          ~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}augment: {crop: {}}\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:10  expected "augment" to be a list of transforms, but got a mapping
        4 │ augment: {crop: {}}
          │          ~~~~~~~~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}name: my/experiment\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:7  expected "name" to be a name of at most 100 letters, digits, spaces, ".", "_" and "-", but got "my/experiment"
        4 │ name: my/experiment
          │       ~~~~~~~~~~~~~

    1 problem; nothing was run.
    "
  `);
});

test('out of range', async () => {
  expect(await screen(contrastive('epochs: 0'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:11  expected "epochs" to be an integer of at least 1, but got 0
        5 │   epochs: 0
          │           ~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('batch: 1.5'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:10  expected "batch" to be an integer from 2 to 4096, but got 1.5
        5 │   batch: 1.5
          │          ~~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('temperature: 0'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:16  expected "temperature" to be a number above 0, but got 0
        5 │   temperature: 0
          │                ~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(contrastive('loss: nse'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:9  expected "loss" to be "nce" or "triplet", but got "nse"
        5 │   loss: nse
          │         ~~~
       Did you mean "nce"?

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}augment: [{crop: {min_side: 2}}, {hflip: 3}]\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:29  expected "min_side" to be a number above 0 and at most 1, but got 2
        4 │ augment: [{crop: {min_side: 2}}, {hflip: 3}]
          │                             ~
    ✗ a.yaml:4:42  expected the options of transform "hflip" to be a mapping, but got 3
        4 │ augment: [{crop: {min_side: 2}}, {hflip: 3}]
          │                                          ~
       Write hflip: {…}.

    2 problems; nothing was run.
    "
  `);
});

test('unknown plug-ins', async () => {
  expect(await screen(least.replace('untrained', 'untraned'))).toMatchInlineSnapshot(`
    "✗ a.yaml:2:10  there is no learner "untraned"
        2 │ learner: untraned
          │          ~~~~~~~~
       Did you mean "untrained"?

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('[kde]', '[{type: forest}, gde]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:3:22  there is no classifier "forest"
        3 │ classifiers: [{type: forest}, gde]
          │                      ~~~~~~
       Known classifiers: kde, svm, softmax.
    ✗ a.yaml:3:31  there is no classifier "gde"
        3 │ classifiers: [{type: forest}, gde]
          │                               ~~~
       Did you mean "kde"?

    2 problems; nothing was run.
    "
  `);
  expect(await screen(contrastive('network: {type: resnet, width: 2}'))).toMatchInlineSnapshot(`
    "✗ a.yaml:5:19  there is no network "resnet"
        5 │   network: {type: resnet, width: 2}
          │                   ~~~~~~
       Known networks: tiny, headless.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('type: pets, ', ''))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:1  expected this dataset to have a "type"
        1 │ dataset: {inliers: [cat]}
          │ ~~~~~~~
       Add "type"; known datasets: pets.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('[kde]', '[{type: 3}]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:3:22  expected "type" to be the name of a classifier, but got 3
        3 │ classifiers: [{type: 3}]
          │                      ~
       Write its name, or {type: kde, …}.

    1 problem; nothing was run.
    "
  `);
});

test('seeds', async () => {
  expect(await screen(`${least}seeds: 0\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:8  expected "seeds" to be an integer from 1 to 1000 or a list of different seeds, but got 0
        4 │ seeds: 0
          │        ~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}seeds: [1, 2, 1]\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:15  "seeds" has 1 twice
        4 │ seeds: [1, 2, 1]
          │               ~
       Remove one of the two.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}seeds: [0, -1]\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:12  expected "seeds[1]" to be an integer from 0 to 4294967295, but got -1
        4 │ seeds: [0, -1]
          │            ~~

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}seeds: []\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:8  expected "seeds" to be an integer from 1 to 1000 or a list of different seeds, but got an empty list
        4 │ seeds: []
          │        ~~

    1 problem; nothing was run.
    "
  `);
});

test('normal classes: unknown names, wrong types', async () => {
  expect(await screen(least.replace('[cat]', '[cat, dgo]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:38  dataset "pets" has no class "dgo"
        1 │ dataset: {type: pets, inliers: [cat, dgo]}
          │                                      ~~~
       Did you mean "dog"?

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('[cat]', '[ship]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:33  dataset "pets" has no class "ship"
        1 │ dataset: {type: pets, inliers: [ship]}
          │                                 ~~~~
       Its classes: cat, dog, hamster.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('[cat]', '[cat, cat]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:1:38  "inliers" has "cat" twice
        1 │ dataset: {type: pets, inliers: [cat, cat]}
          │                                      ~~~
       Remove one of the two.

    1 problem; nothing was run.
    "
  `);
});

test('parts that do not fit each other', async () => {
  expect(await screen(least.replace('[kde]', '[softmax]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:3:15  classifier "softmax" reads the layer "head", which learner "untrained" does not have
        3 │ classifiers: [softmax]
          │               ~~~~~~~
       Layers of "untrained": pool.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('[kde]', '[{type: kde, layer: heat}]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:3:34  classifier "kde" reads the layer "heat", which learner "untrained" does not have
        3 │ classifiers: [{type: kde, layer: heat}]
          │                                  ~~~~
       Layers of "untrained": pool.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(`${least}distribution_augmentation: [hflip]\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:1  learner "untrained" does not take distribution augmentation
        4 │ distribution_augmentation: [hflip]
          │ ~~~~~~~~~~~~~~~~~~~~~~~~~
       Learners that do: contrastive.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(least.replace('[kde]', '[svm, {type: svm, nu: 0.5}]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:3:20  "classifiers" has "svm" twice with the same options
        3 │ classifiers: [svm, {type: svm, nu: 0.5}]
          │                    ~~~~~~~~~~~~~~~~~~~~
       Remove one of the two.

    1 problem; nothing was run.
    "
  `);
});

test('copies of distribution augmentation: a transform or a list of them, no two the same', async () => {
  const spec = (copies: string) => `dataset: pets
learner: contrastive
classifiers: [kde]
distribution_augmentation: ${copies}
`;
  expect(await screen(spec('[[], [hflip, [crop]], hflop, [crop: {min_side: 0.9, max: 1}]]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:4:29  expected a transform, or a list of transforms to apply one after the other, but got an empty list
        4 │ distribution_augmentation: [[], [hflip, [crop]], hflop, [crop: {min_side: 0.9, max: 1}]]
          │                             ~~
       Remove it: the originals are always used.
    ✗ a.yaml:4:41  expected a transform, but got ["crop"]
        4 │ distribution_augmentation: [[], [hflip, [crop]], hflop, [crop: {min_side: 0.9, max: 1}]]
          │                                         ~~~~~~
       Write its name, or {type: crop, …}.
    ✗ a.yaml:4:50  there is no transform "hflop"
        4 │ distribution_augmentation: [[], [hflip, [crop]], hflop, [crop: {min_side: 0.9, max: 1}]]
          │                                                  ~~~~~
       Did you mean "hflip"?
    ✗ a.yaml:4:80  transform "crop" has no option "max"
        4 │ distribution_augmentation: [[], [hflip, [crop]], hflop, [crop: {min_side: 0.9, max: 1}]]
          │                                                                                ~~~
       Known options: min_side.

    4 problems; nothing was run.
    "
  `);
  expect(await screen(spec('[hflip, [crop, hflip], [hflip]]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:4:51  "distribution_augmentation" has "hflip" twice
        4 │ distribution_augmentation: [hflip, [crop, hflip], [hflip]]
          │                                                   ~~~~~~~
       Remove one of the two; otherwise training teaches that equal images differ.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec('[[crop, hflip], [crop, hflip]]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:4:44  "distribution_augmentation" has ["crop", "hflip"] twice
        4 │ distribution_augmentation: [[crop, hflip], [crop, hflip]]
          │                                            ~~~~~~~~~~~~~
       Remove one of the two; otherwise training teaches that equal images differ.

    1 problem; nothing was run.
    "
  `);
  expect(await screen(spec('rotate90'))).toMatchInlineSnapshot(`
    "✗ a.yaml:4:28  expected "distribution_augmentation" to be a list of transforms, or of lists of transforms, but got "rotate90"
        4 │ distribution_augmentation: rotate90
          │                            ~~~~~~~~

    1 problem; nothing was run.
    "
  `);
});

test('missing parts are reported', async () => {
  expect(await screen('name: a\n')).toMatchInlineSnapshot(`
    "✗ a.yaml  a pipeline needs "dataset"
       Where the images come from and which classes are normal.
    ✗ a.yaml  a pipeline needs "learner"
       How the features are learnt from the normal class.
    ✗ a.yaml  a pipeline needs "classifiers": a list of at least one classifier
       One-class classifiers; each is fitted on the learnt features.

    3 problems; nothing was run.
    "
  `);
  expect(await screen(least.replace('[kde]', '[]'))).toMatchInlineSnapshot(`
    "✗ a.yaml:3:14  expected "classifiers" to be a list of at least one classifier, but got an empty list
        3 │ classifiers: []
          │              ~~

    1 problem; nothing was run.
    "
  `);
});

test('all problems are reported together, from top to bottom', async () => {
  const text = `name: bad
dataset: {type: pets, inliers: [cat, dgo], limit: {trian: 5}}
learner: {type: contrastive, epochs: 0, temprature: 0.2}
classifiers: [kdee]
metrics: [auc, recall]
sedes: 3
`;
  expect(await screen(text)).toMatchInlineSnapshot(`
    "✗ a.yaml:2:38  dataset "pets" has no class "dgo"
        2 │ dataset: {type: pets, inliers: [cat, dgo], limit: {trian: 5}}
          │                                      ~~~
       Did you mean "dog"?
    ✗ a.yaml:2:52  "limit" of the dataset has no key "trian"
        2 │ dataset: {type: pets, inliers: [cat, dgo], limit: {trian: 5}}
          │                                                    ~~~~~
       Did you mean "train"? (an integer of at least 1)
    ✗ a.yaml:3:38  expected "epochs" to be an integer of at least 1, but got 0
        3 │ learner: {type: contrastive, epochs: 0, temprature: 0.2}
          │                                      ~
    ✗ a.yaml:3:41  learner "contrastive" has no option "temprature"
        3 │ learner: {type: contrastive, epochs: 0, temprature: 0.2}
          │                                         ~~~~~~~~~~
       Did you mean "temperature"? (a number above 0, default 0.2)
    ✗ a.yaml:4:15  there is no classifier "kdee"
        4 │ classifiers: [kdee]
          │               ~~~~
       Did you mean "kde"?
    ✗ a.yaml:5:16  there is no metric "recall"
        5 │ metrics: [auc, recall]
          │                ~~~~~~
       Known metrics: auc, average-precision.
    ✗ a.yaml:6:1  a pipeline has no key "sedes"
        6 │ sedes: 3
          │ ~~~~~
       Did you mean "seeds"? (an integer from 1 to 1000 or a list of different seeds, default 1)

    7 problems; nothing was run.
    "
  `);
});

test('a minimal spec gets defaults, nested fall-backs and names of classes', async () => {
  const {plan: read, warnings} = await plan(least);
  expect(warnings).toEqual([]);
  expect(read).toMatchInlineSnapshot(`
    {
      "name": "a",
      "pluginUrls": [],
      "source": "dataset: {type: pets, inliers: [cat]}
    learner: untrained
    classifiers: [kde]
    ",
      "tasks": [
        {
          "augment": [],
          "classifiers": [
            {
              "type": "kde",
            },
          ],
          "compare": {
            "row": "untrained",
          },
          "dataset": {
            "size": 32,
            "type": "pets",
          },
          "distributionAugmentation": [],
          "id": "a/cat/untrained/seed=0",
          "inlier": "cat",
          "learner": {
            "network": {
              "head": [
                128,
              ],
              "type": "tiny",
              "width": 0.5,
            },
            "type": "untrained",
          },
          "limit": {},
          "metrics": [
            {
              "type": "auc",
            },
          ],
          "point": {},
          "problems": 3,
          "seed": 0,
          "spec": "a",
        },
      ],
    }
  `);
});

test('a nested plug-in takes missing options from the fall-back if it knows them', async () => {
  const network = async (options: string) => (await plan(contrastive(options))).plan.tasks[0]!.learner['network'];
  expect(await network('epochs: 1')).toEqual({type: 'tiny', width: 0.5, head: [128]});
  expect(await network('network: tiny')).toEqual({type: 'tiny', width: 0.5, head: [128]});
  expect(await network('network: {head: []}')).toEqual({type: 'tiny', width: 0.5, head: []});
  expect(await network('network: headless')).toEqual({type: 'headless', width: 0.5});
  expect(await network('network: {type: headless, width: 4}')).toEqual({type: 'headless', width: 4});
});

test('transforms can be written in three ways; without any, the learner’s own are used', async () => {
  const augment = async (text: string) => (await plan(`${contrastive('epochs: 1')}${text}`)).plan.tasks[0]!.augment;
  const crop = {type: 'crop', min_side: 0.5};
  expect(await augment('augment: [crop, crop: {}, {type: crop}, crop: ]')).toEqual([crop, crop, crop, crop]);
  expect(await augment('')).toEqual([
    {type: 'crop', min_side: 0.4},
    {type: 'hflip', p: 0.5},
  ]);
  expect(await augment('augment: []')).toEqual([]);
});

test('the paper’s row comes from the learner’s options, or from the spec', async () => {
  const compare = async (text: string) => (await plan(text)).plan.tasks[0]!.compare;
  expect(await compare(contrastive('loss: triplet'))).toEqual({row: 'contrastive_triplet'});
  const text = `${contrastive('loss: triplet')}compare: {table: iclr-table-7, row: rotation}`;
  expect(await compare(text)).toEqual({table: 'iclr-table-7', row: 'rotation'});
  expect(await compare(`${contrastive('loss: triplet')}compare: {row: x}`)).toEqual({row: 'x'});
});

test('anchors and merges', async () => {
  const text = `dataset: {type: pets, inliers: [cat]}
learner: {type: contrastive, network: &net {type: tiny, width: 2}, optimizer: {learning_rate: 3e-4}}
classifiers: [{type: svm, <<: &nu {nu: 0.1}}, {<<: *nu, type: svm, kernel: linear}]
`;
  const [task] = (await plan(text)).plan.tasks;
  expect(task!.classifiers).toEqual([
    {type: 'svm', nu: 0.1, kernel: 'rbf'},
    {type: 'svm', nu: 0.1, kernel: 'linear'},
  ]);
  expect(task!.learner['optimizer']).toEqual({learning_rate: 0.0003, schedule: 'cosine'});
});

test('a metric that is listed twice with different options is an error', async () => {
  expect(await screen(`${least}metrics: [auc, {type: auc}]\n`)).toMatchInlineSnapshot(`
    "✗ a.yaml:4:16  "metrics" has "auc" twice
        4 │ metrics: [auc, {type: auc}]
          │                ~~~~~~~~~~~
       Tables only show the type of a metric. Remove one of the two, or use another spec for it.

    1 problem; nothing was run.
    "
  `);
});
