import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {expect, test, vi} from 'vitest';
import type {ResolvedEngine} from '../../../src/core/engine/contract.ts';
import {loadModule} from '../../../src/core/plugin/code.ts';
import type {Maker} from '../../../src/pipeline/maker.ts';
import {fates, told, World} from '../../rig/world.ts';

test('stages run after their inputs, with the longest remaining path first', async () => {
  using world = new World();
  const happening = world.start(
    {
      gate: {
        script: [
          ['tell', 'gate'],
          ['wait', 'go'],
        ],
      },
      low: {},
      high: {},
      middle: {needs: ['high']},
      end: {needs: ['middle', 'low']},
    },
    {cores: 1},
  );
  await happening.told('gate'); // the only place is taken; low and high are waiting for it
  world.write('go');
  expect((await happening.outcome).outcome).toBe('done');
  const started = world.journal.filter((line) => line.startsWith('start'));
  expect(started.slice(0, 2)).toEqual(['start gate', 'start high']);
  expect(started.indexOf('start middle')).toBeGreaterThan(1);
  expect(started.at(-1)).toBe('start end');
  expect(told(happening.events, 'run-started')).toEqual([
    {type: 'run-started', run: 'run', spec: 'test', tasks: 0, stages: 5},
  ]);
  expect(told(happening.events, 'run-finished')).toMatchObject([
    {outcome: 'done', computed: 5, cached: 0, failed: 0, skipped: 0},
  ]);
});

test('a second run finds everything, and starts no worker and no engine', async () => {
  using world = new World();
  const stages = {data: {}, learn: {needs: ['data'], lane: 'accelerator' as const}, score: {needs: ['learn']}};
  let asked = 0;
  const engine = async (): Promise<ResolvedEngine> => {
    asked++;
    return {name: 'wasm', threads: 1};
  };
  const first = await world.run(stages, {engine});
  expect({...fates(first), asked}).toEqual({data: 'computed', learn: 'computed', score: 'computed', asked: 1});
  expect(told(first.events, 'engine-started')).toMatchObject([{engine: {name: 'wasm'}}]);
  const second = await world.run(stages, {engine});
  expect({...fates(second), asked}).toEqual({data: 'cached', learn: 'cached', score: 'cached', asked: 1});
  expect(second.workers).toBe(0);
  expect(told(second.events, 'stage-finished')).toMatchObject([
    {stage: 'data', how: 'cached', summary: {text: 'data()'}},
    {stage: 'learn', how: 'cached', engine: 'wasm'},
    {stage: 'score', how: 'cached'},
  ]);
});

test('of several GPUs each computes one stage at a time, and each process sees its own', async () => {
  using world = new World();
  const engine = async (): Promise<ResolvedEngine> => ({name: 'wasm', threads: 1, gpu: true, gpus: ['0', 'GPU-7']});
  const lane = 'accelerator' as const;
  const together = (word: string) => ({lane, script: [['gpu'], ['tell', word], ['wait', 'go']] as const});
  const alone = (...needs: readonly string[]) => ({lane, needs, script: [['gpu']] as const});
  const stages = {a: together('a'), b: together('b'), c: alone('a', 'b'), d: alone('c')};
  const happening = world.start(stages, {engine});
  await Promise.all([happening.told('a'), happening.told('b')]);
  world.write('go');
  const {outcome, workers} = await happening.outcome;
  expect({outcome, workers}).toEqual({outcome: 'done', workers: 2});
  const seen = world.journal.filter((line) => line.startsWith('gpu')).map((line) => line.split(' ')[1]);
  expect(seen.slice(0, 2).sort()).toEqual(['0', 'GPU-7']);
  // Where all are free the first, by the process that is there.
  expect(seen.slice(2)).toEqual(['0', '0']);
});

