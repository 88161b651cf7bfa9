// @module-tag slow
/** Runs on a real Slurm of two nodes, and all that can happen to its jobs. */
import {readFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {Project, tableOf, tinySpec} from '../../rig/command.ts';
import {SlurmCluster, slurmMissing} from '../../rig/slurm.ts';

describe.skipIf(slurmMissing)(`on Slurm (${slurmMissing ?? 'two nodes'})`, () => {
  let cluster: SlurmCluster;
  beforeAll(async () => {
    cluster = await SlurmCluster.start();
  });
  afterAll(() => cluster?.stop());

  const site = (changes = ''): string => `resources:
  default: { memory: 900M, cpus: 1, time: 10min ${changes} }
  learn: { gpus: 1 }
poll: 0.5
`;

  test('both nodes compute, and the table is that of one machine', async () => {
    using project = new Project();
    project.write('tiny.yaml', tinySpec({seeds: '4'}));
    project.write('site.yaml', site());
    const local = await project.run('run', 'tiny.yaml', '--runs', 'local');
    const {out, status, err} = await project.start(['run', 'tiny.yaml', '--executor', 'slurm'], cluster.env).ended;
    expect(err).toBe('');
    expect(status).toBe(0);
    expect(tableOf(out)).toBe(tableOf(local.out));
    const events = readFileSync(project.path('runs', project.runs[0]!, 'events.ndjson'), 'utf8');
    expect(new Set(events.match(/"node":"n\d"/g))).toEqual(new Set(['"node":"n1"', '"node":"n2"']));
  });
});
