// @module-tag slow
/** Results do not depend on the schedule: how many stages are computed at once, on how many cores, in how many sittings. */
import {spawnSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test, vi} from 'vitest';
import {findLibrary} from '../../../src/core/engine/install/library.ts';
import type {Manifest} from '../../../src/pipeline/stages/stage.ts';
import {command, Project, tinySpec} from '../../rig/command.ts';

// Several whole runs, each of which loads TensorFlow's library: minutes on a machine that has much else to do.
vi.setConfig({testTimeout: 900_000});

/** So large that TensorFlow splits its sums: with another number of threads the weights are others. */
const spec = tinySpec({
  dataset: '{ type: synthetic, size: 32, train: 64, test: 16, classes: 3, inliers: [stripes] }',
  learner: '{ type: rotation, network: { type: small, width: 16, head: [32] }, epochs: 3, batch: 16 }',
  classifiers: '[kde, gde]',
  metrics: '[auc]',
  seeds: '2',
});

/** Stage → digests of what it left. */
function digestsOf(project: Project): {readonly [label: string]: Manifest['files']} {
  const cache = project.path('runs', 'cache');
  const entries = readdirSync(cache, {recursive: true, encoding: 'utf8'}).filter((name) =>
    name.endsWith('manifest.json'),
  );
  const manifests = entries.map((name) => JSON.parse(readFileSync(join(cache, name), 'utf8')) as Manifest);
  return Object.fromEntries(manifests.map(({label, files}) => [label, files]));
}

const onTensorflow = {PIPELINE_ENGINE: 'tensorflow'};
const oneCore = spawnSync('taskset', ['-c', '0', 'true']).status === 0;

async function leftBy(...args: readonly string[]) {
  using project = new Project();
  project.write('tiny.yaml', spec);
  const {status, err} = await project.start(['run', 'tiny.yaml', ...args], onTensorflow).ended;
  expect([status, err]).toEqual([0, '']);
  return digestsOf(project);
}

describe.skipIf(findLibrary() === undefined)('on tensorflow', () => {
  let reference: ReturnType<typeof digestsOf>;

  test('one stage at a time or two: the same bytes', async () => {
    reference = await leftBy('--jobs', '1');
    expect(Object.keys(reference).filter((label) => label.startsWith('learn'))).toHaveLength(2);
    expect(await leftBy('--jobs', '2')).toEqual(reference);
  });

  test.skipIf(!oneCore)('one core: the same bytes', () => {
    using project = new Project();
    project.write('tiny.yaml', spec);
    const env = {...process.env, ...onTensorflow, OMP_NUM_THREADS: '1', TF_NUM_INTRAOP_THREADS: '1'};
    const line = ['-c', '0', process.execPath, command, 'run', 'tiny.yaml'];
    expect(spawnSync('taskset', line, {cwd: project.folder, env}).status).toBe(0);
    expect(digestsOf(project)).toEqual(reference);
  });

  test('killed while it trains one by one, and resumed two at a time: the same bytes', async () => {
    using project = new Project();
    project.write('tiny.yaml', spec);
    const everyEpoch = {...onTensorflow, PIPELINE_CHECKPOINT_EVERY: '0'};
    const run = project.start(['run', 'tiny.yaml', '--jobs', '1', '--json'], everyEpoch);
    await run.heard(
      (event) => event.type === 'stage-progress' && event.progress.of === 'training' && event.progress.epoch > 0,
    );
    process.kill(-run.child.pid!, 'SIGKILL');
    await run.ended;
    const again = project.start(['run', 'tiny.yaml', '--jobs', '2', '--json'], everyEpoch);
    expect((await again.ended).status).toBe(0);
    expect(digestsOf(project)).toEqual(reference);
  });
});