test('replaced kernels are reported once, at the end, and in manifests', async () => {
  using world = new World();
  const engine = async (): Promise<ResolvedEngine> => ({name: 'wasm', threads: 1});
  const uses = (...kernels: readonly (readonly [string, string])[]) => ({
    lane: 'accelerator' as const,
    script: kernels.map((kernel) => ['kernel', kernel] as const),
  });
  const stages = {
    data: {},
    learn: uses(['a', 'itself'], ['b', 'product'], ['b', 'product']),
    embed: uses(['b', 'product'], ['c', 'itself']),
    other: uses(['c', 'itself']),
  };
  const {events} = await world.run(stages, {engine, jobs: 1});
  expect(told(events, 'note')).toEqual([
    {
      type: 'note',
      message:
        'TensorFlow computes 1 of 3 kernels wrong on this processor; they are computed another way (pipeline doctor --kernels)',
    },
  ]);
  const b = {kernel: 'K', shapes: 'b', verdict: 'wrong', way: 'product'};
  const checks = (of: typeof events) =>
    told(of, 'stage-finished')
      .map((event) => event as {label?: string; stage: string; checked?: unknown})
      .map(({stage, checked}) => [stage, checked]);
  const expected = {
    data: undefined,
    learn: {kernels: 2, replaced: [b]},
    embed: {kernels: 2, replaced: [b]},
    other: {kernels: 1, replaced: []},
  };
  expect(Object.fromEntries(checks(events))).toEqual(expected);
  const again = await world.run(stages, {engine});
  expect(told(again.events, 'note')).toEqual([]);
  expect(Object.fromEntries(checks(again.events))).toEqual(expected);
});

test('cached results of another engine, or of another number of threads, are reported at the end', async () => {
  using world = new World();
  const stages = {
    data: {},
    learn: {needs: ['data'], lane: 'accelerator' as const},
    embed: {needs: ['learn'], lane: 'accelerator' as const},
  };
  const engine = async (): Promise<ResolvedEngine> => ({name: 'wasm', threads: 1});
  const warnings = async (asked: Maker, more = {}) => {
    const {events} = await world.run({...stages, ...more}, {engine, asked});
    const types = events.map(({type}) => type);
    expect(types.slice(0, -2)).not.toContain('warning'); // at the end, once
    return told(events, 'warning').map((event) => (event as {message: string}).message);
  };
  expect(await warnings({name: 'wasm', threads: 1})).toEqual([]);
  expect(await warnings({name: 'wasm', threads: 1})).toEqual([]);
  expect(await warnings({name: 'tensorflow', threads: 8})).toEqual([
    "2 cached results were computed by wasm; this run's engine is tensorflow with 8 threads",
  ]);
  // What has computed counts more than what was thought of before.
  const more = {more: {needs: ['embed'], lane: 'accelerator' as const}};
  expect(await warnings({name: 'tensorflow', threads: 8}, more)).toEqual([]);
});

test('a no-op run of a thousand stages starts no worker', async () => {
  using world = new World();
  const cache = world.cache();
  // Entries made by hand: what is tested is that nothing is computed.
  const stages = Object.fromEntries(Array.from({length: 1000}, (_, i) => [`s${i}`, {as: 'same', text: 'same'}]));
  await world.run({first: {as: 'same', text: 'same'}}, {cache});
  const {outcome, cached, workers} = await world.run(stages, {cache});
  expect({outcome, cached, workers}).toEqual({outcome: 'done', cached: 1000, workers: 0});
});

test('an input that changes without changing the result of its reader stops there', async () => {
  using world = new World();
  await world.run({a: {text: 'one'}, b: {needs: ['a'], text: 'same'}, c: {needs: ['b']}});
  const second = await world.run({a: {text: 'two'}, b: {needs: ['a'], text: 'same'}, c: {needs: ['b']}});
  expect(fates(second)).toEqual({a: 'computed', b: 'computed', c: 'cached'});
});

test('stages that turn out to be equal are computed once', async () => {
  using world = new World();
  const {stages} = await world.run({
    a: {text: 'same'},
    b: {text: 'same', as: 'b'},
    // Different nodes of the plan; equal once the contents of their inputs are known.
    ofA: {needs: ['a'], as: 'reader'},
    ofB: {needs: ['b'], as: 'reader'},
  });
  expect(world.journal.filter((line) => line === 'start reader')).toHaveLength(1);
  expect(Object.values(fates({stages})).sort()).toEqual(['cached', 'computed', 'computed', 'computed']);
});

