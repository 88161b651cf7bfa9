/** Heat maps from a spec to the table, on drawn textures with planted defects. */
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import {readImages} from '../../../src/core/formats/arrow/images.ts';
import {readMaps} from '../../../src/core/formats/arrow/maps.ts';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {decodeImage} from '../../../src/core/images/codec.ts';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {Project} from '../../rig/command.ts';

vi.setConfig({testTimeout: 180_000});

const project = new Project();
let events: readonly RunEvent[];

const spec = (density: string): string => `
dataset: {type: synthetic, size: 48, classes: 2, train: 24, test: 14, defects: true, inliers: [stripes], limit: {test: 10}}
learner: {type: cutpaste, network: {type: small, width: 8, head: [16]}, patch: 16, epochs: 2, steps_per_epoch: 8, batch: 8}
localize: {patch: 16, stride: 8, sigma: 5, density: ${density}}
classifiers: [{type: gde, shrinkage: ledoit-wolf}]
metrics: [auc, pixel-auc, aupro]
`;

beforeAll(async () => {
  project.write('maps.yaml', spec('shared'));
  const run = await project.events('maps.yaml');
  expect(run.status).toBe(0);
  events = run.events;
});
afterAll(() => project[Symbol.dispose]());

/** The folder of the entry that a stage of this kind left. */
function entryOf(kind: string): string {
  const stage = events.find((event) => event.type === 'stage-finished' && event.kind === kind);
  if (stage?.type !== 'stage-finished') throw new Error(`no ${kind} stage`);
  const {fingerprint} = stage;
  return join(project.folder, 'runs', 'cache', fingerprint.slice(0, 2), fingerprint);
}

test('a map for each test image; its score is that of its worst window, which the map spreads over pixels', async () => {
  const maps = await readMaps(join(entryOf('localize'), 'maps.arrow'));
  expect(maps).toMatchObject({count: 10, height: 48, width: 48});
  const {scores, classes, classNames} = await readScores(join(entryOf('localize'), 'scores.arrow'));
  expect([classNames, [...classes].filter((label) => label === 1).length]).toEqual([['good', 'defect'], 5]);
  const over = Array.from(
    scores,
    (score, image) => score / Math.max(...maps.data.subarray(image * 2304, (image + 1) * 2304)),
  );
  // As large as the map where one window alone lies over a pixel, in a corner.
  expect(Math.min(...over)).toBeGreaterThan(1 - 1e-6);
  expect(Math.max(...over)).toBeGreaterThan(1.01);
});

test('the test images keep their masks through the subset: defective ones have some, normal ones none', async () => {
  const marked: [number, boolean][] = [];
  for await (const {count, classes, masks} of readImages(join(entryOf('data'), 'test.arrow')))
    for (let i = 0; i < count; i++)
      marked.push([classes[i]!, masks!.subarray(i * 2304, (i + 1) * 2304).some((value) => value === 1)]);
  expect(marked).toHaveLength(10);
  for (const [label, some] of marked) expect(some).toBe(label === 1);
  for await (const {masks} of readImages(join(entryOf('data'), 'train.arrow'))) expect(masks).toBeUndefined();
});

test('show says where they are', async () => {
  const {out} = await project.run('show', 'latest');
  expect(out).toContain(`  ${entryOf('localize')}\n`);
});

test('pictures: image and map side by side, named by what they show', async () => {
  const pictures = readdirSync(entryOf('localize')).filter((name) => name.endsWith('.png'));
  const kinds = pictures.map((name) => /^overlay-([a-z-]+)-\d{5}\.png$/.exec(name)?.[1]);
  expect(kinds.filter((kind) => kind === 'false-alarm')).toHaveLength(5);
  expect(kinds.filter((kind) => kind === 'find')).toHaveLength(5);
  const picture = await decodeImage(readFileSync(join(entryOf('localize'), pictures[0]!)));
  expect([picture.height, picture.width]).toEqual([48, 96]);
});

test('metrics of pixels stand beside those of images', async () => {
  const {out} = await project.run('query', 'SELECT metric, value FROM metrics ORDER BY metric', '--json');
  const rows = JSON.parse(out) as readonly {metric: string; value: number}[];
  expect(rows.map(({metric}) => metric)).toEqual(['auc', 'aupro', 'pixel-auc']);
  for (const {value} of rows) expect(value >= 0 && value <= 1).toBe(true);
  // A blot of one colour on stripes is found by a Gaussian, whatever the network has learnt in 16 steps.
  expect(rows.find(({metric}) => metric === 'pixel-auc')!.value).toBeGreaterThan(0.7);
});

test('a density at each place is another localisation of the same features', async () => {
  project.write('maps.yaml', spec('per-location'));
  const run = await project.events('maps.yaml');
  expect(run.status).toBe(0);
  const computed = run.events.flatMap((event) =>
    event.type === 'stage-finished' && event.how === 'computed' ? [event.kind] : [],
  );
  expect(computed).toEqual(['localize', 'evaluate']);
});

test.for([
  ['{type: gradcam, score: learner}', 'gradcam'],
  ['{type: gradcam}', 'gradcam gde'],
  ['{type: integrated-gradients, steps: 4}', 'integrated-gradients gde'],
] as const)('%s of the same training: maps judged beside the scores of the images', async ([localize, name]) => {
  project.write(
    'maps.yaml',
    spec('shared')
      .replace(/localize: .*/, `localize: ${localize}`)
      .replace('48,', '64,'),
  );
  const run = await project.events('maps.yaml');
  expect(run.status).toBe(0);
  events = run.events;
  const {count, height, width, data} = await readMaps(join(entryOf('localize'), 'maps.arrow'));
  expect([count, height, width]).toEqual([10, 64, 64]);
  expect(data.every((value) => value >= 0 && Number.isFinite(value))).toBe(true);
  expect(Math.max(...data)).toBeGreaterThan(0);
  expect(readdirSync(entryOf('localize')).filter((file) => file.endsWith('.png'))).toHaveLength(10);
  const {out} = await project.run(
    'query',
    'SELECT classifier, metric FROM metrics JOIN runs USING (run) ORDER BY started DESC, classifier, metric LIMIT 3',
    '--json',
  );
  expect(JSON.parse(out)).toEqual([
    {classifier: 'gde', metric: 'auc'},
    {classifier: name, metric: 'aupro'},
    {classifier: name, metric: 'pixel-auc'},
  ]);
});

test('maps that are 0 everywhere are told: no place of features that are not negative raises what a linear machine subtracts', async () => {
  project.write(
    'blank.yaml',
    spec('shared')
      .replace(/localize: .*/, 'localize: {type: gradcam}')
      .replace('48,', '64,')
      .replace('{type: gde, shrinkage: ledoit-wolf}', '{type: oc-svm, kernel: linear}'),
  );
  const run = await project.events('blank.yaml');
  expect(run.status).toBe(0);
  const told = run.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  expect(told).toContainEqual(expect.stringMatching(/^the maps of all 10 images are 0 everywhere: GradCAM keeps only/));
});
