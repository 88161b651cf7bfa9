/** How Slurm's commands are started, with commands that are made up. */
import {chmodSync} from 'node:fs';
import {delimiter, dirname} from 'node:path';
import {afterEach, expect, test, vi} from 'vitest';
import {slurm} from '../../../src/pipeline/cluster/slurm.ts';
import {World} from '../../rig/world.ts';

afterEach(() => void vi.unstubAllEnvs());

function commands(world: World, made: {readonly [name: string]: string}): void {
  for (const [name, text] of Object.entries(made)) {
    const path = world.write(name, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    vi.stubEnv('PATH', `${dirname(path)}${delimiter}${process.env['PATH']}`);
  }
}

test('a command that is ended by a signal has not answered', async () => {
  using world = new World();
  commands(world, {squeue: 'kill -INT $$'});
  expect(await slurm.queue()).toEqual({ok: false, why: 'silent', message: 'squeue: it was ended by SIGINT'});
});

test("a signal to this process's group does not reach a command", async () => {
  using world = new World();
  commands(world, {sbatch: 'ps -o pgid= -p $$ | grep -qx " *$$" && echo 4711'});
  expect(await slurm.submit(world.write('script.sh', ''))).toEqual({ok: true, value: '4711'});
});

test('a command that fails is quoted, and one that is not there is named', async () => {
  using world = new World();
  commands(world, {squeue: 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1'});
  expect(await slurm.queue()).toMatchObject({why: 'silent', message: expect.stringContaining('Unable to contact')});
  vi.stubEnv('PATH', world.root);
  expect(await slurm.mostInArray()).toEqual({
    ok: false,
    why: 'wrong',
    message: 'the command scontrol is not on this machine',
  });
});