test('a failure stops only its stage and those that depend on it', async () => {
  using world = new World();
  const {outcome, events, stages, failed, skipped, computed} = await world.run({
    bad: {script: [['fail', 'no luck']]},
    next: {needs: ['bad']},
    last: {needs: ['next']},
    good: {},
    after: {needs: ['good']},
  });
  expect({outcome, failed, skipped, computed}).toEqual({outcome: 'failed', failed: 1, skipped: 2, computed: 2});
  expect(fates({stages})).toEqual({
    bad: 'failed',
    next: 'skipped',
    last: 'skipped',
    good: 'computed',
    after: 'computed',
  });
  expect([...told(events, 'stage-failed'), ...told(events, 'stage-skipped')]).toMatchInlineSnapshot(`
    [
      {
        "hint": "Try something else.",
        "kind": "data",
        "label": "stage bad",
        "message": "no luck",
        "stage": "bad",
        "type": "stage-failed",
      },
      {
        "because": ""stage bad" failed",
        "kind": "data",
        "label": "stage next",
        "stage": "next",
        "type": "stage-skipped",
      },
      {
        "because": ""stage bad" failed",
        "kind": "data",
        "label": "stage last",
        "stage": "last",
        "type": "stage-skipped",
      },
    ]
  `);
});

test('an unexpected error says where it was thrown', async () => {
  using world = new World();
  const {events} = await world.run({bad: {script: [['throw', 'x is not a function']]}});
  const [failure] = told(events, 'stage-failed') as [{message: string; hint: string}];
  expect(failure.message).toBe('x is not a function');
  expect(failure.hint).toMatch(/^Thrown at .*fake-stages\.js:\d+:\d+/);
});

test('fail-fast stops running stages and starts no others', async () => {
  using world = new World();
  const happening = world.start(
    {
      slow: {
        script: [
          ['tell', 'slow'],
          ['wait', 'never'],
        ],
      },
      bad: {
        script: [
          ['wait', 'go'],
          ['fail', 'no luck'],
        ],
      },
      later: {},
      next: {needs: ['slow']},
    },
    {failFast: true},
  );
  await happening.told('slow');
  world.write('go');
  const {outcome, stages} = await happening.outcome;
  expect(outcome).toBe('failed');
  expect(fates({stages})).toEqual({slow: 'skipped', bad: 'failed', later: 'skipped', next: 'skipped'});
  expect(world.journal).toContain('stopped slow');
  expect(world.journal).not.toContain('start later');
  expect(told(happening.events, 'stage-skipped')[0]).toMatchObject({because: '"stage bad" failed (--fail-fast)'});
});

test('an interrupted run stops its stages, and the next run continues', async () => {
  using world = new World();
  const stages = {
    first: {},
    slow: {needs: ['first'], script: [['checkpoint'], ['tell', 'slow'], ['wait', 'go']] as const},
    last: {needs: ['slow']},
  };
  const happening = world.start(stages);
  await happening.told('slow');
  happening.interrupt();
  const {outcome, skipped, computed} = await happening.outcome;
  expect({outcome, skipped, computed}).toEqual({outcome: 'interrupted', skipped: 2, computed: 1});
  expect(world.journal).toEqual(['start first', 'end first', 'start slow', 'stopped slow']);
  expect(told(happening.events, 'stage-failed')).toEqual([]);
  expect(told(happening.events, 'run-finished')).toMatchObject([{outcome: 'interrupted'}]);

  world.write('go');
  const second = await world.run(stages);
  expect(fates(second)).toEqual({first: 'cached', slow: 'computed', last: 'computed'});
  // What the interrupted stage had left in its scratch folder was there again, and is gone after the commit.
  expect(told(second.events, 'stage-finished')[1]).toMatchObject({summary: {count: 2}});
});

test('a stage that does not react is killed after the grace period', async () => {
  using world = new World();
  const happening = world.start({deaf: {script: [['tell', 'deaf'], ['spin']]}}, {grace: 20});
  await happening.told('deaf');
  happening.interrupt();
  expect((await happening.outcome).outcome).toBe('interrupted');
});

test('a run that is interrupted before it begins does nothing', async () => {
  using world = new World();
  const controller = new AbortController();
  controller.abort();
  const {outcome, workers, skipped} = await world.run({a: {}, b: {}}, {signal: controller.signal});
  expect({outcome, workers, skipped}).toEqual({outcome: 'interrupted', workers: 0, skipped: 2});
});

const crashes = [
  {
    of: 'a kill',
    script: [
      ['print', 'allocating…'],
      ['kill', 'SIGKILL'],
    ],
    failure: {
      // Where the system counts what it ends for want of memory, it is known that this was not one of them.
      message: expect.stringMatching(
        /^its worker process was killed \(SIGKILL\),? by another process(; the system did not run out of memory| or by the system, which does that when memory runs out)\. Its last output was:\nallocating…$/,
      ),
      hint: expect.stringMatching(/^Run it again\./),
      killed: 'somebody',
    },
  },
  {
    of: 'a crash',
    script: [
      ['print', 'core dumped'],
      ['kill', 'SIGSEGV'],
    ],
    failure: {
      message: 'its worker process was ended by SIGSEGV before the stage was done. Its last output was:\ncore dumped',
    },
  },
  {
    of: 'an exit',
    script: [['exit', 3]],
    failure: {message: 'its worker process ended with status 3 before the stage was done.'},
  },
] as const;

