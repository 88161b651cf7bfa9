import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {findSite, readSite} from '../../../src/pipeline/config/site.ts';
import {renderProblems} from '../../../src/surface/live/diagnostic.ts';
import {World} from '../../rig/world.ts';

const kinds = ['data', 'learn'];

async function problemsOf(text: string): Promise<string> {
  using world = new World();
  const read = await readSite(world.write('site.yaml', text), kinds);
  return read.ok ? 'none' : renderProblems(read.failures, {colour: false}).replaceAll(world.root, '');
}

test('a site file, with what it leaves out', async () => {
  using world = new World();
  const file = world.write('site.yaml', 'resources: { learn: { gpus: 1, time: 8h } }\nat_once: 8\n');
  expect(await readSite(file, kinds)).toEqual({
    ok: true,
    value: {
      resources: {learn: {gpus: 1, time: '8h'}},
      before: [],
      at_once: 8,
      tasks_per_gpu: 1,
      poll: 10,
      notice: 120,
      retries: 3,
      growth: 2,
    },
  });
});

test('what is wrong is told with its place', async () => {
  expect(
    await problemsOf(`resources:
  learn: { partitoin: gpu, time: 8 hours, cpus: 0 }
retry: 5
`),
  ).toMatchInlineSnapshot(`
    "✗ /site.yaml:3:1  a site file has no key "retry"
        3 │ retry: 5
          │ ~~~~~
       Known keys: resources, before, command, scratch, at_once, most_jobs, tasks_per_gpu, poll, notice, retries, growth.
    ✗ /site.yaml:2:12  "resources.learn" of a site file has no key "partitoin"
        2 │   learn: { partitoin: gpu, time: 8 hours, cpus: 0 }
          │            ~~~~~~~~~
       Did you mean "partition"? (a name without spaces)
    ✗ /site.yaml:2:34  expected "resources.learn.time" to be a time above 0 in min, h or d, such as 90min, 8h or 2d, or days and hours such as 1-12:00:00, but got "8 hours"
        2 │   learn: { partitoin: gpu, time: 8 hours, cpus: 0 }
          │                                  ~~~~~~~
    ✗ /site.yaml:2:49  expected "resources.learn.cpus" to be an integer of at least 1, but got 0
        2 │   learn: { partitoin: gpu, time: 8 hours, cpus: 0 }
          │                                                 ~
    "
  `);
  const amounts = await problemsOf(`resources:
  default: { time: 0min, time_max: 0:00:00, memory: 0M, memory_max: 0.0 GB }
  learn: { time: 10m }
`);
  expect(amounts.match(/expected .* to be (a time|an amount of memory) above 0 in .*, but got .*/g)).toHaveLength(5);
  expect(
    await problemsOf(`resources:
  default: { time: 8h }
  lern: { gpus: 1 }
  learn: { time_max: 1h, memory: 8G, memory_max: 1G }
`),
  ).toMatchInlineSnapshot(`
    "✗ /site.yaml:3:3  there is no kind of stage "lern"
        3 │   lern: { gpus: 1 }
          │   ~~~~
       Kinds of stages: default, data, learn.
    ✗ /site.yaml:4:22  "time_max" is less than "time"
        4 │   learn: { time_max: 1h, memory: 8G, memory_max: 1G }
          │                      ~~
    ✗ /site.yaml:4:50  "memory_max" is less than "memory"
        4 │   learn: { time_max: 1h, memory: 8G, memory_max: 1G }
          │                                                  ~~
    "
  `);
  expect(await problemsOf('- learn\n')).toMatchInlineSnapshot(`
    "✗ /site.yaml  expected a mapping such as "resources: …", but got ["learn"]
    "
  `);
});

test('an option of sbatch by which jobs are found is refused; others are not', async () => {
  const site = (option: string) => problemsOf(`resources:\n  learn: { extra: ["--exclude=n7", "${option}"] }\n`);
  for (const option of ['--array=0-3', '--output /tmp/x', '-o /tmp/x', '--wait', '-W'])
    expect(await site(option)).toContain('is set by this program, which finds its jobs and their logs by it');
  expect(await site('--wait-all-nodes=1')).toBe('none');
});

test('it is looked for beside the spec, then in the folder of runs', () => {
  using world = new World();
  const spec = join(world.root, 'specs', 'spec.yaml');
  const runs = join(world.root, 'runs');
  expect(findSite(undefined, spec, runs)).toBeUndefined();
  const inRuns = world.write('runs/site.yaml');
  expect(findSite(undefined, spec, runs)).toBe(inRuns);
  const beside = world.write('specs/site.yaml');
  expect(findSite(undefined, spec, runs)).toBe(beside);
  writeFileSync(join(world.root, 'other.yaml'), '');
  expect(findSite('other.yaml', spec, runs)).toBe('other.yaml');
});
