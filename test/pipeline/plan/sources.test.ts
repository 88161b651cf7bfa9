import {writeFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {fail, succeed} from '../../../src/core/base/result.ts';
import type {Dataset} from '../../../src/core/contracts/dataset.ts';
import {defineDataset} from '../../../src/core/contracts/dataset.ts';
import {defineLearner} from '../../../src/core/contracts/learner.ts';
import {type AnyDefinition, Plugins} from '../../../src/core/plugin/registry.ts';
import {Type} from '../../../src/core/plugin/type.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import type {Plan, Task} from '../../../src/pipeline/config/spec.ts';
import {datasetKey, locateSources} from '../../../src/pipeline/plan/sources.ts';
import {writeImage} from '../../rig/images.ts';
import {World} from '../../rig/world.ts';

const asked: string[] = [];

const dataset = (name: string, perInlier: boolean, there: boolean) =>
  defineDataset({
    name,
    version: 1,
    summary: 'Found, or not.',
    options: Type.Object({}),
    create: (): Dataset => ({
      inliers: ['a', 'b'],
      classes: ['a', 'b'],
      shape: {height: 1, width: 1, channels: 1},
      perInlier,
      normalClass: (inlier) => inlier,
      locate: async ({folders}, inlier) => {
        asked.push(`${name} ${inlier}`);
        const path = `${folders[0]}/${name}/${perInlier ? inlier : 'all'}.bin`;
        return there
          ? succeed([{name: 'all.bin', path}])
          : fail({
              message: `no ${name}.tar.gz in ${folders.join(', ')}`,
              hint: `Fetch it: pipeline data fetch ${name}.`,
            });
      },
      read: () => {
        throw new Error('not asked here');
      },
    }),
  }) as unknown as AnyDefinition;

const learner = defineLearner({
  name: 'still',
  version: 1,
  summary: 'Names no files.',
  options: Type.Object({}),
  layers: ['pool'],
  trains: false,
  augment: [],
  row: () => 'still',
  create: () => {
    throw new Error('not asked here');
  },
}) as unknown as AnyDefinition;

const plugins = new Plugins([
  learner,
  dataset('shared', false, true),
  dataset('split', true, true),
  dataset('gone', false, false),
  dataset('lost', true, false),
]);

const plan = (tasks: readonly (readonly [dataset: string, inlier: string])[]): Plan => ({
  name: 'plan',
  source: '',
  tasks: tasks.map(([type, inlier]) => ({dataset: {type}, inlier, learner: {type: 'still'}}) as unknown as Task),
  pluginUrls: [],
});

test('every dataset is searched for once, or once for each normal class if their images differ', async () => {
  asked.length = 0;
  const tasks = ['shared', 'split'].flatMap((type) => ['a', 'b', 'a'].map((inlier) => [type, inlier] as const));
  const found = await locateSources(plan(tasks), plugins, {folders: ['/data']});
  expect(asked).toEqual(['shared a', 'split a', 'split b']);
  expect(found.ok && Object.fromEntries(found.value.datasets)).toEqual({
    [datasetKey({type: 'shared'}, undefined)]: [{name: 'all.bin', path: '/data/shared/all.bin'}],
    [datasetKey({type: 'split'}, 'a')]: [{name: 'all.bin', path: '/data/split/a.bin'}],
    [datasetKey({type: 'split'}, 'b')]: [{name: 'all.bin', path: '/data/split/b.bin'}],
  });
});

test('everything that is missing is reported together, and each thing once', async () => {
  const tasks = ['gone', 'lost'].flatMap((type) => ['a', 'b'].map((inlier) => [type, inlier] as const));
  const found = await locateSources(plan(tasks), plugins, {folders: ['/data', '/usr/share/datasets']});
  expect(found).toMatchInlineSnapshot(`
    {
      "failures": [
        {
          "hint": "Fetch it: pipeline data fetch gone.",
          "message": "dataset "gone": no gone.tar.gz in /data, /usr/share/datasets",
        },
        {
          "hint": "Fetch it: pipeline data fetch lost.",
          "message": "dataset "lost": no lost.tar.gz in /data, /usr/share/datasets",
        },
      ],
      "ok": false,
    }
  `);
});

test('available datasets run without the missing ones', async () => {
  const found = await locateSources(
    plan([
      ['gone', 'a'],
      ['shared', 'a'],
      ['lost', 'b'],
    ]),
    plugins,
    {folders: ['/data']},
  );
  if (!found.ok) throw new Error('not found');
  expect([...found.value.datasets.keys()]).toEqual([datasetKey({type: 'shared'}, undefined)]);
  expect(Object.fromEntries(found.value.absent)).toEqual({
    [datasetKey({type: 'gone'}, undefined)]: {
      message: 'no gone.tar.gz in /data',
      hint: 'Fetch it: pipeline data fetch gone.',
    },
    [datasetKey({type: 'lost'}, 'b')]: {
      message: 'no lost.tar.gz in /data',
      hint: 'Fetch it: pipeline data fetch lost.',
    },
  });
});

test('files that are too few for the parts of a refinement are refused before anything is trained', async () => {
  using world = new World();
  for (const [split, count] of [
    ['train', 7],
    ['test', 1],
  ] as const)
    for (let i = 0; i < count; i++)
      await writeImage(`${world.root}/photos/${split}/good/${i}.png`, {seed: `${i}`, height: 8, width: 8});
  const refined = async (parts: number) => {
    writeFileSync(
      `${world.root}/spec.yaml`,
      `dataset: {type: image-folder, folder: photos, normal: good, size: 8}
learner: {type: untrained, network: {type: small, width: 4}}
classifiers: [gde]
refine: {ratio: 0.1, parts: ${parts}}
`,
    );
    const read = await readPlan(`${world.root}/spec.yaml`, {builtin: new Plugins(builtin)});
    if (!read.ok) throw new Error(read.failures[0]!.message);
    return locateSources(read.value.plan, read.value.plugins, {folders: []});
  };
  expect(await refined(4)).toMatchObject({
    ok: false,
    failures: [
      {
        message: '"refine" divides 7 training images of class "good" into 4 parts, but each needs at least two',
        hint: 'Use more images ("limit.train"), or at most 3 parts.',
      },
    ],
  });
  expect(await refined(3)).toMatchObject({ok: true});
});
