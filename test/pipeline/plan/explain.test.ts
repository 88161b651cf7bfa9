import {expect, test} from 'vitest';
import {type Digest, type Json, sha256} from '../../../src/core/base/canonical.ts';
import {differencesOf, explainMiss} from '../../../src/pipeline/plan/explain.ts';
import {fingerprintOf, keyOf, type StageKey} from '../../../src/pipeline/plan/fingerprint.ts';
import type {Manifest} from '../../../src/pipeline/stages/stage.ts';

const key: StageKey = {
  format: 1,
  kind: 'learn',
  recipe: {
    learner: {type: 'rotation', epochs: 50, network: {type: 'resnet18', width: 1}, optimizer: {rate: 0.1}},
    versions: {'learner rotation': 1, 'network resnet18': 1, 'transform crop': 1},
    augment: [{type: 'crop', min_side: 0.5}, {type: 'hflip'}],
    seed: 0,
    normal: 'bag',
  },
  inputs: {images: sha256('images')},
  sources: {},
};

const change = (recipe: {[key: string]: Json}, rest: Partial<StageKey> = {}): StageKey => ({
  ...key,
  ...rest,
  recipe: {...key.recipe, ...recipe},
});

const manifest = (of: StageKey, label = 'learn', finished = '2026-01-01'): Manifest => ({
  format: 1,
  kind: of.kind,
  label,
  fingerprint: fingerprintOf(of),
  key: of as unknown as Json,
  files: {},
  summary: null,
  provenance: {finished},
  self: '' as Digest,
});

test.for<readonly [StageKey, readonly string[]]>([
  [change({learner: {...(key.recipe['learner'] as object), epochs: 100}}), ['learner.epochs 50 → 100']],
  [change({seed: 1}), ['seed 0 → 1']],
  [change({normal: 'coat'}), ['normal bag → coat']],
  [
    change({learner: {type: 'rotation', epochs: 50, network: {type: 'small'}, optimizer: {rate: 0.1}}}),
    ['learner.network resnet18 → small'],
  ],
  [
    change({
      learner: {
        type: 'rotation',
        epochs: 50,
        network: {type: 'resnet18', width: 2},
        optimizer: {rate: 0.1, nesterov: true},
      },
    }),
    ['learner.network.width 1 → 2', 'learner.optimizer.nesterov none → true'],
  ],
  [change({augment: [{type: 'crop', min_side: 0.3}, {type: 'hflip'}]}), ['augment.crop.min_side 0.5 → 0.3']],
  [change({augment: [{type: 'crop', min_side: 0.5}]}), ['augment crop, hflip → crop']],
  [change({augment: []}), ['augment crop, hflip → none']],
  [
    change({versions: {'learner rotation': 2, 'network resnet18': 1, 'network small': 1}}),
    ['learner rotation version 1 → 2'],
  ],
  [change({}, {inputs: {images: sha256('others')}}), ['input images changed']],
  [change({}, {format: 2}), ['cache format 1 → 2']],
  [change({}, {kernels: 1}), ["version of the engines' kernels none → 1"]],
  [change({}, {code: {'mine.js': sha256('code')}}), ['plug-in code mine.js is new']],
])('tells %#', ([after, differences]) => {
  expect(differencesOf(key, after)).toEqual(differences);
  expect(explainMiss(after, 'learn', [manifest(key)])).toEqual(differences);
});

test('the key of a stage with tensors has the version of the kernels, so results of unchecked kernels are not used', async () => {
  const node = {id: 'a', kind: 'learn', label: 'a', recipe: {}, inputs: {}, sources: [], tasks: []} as const;
  const keyIn = (lane: 'cpu' | 'accelerator') =>
    keyOf(
      {...node, lane},
      () => expect.unreachable(),
      () => expect.unreachable(),
    );
  const computed = await keyIn('accelerator');
  expect(computed.kernels).toBe(1);
  const {kernels: _, ...unchecked} = computed;
  expect(await keyIn('cpu')).toEqual(unchecked);
  expect(fingerprintOf(unchecked)).not.toBe(fingerprintOf(computed));
});

test('added, removed and changed files of a dataset are reported', () => {
  const before = {...key, sources: {a: sha256('1'), b: sha256('1')}};
  const after = {...key, sources: {b: sha256('2'), c: sha256('1')}};
  expect(differencesOf(before, after)).toEqual(['file a is gone', 'file b changed', 'file c is new']);
});

test('a long list of differences is shortened', () => {
  const files = (count: number, content: string) =>
    Object.fromEntries(Array.from({length: count}, (_, i) => [`image-${i}.png`, sha256(content)]));
  const before = {...key, sources: files(9, 'old')};
  const reasons = explainMiss({...key, sources: files(9, 'new')}, 'learn', [manifest(before)]);
  expect(reasons).toMatchInlineSnapshot(`
    [
      "file image-0.png changed",
      "file image-1.png changed",
      "file image-2.png changed",
      "file image-3.png changed",
      "file image-4.png changed",
      "and 4 more",
    ]
  `);
});

test('a stage is compared with the most similar one: fewest differences, then equal label, then the latest', () => {
  const epochs = (count: number, seed: number): StageKey =>
    change({learner: {...(key.recipe['learner'] as object), epochs: count}, seed});
  expect(explainMiss(epochs(100, 1), 'learn', [manifest(epochs(50, 0)), manifest(epochs(100, 0))])).toEqual([
    'seed 0 → 1',
  ]);
  expect(explainMiss(epochs(100, 1), 'mine', [manifest(epochs(100, 0)), manifest(epochs(50, 1), 'mine')])).toEqual([
    'learner.epochs 50 → 100',
  ]);
  const dated = [manifest(epochs(20, 0), 'x', '2026-02-02'), manifest(epochs(30, 0), 'x', '2026-03-03')];
  expect(explainMiss(epochs(100, 0), 'mine', dated)).toEqual(['learner.epochs 30 → 100']);
});

test('stages of another kind, or of another plug-in, explain nothing', () => {
  const contrastive = change({learner: {type: 'contrastive'}});
  expect(explainMiss(key, 'learn', [manifest(contrastive), manifest({...key, kind: 'embed'})])).toEqual(['never run']);
  expect(explainMiss(key, 'learn', [])).toEqual(['never run']);
  expect(explainMiss(key, 'learn', [manifest(key)])).toEqual(['its cached result was removed or is damaged']);
});
