/** Commands about a run on a cluster whose driver was killed; Slurm's commands are made up. */
import {appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {afterEach, expect, test, vi} from 'vitest';
import {thisProcess} from '../../../src/core/base/process-identity.ts';
import {commentOf} from '../../../src/pipeline/cluster/queue.ts';
import {createRun, type Environment, readRun} from '../../../src/pipeline/store/runs/runs.ts';
import {cancel} from '../../../src/surface/cli/cancel.ts';
import {logs} from '../../../src/surface/cli/logs.ts';
import {reportRun} from '../../../src/surface/tables/show.ts';
import {World} from '../../rig/world.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const at = new Date().toISOString();

class Abandoned implements Disposable {
  readonly world = new World();
  readonly globals = {runs: this.world.root, json: false};
  printed = '';
  id!: string;
  folder!: string;

  static async start(): Promise<Abandoned> {
    const made = new Abandoned();
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        made.printed += String(text);
        return true;
      });
    const environment = {...thisProcess(), started: 'long ago'} as unknown as Environment;
    const plan = {name: 'spec', source: '', tasks: [], pluginUrls: []} as never;
    const graph = made.world.graph({a: {}, b: {}, c: {}});
    const run = await createRun({root: made.world.root, plan, graph, environment, now: new Date()});
    const {id, folder} = run;
    Object.assign(made, {id, folder});
    run.log({at, type: 'run-started', run: id, spec: 'spec', tasks: 0, stages: 3});
    run.log({at, type: 'stage-started', stage: 'a', kind: 'data', label: 'a', where: {node: 'n1', job: '6_1'}});
    run.log({at, type: 'stage-queued', stage: 'b', kind: 'data', label: 'b', job: '6_2'});
    run.close();
    appendFileSync(join(folder, 'events.ndjson'), '{"at":"20'); // killed while it wrote
    const batch = join(folder, 'jobs', 'b1');
    mkdirSync(batch, {recursive: true});
    writeFileSync(join(batch, '1.log'), 'epoch 1\n');
    writeFileSync(join(batch, '1.json'), JSON.stringify({nodes: graph, given: [], roots: [], jobs: 1}));
    return made;
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
  }

  /** What `squeue` says of its jobs, one answer after the other, the last again and again; ids that are cancelled go into `cancelled`. */
  queue(...answers: readonly (readonly string[])[]): void {
    const line = (state: string, index: number) => `6|${index}|${state}|cpu|n1|1:00|${commentOf(this.id, 'b1')}|None`;
    for (const [i, states] of answers.entries()) this.world.write(`answer-${i}`, `${states.map(line).join('\n')}\n`);
    const bin = this.world.root;
    const script = `#!/bin/sh\ncd ${bin}\nn=$(cat asked 2>/dev/null || echo 0)\necho $((n < ${answers.length - 1} ? n + 1 : n)) > asked\ncat answer-$n\n`;
    chmodSync(this.world.write('squeue', script), 0o755);
    chmodSync(this.world.write('scancel', `#!/bin/sh\necho "$@" >> ${bin}/cancelled\n`), 0o755);
    vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH']}`);
  }

  get report() {
    const read = readRun(this.world.root, this.id);
    if (!read.ok) throw new Error(read.failures[0]!.message);
    return reportRun(read.value);
  }
}

test('cancel counts jobs that have not ended, and the run is interrupted then', async () => {
  using run = await Abandoned.start();
  run.queue(['COMPLETED', 'RUNNING', 'PENDING']);
  expect(run.report.places).toHaveLength(2);
  expect(await cancel(run.id, run.globals)).toBe(0);
  expect(run.printed).toContain('2 jobs cancelled');
  expect(readFileSync(join(run.world.root, 'cancelled'), 'utf8')).toBe('--quiet 6_1 6_2\n');
  const {outcome, places, kinds, warnings} = run.report;
  expect({outcome, places, warnings}).toEqual({outcome: 'interrupted', places: [], warnings: []});
  expect(kinds[0]!.statuses).toEqual({interrupted: 1, waiting: 2});
  run.printed = '';
  await cancel(run.id, run.globals);
  expect(run.printed).toBe(`${run.id} has ended: interrupted\n`);
});

test('cancel says so when Slurm does not answer, and the run stays as it is', async () => {
  using run = await Abandoned.start();
  run.queue([]);
  chmodSync(run.world.write('squeue', '#!/bin/sh\necho "Unable to contact slurm controller" >&2; exit 1\n'), 0o755);
  expect(await cancel(run.id, run.globals)).toBe(1);
  expect(run.printed).toContain('squeue: Unable to contact slurm controller. Its jobs may go on');
  expect(run.report.outcome).not.toBe('interrupted');
});

test('logs follow as long as jobs go on, and say why they end', async () => {
  using run = await Abandoned.start();
  run.queue(['COMPLETED', 'RUNNING'], ['COMPLETED', 'COMPLETED']);
  expect(await logs(run.id, undefined, {follow: true}, run.globals)).toBe(0);
  expect(readFileSync(join(run.world.root, 'asked'), 'utf8')).toBe('1\n');
  expect(run.printed).toContain('epoch 1');
  expect(run.printed).toContain('has ended without a word, and none of its jobs waits or runs. Run the same command');
});
