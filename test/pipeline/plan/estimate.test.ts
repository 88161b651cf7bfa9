/** Against the table of compute costs of docs/paper-notes.md 9. */
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {flopOf, type Training, trainingsOf} from '../../../src/pipeline/plan/estimate.ts';
import {buildGraph} from '../../../src/pipeline/plan/graph.ts';
import type {Forecast} from '../../../src/pipeline/plan/preview.ts';
import {datasetKey} from '../../../src/pipeline/plan/sources.ts';
import type {Manifest, StageNode} from '../../../src/pipeline/stages/stage.ts';

const plugins = new Plugins(builtin);

async function trainings(
  file: string,
  forecast: (node: StageNode) => Forecast = () => ({state: 'miss', fingerprint: '' as never, reasons: []}),
): Promise<readonly Training[]> {
  const read = await readPlan(file, {builtin: plugins});
  if (!read.ok) throw new Error(read.failures.map(({message}) => message).join('\n'));
  const {tasks} = read.value.plan;
  const datasets = new Map(tasks.map(({dataset}) => [datasetKey(dataset, undefined), []]));
  const graph = buildGraph(read.value.plan, plugins, {
    datasets,
    absent: new Map(),
    learners: new Map(),
  });
  return trainingsOf({graph, tasks, plugins, forecasts: new Map(graph.map((node) => [node.id, forecast(node)]))});
}

test.for([
  // steps, images forwarded, PFLOP a run, tasks
  ['cifar10-rotation', 159_744, 4.09e7, 137, 10],
  ['cifar10-contrastive', 319_488, 2.04e7, 68, 10],
  ['cifar10-contrastive-da', 1_280_000, 8.19e7, 274, 10],
  ['cifar100-rotation', 79_872, 2.04e7, 68, 20],
  ['cifar100-contrastive', 159_744, 1.02e7, 34, 20],
  ['cifar100-contrastive-da', 638_976, 4.09e7, 137, 20],
  ['fmnist-rotation', 190_464, 4.88e7, 163, 10],
  ['fmnist-contrastive', 382_976, 2.45e7, 82, 10],
  ['fmnist-contrastive-da', 1_536_000, 9.83e7, 329, 10],
  ['catdog-rotation', 319_488, 8.18e7, 1091, 2],
  ['catdog-contrastive', 638_976, 4.09e7, 546, 2],
  ['catdog-contrastive-da', 2_560_000, 1.64e8, 2186, 2],
] as const)('%s: steps, images and PFLOP as in the paper', async ([name, steps, images, pflop, tasks]) => {
  const found = await trainings(`pipelines/iclr2021/${name}.yaml`);
  expect(found).toHaveLength(5 * tasks);
  for (const {work} of found) {
    expect(work!.steps).toBe(steps);
    expect((work!.steps * work!.inputs) / images).toBeCloseTo(1, 2);
    // Printed as whole numbers, of three digits that count.
    expect(Math.abs(flopOf(work!) / 1e15 - pflop)).toBeLessThan(0.5 + pflop / 1000);
  }
});

test('without training there is nothing to estimate', async () => {
  expect(await trainings('pipelines/iclr2021/cifar10-untrained.yaml')).toEqual([]);
});

test("the number of CelebA's faces without eyeglasses is known only after reading", async () => {
  const file = 'pipelines/iclr2021/celeba-rotation.yaml';
  const unread = await trainings(file);
  expect(unread).toHaveLength(5);
  expect(unread.map(({work}) => work)).toEqual(Array(5).fill(undefined));
  const summary = {classes: ['no-eyeglasses', 'eyeglasses'], train: [152_000, 10_770], test: [0, 0]};
  const read = await trainings(file, ({kind}) =>
    kind === 'data'
      ? {state: 'hit', fingerprint: '' as never, manifest: {summary} as unknown as Manifest}
      : {state: 'unknown', waitsFor: []},
  );
  expect(read[0]!.images).toBe(152_000);
  expect(read[0]!.work!.steps).toBe(4_864_000);
  expect(flopOf(read[0]!.work!) / 1e15 / 16_614).toBeCloseTo(1, 2);
});

test('cached trainings and trainings without data are not counted', async () => {
  const file = 'pipelines/iclr2021/cifar10-rotation.yaml';
  const manifest = {summary: {classes: [], train: [], test: []}} as unknown as Manifest;
  const cached = await trainings(file, ({kind, label}) =>
    kind === 'learn' && label.includes('ship')
      ? {state: 'hit', fingerprint: '' as never, manifest}
      : {state: 'unknown', waitsFor: []},
  );
  expect(cached).toHaveLength(45);
  const absent = await trainings(file, () => ({state: 'absent', reasons: []}));
  expect(absent).toEqual([]);
});

test('a limit is used if the data was not read yet', async () => {
  const found = await trainings('pipelines/cpu/table-1-rotation-cpu.yaml');
  expect(new Set(found.map(({images}) => images))).toEqual(new Set([500]));
});
