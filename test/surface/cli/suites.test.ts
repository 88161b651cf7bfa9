/** Suites of which some data are not here, what a plan costs, and what a learner is fed: whole commands. */
import {readFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {decodeImage} from '../../../src/core/images/codec.ts';
import {type Ended, Project, tinySpec} from '../../rig/command.ts';

const project = new Project();
afterAll(() => project[Symbol.dispose]());

const all = ({status, out, err}: Ended): string =>
  project.masked([out, err && `--- stderr\n${err}`, `--- status ${status}`].filter((part) => part !== '').join(''));
const shown = async (...args: readonly string[]): Promise<string> => all(await project.run(...args));

beforeAll(() => {
  project.write('tiny.yaml', tinySpec());
  project.write('absent.yaml', tinySpec({name: 'absent', dataset: '{ type: mvtec, inliers: [wood] }'}));
  project.write('suite.yaml', 'suite: [tiny.yaml, absent.yaml]\n');
  project.write('control.yaml', tinySpec({name: 'control', learner: '{ type: untrained, network: { type: small } }'}));
});

describe('data that are not here', () => {
  test('a spec of which none is here is wrong input', async () => {
    expect(await shown('run', 'absent.yaml')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ dataset "mvtec": not found: looked for <folder>/data/mvtec/wood or <folder>/data/wood
         get it from https://www.mvtec.com/company/research/datasets/mvtec-ad (a form asks for your name; CC BY-NC-SA 4.0), and unpack it so that <folder>/data/mvtec/wood/train/good is there

      1 problem; nothing was run.
      --- status 2"
    `);
  });

  test('plan names them and goes on with the rest', async () => {
    expect(await shown('plan', 'suite.yaml')).toMatchInlineSnapshot(`
      "suite: 2 tasks, 12 stages
      + data synthetic
      ✗ data mvtec · wood
          not found: looked for <folder>/data/mvtec/wood or <folder>/data/wood
          get it from https://www.mvtec.com/company/research/datasets/mvtec-ad (a form asks for your name; CC BY-NC-SA 4.0), and unpack it so that <folder>/data/mvtec/wood/train/good is there
      ? learn rotation · stripes · seed 0
      ✗ learn rotation · wood · seed 0
      ? embed train rotation.pool · stripes · seed 0
      ? embed test rotation.pool · stripes · seed 0
      ✗ embed train rotation.pool · wood · seed 0
      ✗ embed test rotation.pool · wood · seed 0
      ? score kde · rotation · stripes · seed 0
      ✗ score kde · rotation · wood · seed 0
      ? evaluate kde · rotation · stripes · seed 0
      ✗ evaluate kde · rotation · wood · seed 0
      0 cached (=), 1 to run (+), 5 unknown until those have run (?), 6 without data (✗)
      1 training to run: <n> GFLOP
      --- status 0"
    `);
    const plan = JSON.parse((await project.run('plan', 'suite.yaml', '--json')).out);
    expect(plan.stages.map(({kind, state}: {kind: string; state: string}) => `${kind} ${state}`)).toContain(
      'data absent',
    );
    expect(plan.estimate).toMatchObject({trainings: 1, unknown: []});
    const {out} = await project.run('plan', 'suite.yaml', '--graph', 'mermaid');
    expect(out).toContain(':::absent');
  });

  test('a suite runs what it can, names the rest, and has failed', async () => {
    expect(await shown('run', 'suite.yaml', '--jobs', '1')).toMatchInlineSnapshot(`
      "suite: 2 tasks, 12 stages, run <time>-suite
      [ 1/12] ✗ data mvtec · wood: not found: looked for <folder>/data/mvtec/wood or <folder>/data/wood
          get it from https://www.mvtec.com/company/research/datasets/mvtec-ad (a form asks for your name; CC BY-NC-SA 4.0), and unpack it so that <folder>/data/mvtec/wood/train/good is there
      [ 6/12] – 5 stages skipped, "data mvtec · wood" failed
      [ 7/12] ✓ data synthetic: <time> · <memory> peak
      engine wasm 4.22.0 on cpu, 1 thread
      warning: learn rotation · stripes · seed 0: the last epoch's loss is <n>, and guessing gives <n>: the network has learnt almost nothing in 2 epochs. Try more epochs or another optimizer.learning_rate.
      [ 8/12] ✓ learn rotation · stripes · seed 0: <time> · <memory> peak
      [ 9/12] ✓ embed train rotation.pool · stripes · seed 0: <time> · <memory> peak
      [10/12] ✓ embed test rotation.pool · stripes · seed 0: <time> · <memory> peak
      [11/12] ✓ score kde · rotation · stripes · seed 0: <time> · <memory> peak
      [12/12] ✓ evaluate kde · rotation · stripes · seed 0: <time> · <memory> peak
      Failed in <time>: 6 computed, 0 cached, 1 failed, 5 skipped.
      <time>-suite

      normal class  method    classifier  ours  n
      ──
      stripes       rotation  kde         77.0  1

      absent: mvtec (wood): not found: looked for <folder>/data/mvtec/wood or <folder>/data/wood

      Look closer: pipeline report <time>-suite
      --- stderr
      To continue, run: pipeline run suite.yaml --jobs 1
      --- status 1"
    `);
    expect(await shown('compare', 'suite')).toMatchInlineSnapshot(`
      "suite

      normal class  method    classifier  ours  n
      ──
      stripes       rotation  kde         77.0  1

      absent: mvtec (wood): not found: looked for <folder>/data/mvtec/wood or <folder>/data/wood
      --- status 0"
    `);
  });
});

describe('plan --estimate', () => {
  test('measures a few steps on this machine', async () => {
    const {status, out, err} = await project.run('plan', 'tiny.yaml', '--estimate', '--set', 'learner.epochs=1000');
    expect([status, out.trimEnd().split('\n').at(-1)]).toEqual([
      0,
      expect.stringMatching(/^1 training to run: 0\.\d+ TFLOP, .+ on this machine, one after the other$/),
    ]);
    expect(err).toMatch(/^engine wasm 4.22.0 on cpu, 1 thread\nlearn rotation · stripes · seed 0: \d+ images\/s\n$/);
  });

  test('has nothing to measure where all is cached, or nothing is trained', async () => {
    for (const spec of ['tiny.yaml', 'control.yaml']) {
      const {status, out, err} = await project.run('plan', spec, '--estimate');
      expect([status, err]).toEqual([0, '']);
      expect(out).not.toContain('FLOP');
    }
  });
});

describe('show augment', () => {
  test('writes a picture and says what its rows and columns are', async () => {
    expect(await shown('show', 'augment', 'tiny.yaml', '--images', '2', '--draws', '1')).toMatchInlineSnapshot(`
      "<folder>/runs/augment/tiny-stripes-rotation-seed=0.png
      task: tiny/stripes/rotation/seed=0
      rows: 2 of 32 training images of class "stripes"
      columns: the image before augmentation, then 1 draw of the 4 views that the network gets; augmentation: hflip; values outside [0, 1] are clipped
      --- status 0"
    `);
    const file = project.path('runs', 'augment', 'tiny-stripes-rotation-seed=0.png');
    // Two rows of 64 pixels; the image, and its four turns.
    expect(await decodeImage(readFileSync(file))).toMatchObject({height: 2 * 64 + 8, width: 64 + 8 + 4 * 64 + 3 * 2});
  });

  test('goes where it is told, for the task that is told, as JSON', async () => {
    const args = ['--out', 'here/sheet.png', '--inliers', 'checkers,blobs', '--task', 'blobs', '--json'];
    const {status, out} = await project.run('show', 'augment', 'tiny.yaml', ...args);
    expect([status, JSON.parse(out)]).toMatchObject([
      0,
      {file: project.path('here', 'sheet.png'), task: 'tiny/blobs/rotation/seed=0'},
    ]);
    expect((await decodeImage(readFileSync(project.path('here', 'sheet.png')))).height).toBe(8 * 64 + 7 * 8);
  });

  test('what there is nothing to show of', async () => {
    expect(await shown('show', 'augment', 'control.yaml')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ learner "untrained" does not train, so it gets no images
         Choose a task of another learner: --task <id>.
      --- status 2"
    `);
    expect(await shown('show', 'augment', 'tiny.yaml', '--task', 'bag')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there is no task "bag"
         There are tiny/stripes/rotation/seed=0.
      --- status 2"
    `);
  });
});