test.for(crashes)('$of of a worker stops only one stage', async ({script, failure}) => {
  using world = new World();
  const {outcome, events, stages} = await world.run({bad: {script}, good: {}, more: {needs: ['good']}}, {cores: 1});
  expect({outcome, ...fates({stages})}).toEqual({outcome: 'failed', bad: 'failed', good: 'computed', more: 'computed'});
  expect(told(events, 'stage-failed')).toEqual([
    {type: 'stage-failed', stage: 'bad', kind: 'data', label: 'stage bad', ...failure},
  ]);
});

/** A stage whose worker obeys a signal, as it does before it has started. */
const mortal = (world: World): URL =>
  pathToFileURL(
    world.write(
      'mortal.mjs',
      `import {writeFileSync} from 'node:fs';
      export async function runStage() {
        process.removeAllListeners('SIGTERM');
        writeFileSync(${JSON.stringify(join(world.root, 'ends'))}, '');
        process.kill(process.pid, 'SIGTERM');
        await new Promise(() => {});
      }`,
    ),
  );

test('a signal that ends a worker, and then this process, interrupts a stage', async () => {
  using world = new World();
  const stop = new AbortController();
  const happening = world.start({a: {}}, {stages: mortal(world), signal: stop.signal});
  await vi.waitFor(() => expect(existsSync(join(world.root, 'ends'))).toBe(true), {timeout: 20_000, interval: 1});
  stop.abort();
  const {outcome, stages} = await happening.outcome;
  expect({outcome, ...fates({stages})}).toEqual({outcome: 'interrupted', a: 'interrupted'});
  expect(told(happening.events, 'stage-failed')).toEqual([]);
});

test('a signal that ends a worker alone counts as sent by somebody', async () => {
  using world = new World();
  const {events} = await world.run({a: {}}, {stages: mortal(world)});
  expect(told(events, 'stage-failed')).toMatchObject([
    {killed: 'somebody', message: expect.stringContaining('was ended by SIGTERM')},
  ]);
});

test('what a stage throws that is not an Error is told in words', async () => {
  using world = new World();
  const {events} = await world.run({bad: {script: [['toss', null]]}, worse: {script: [['toss', {code: 7}]]}});
  expect(
    told(events, 'stage-failed')
      .map((event) => (event as {message: string}).message)
      .sort(),
  ).toEqual(['null was thrown, which is not an Error', '{ code: 7 } was thrown, which is not an Error']);
});

test('a result is discarded if a source or a plug-in changed meanwhile', async () => {
  using world = new World();
  const source = world.write('images.bin', 'pixels');
  const code = world.write('plugins.js', 'code');
  const run = await world.run({
    reads: {sources: [source], script: [['edit', source]]},
    uses: {code: [code], script: [['edit', code]]},
    after: {needs: ['reads']},
  });
  expect(fates(run)).toEqual({reads: 'failed', uses: 'failed', after: 'skipped'});
  const messages = told(run.events, 'stage-failed').map((event) => (event as {message: string}).message);
  expect(messages.map((message) => message.replaceAll(world.root, '<world>')).sort()).toMatchInlineSnapshot(`
    [
      "<world>/images.bin changed while the stage ran, so its result was discarded.",
      "<world>/plugins.js changed while the stage ran, so its result was discarded.",
    ]
  `);
  // As the file is now, it is another stage.
  const second = await world.run({reads: {sources: [source]}});
  expect(told(second.events, 'stage-finished')).toMatchObject([{how: 'computed', summary: {text: 'reads(pixelsx)'}}]);
});

test('a result is dropped when a source was another in between, though all is as it was again', async () => {
  using world = new World();
  const source = world.write('images.bin', 'pixels');
  const picture = (set: string) => ({name: 'good/1.png', path: world.write(`${set}/good/1.png`, 'pixels')});
  const code = world.write('plugins.js', 'code');
  const run = await world.run(
    {
      file: {sources: [source], script: [['touch', source]]},
      folder: {sources: [picture('a')], script: [['swap', `${world.root}/a/good`]]},
      root: {sources: [picture('b')], script: [['swap', `${world.root}/b`]]},
      code: {code: [code], script: [['touch', code]]},
      still: {sources: [picture('c')]},
    },
    {cores: 1},
  );
  expect(fates(run)).toEqual({file: 'failed', folder: 'failed', root: 'failed', code: 'failed', still: 'computed'});
});

test('a worker that starts after an edit computes nothing with the new code; one that had the old goes on', async () => {
  using world = new World();
  const helper = world.write('helper.js', 'export const one = 1;');
  const entry = world.write('mine.js', "import {one} from './helper.js';\nexport const plugins = [];");
  const url = new URL(`file://${entry}`).href;
  const {code} = await loadModule(url);
  const happening = world.start(
    {
      first: {
        script: [
          ['tell', 'loaded'],
          ['wait', 'edited'],
          ['tell', 'going on'],
        ],
      },
      second: {needs: ['first']},
      other: {script: [['wait', 'never']]},
    },
    {plugins: {modules: [{url, code}]}, cores: 1},
  );
  await happening.told('loaded');
  world.write('helper.js', 'export const one = 2;');
  world.write('edited');
  await happening.told('going on');
  const late = await world.run({late: {}}, {plugins: {modules: [{url, code}]}});
  expect(told(late.events, 'stage-failed')).toMatchObject([
    {
      message: `${helper} changed after the run began`,
      hint: 'Run it again: it then works with the code as it is, and takes from the cache what does not depend on it.',
    },
  ]);
  world.write('never');
  expect(fates(await happening.outcome)).toEqual({first: 'computed', second: 'computed', other: 'computed'});
  await expect(loadModule(url)).rejects.toThrow(`${helper} changed after it was loaded`);
});

test('a missing source fails its stage', async () => {
  using world = new World();
  const gone = `${world.root}/gone.bin`;
  const {events} = await world.run({a: {sources: [gone]}});
  expect(told(events, 'stage-failed')).toMatchObject([{stage: 'a', message: `cannot read ${gone} any more (ENOENT)`}]);
});

test('without an engine one stage fails with the reason; stages without tensors run', async () => {
  using world = new World();
  const {events, stages} = await world.run({
    learn1: {lane: 'accelerator'},
    learn2: {lane: 'accelerator'},
    data: {},
  });
  expect(fates({stages})).toEqual({learn1: 'failed', learn2: 'skipped', data: 'computed'});
  expect([...told(events, 'stage-failed'), ...told(events, 'stage-skipped')]).toMatchInlineSnapshot(`
    [
      {
        "kind": "data",
        "label": "stage learn1",
        "message": "no engine to compute tensors: no test wants one",
        "stage": "learn1",
        "type": "stage-failed",
      },
      {
        "because": "there is no engine to compute tensors",
        "kind": "data",
        "label": "stage learn2",
        "stage": "learn2",
        "type": "stage-skipped",
      },
    ]
  `);
});

test('warnings of a stage arrive with its id', async () => {
  using world = new World();
  const {events} = await world.run({a: {script: [['warn', 'odd image']]}});
  expect(told(events, 'warning')).toEqual([{type: 'warning', stage: 'a', message: 'odd image'}]);
});

test('a module of stages that can not be loaded fails the stage with its reason', async () => {
  using world = new World();
  const stages = new URL(`file://${world.write('broken.js', 'throw new Error("broken plug-in")')}`);
  const {events} = await world.run({a: {}, b: {}}, {stages});
  expect(told(events, 'stage-failed')).toMatchObject([{message: 'broken plug-in'}, {message: 'broken plug-in'}]);
});

test('artifacts contain the key as text, the summary and the provenance', async () => {
  using world = new World();
  const {stages} = await world.run({a: {}}, {provenance: {version: '1.2.3'}});
  const outcome = stages.get('a')!;
  expect(outcome.status).toBe('computed');
  if (!('entry' in outcome)) return;
  const {manifest, folder} = outcome.entry;
  expect(readFileSync(`${folder}/out`, 'utf8')).toBe('a()');
  expect(manifest).toMatchObject({
    kind: 'data',
    label: 'stage a',
    key: {format: 1, kind: 'data', recipe: {name: 'a'}, inputs: {}, sources: {}},
    summary: {text: 'a()'},
    provenance: {version: '1.2.3', engine: null, peakMemory: expect.any(Number), seconds: expect.any(Number)},
  });
});
