/** Whole commands, as a user sees them. One run, then everything that reads it. */
import {readdirSync, rmSync, statSync, symlinkSync, truncateSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {engineNames} from '../../../src/core/engine/engines.ts';
import {type Ended, Project, tableOf, tinySpec} from '../../rig/command.ts';
import {flipByte} from '../../rig/faults.ts';
import {writeImage} from '../../rig/images.ts';

const project = new Project();
let first: Ended;

beforeAll(async () => {
  project.write('tiny.yaml', tinySpec());
  project.write('wrong.yaml', tinySpec({learner: '{ type: rotation, epocs: 3 }', metrics: '[acu]'}));
  first = await project.run('run', 'tiny.yaml', '--jobs', '1');
});
afterAll(() => project[Symbol.dispose]());

/** Status, standard output and standard error in one text. */
const all = ({status, out, err}: Ended): string =>
  project.masked([out, err && `--- stderr\n${err}`, `--- status ${status}`].filter((part) => part !== '').join(''));
const shown = async (...args: readonly string[]): Promise<string> => all(await project.run(...args));

describe('run', () => {
  test('the first computes and ends with the table', () => {
    expect(all(first)).toMatchInlineSnapshot(`
      "tiny: 1 task, 6 stages, run <time>-tiny
      [1/6] ✓ data synthetic: <time> · <memory> peak
      engine wasm 4.22.0 on cpu, 1 thread
      warning: learn rotation · stripes · seed 0: the last epoch's loss is <n>, and guessing gives <n>: the network has learnt almost nothing in 2 epochs. Try more epochs or another optimizer.learning_rate.
      [2/6] ✓ learn rotation · stripes · seed 0: <time> · <memory> peak
      [3/6] ✓ embed train rotation.pool · stripes · seed 0: <time> · <memory> peak
      [4/6] ✓ embed test rotation.pool · stripes · seed 0: <time> · <memory> peak
      [5/6] ✓ score kde · rotation · stripes · seed 0: <time> · <memory> peak
      [6/6] ✓ evaluate kde · rotation · stripes · seed 0: <time> · <memory> peak
      Done in <time>: 6 computed, 0 cached.
      <time>-tiny

      normal class  method    classifier  ours  n
      ──
      stripes       rotation  kde         77.0  1

      Look closer: pipeline report <time>-tiny
      --- status 0"
    `);
  });

  test('the second finds all of it', async () => {
    const second = await project.run('run', 'tiny.yaml', '--plain');
    expect(all(second)).toMatchInlineSnapshot(`
      "tiny: 1 task, 6 stages, run <time>-tiny
      Done in <time>: 0 computed, 6 cached.
      <time>-tiny

      normal class  method    classifier  ours  n
      ──
      stripes       rotation  kde         77.0  1

      Look closer: pipeline report <time>-tiny
      --- status 0"
    `);
    expect(tableOf(second.out)).toBe(tableOf(first.out));
  });

  test('--json: events and nothing else', async () => {
    const {status, out, err} = await project.run('run', 'tiny.yaml', '--json');
    expect({status, err}).toEqual({status: 0, err: ''});
    const types = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as {type: string}).type);
    expect(types).toEqual(['run-started', ...Array<string>(6).fill('stage-finished'), 'run-finished']);
  });

  test('--profile: where the engine spent its time; a cached run has no profile', async () => {
    const profiled = () => project.run('run', 'tiny.yaml', '--profile', '--quiet', '--runs', 'profiled');
    const {out} = await profiled();
    expect(out).toMatch(/^stage {2}kernel .* a call$/m);
    expect(out).toMatch(/^learn {2}\w+ +\d/m);
    expect((await project.run('show', 'latest', '--runs', 'profiled')).out).toMatch(/^learn {2}\(outside kernels\) /m);
    expect((await profiled()).out).toContain('There is no profile, because nothing was computed.');
  });

  test('--quiet: the table alone', async () => {
    const {out, err} = await project.run('run', 'tiny.yaml', '--quiet');
    expect(err).toBe('');
    expect(out.split('\n')[0]).toBe(project.runs.at(-1));
    expect(tableOf(out)).toBe(tableOf(first.out));
  });

  test('no escape codes in pipes', async () => {
    const env = {TERM: 'xterm-256color', COLORTERM: 'truecolor'};
    const lines = [['run', 'tiny.yaml'], ['plugins'], ['validate', 'wrong.yaml'], ['doctor']];
    for (const {out, err} of await Promise.all(lines.map((args) => project.start(args, env).ended)))
      expect(out + err).not.toContain('\u001b');
  });
});

describe('plan and validate', () => {
  test('plan', async () => {
    expect(await shown('plan', 'tiny.yaml')).toMatchInlineSnapshot(`
      "tiny: 1 task, 6 stages
      = data synthetic
      = learn rotation · stripes · seed 0
      = embed train rotation.pool · stripes · seed 0
      = embed test rotation.pool · stripes · seed 0
      = score kde · rotation · stripes · seed 0
      = evaluate kde · rotation · stripes · seed 0
      6 cached (=), 0 to run (+), 0 unknown until those have run (?)
      --- status 0"
    `);
  });

  test('plan --explain', async () => {
    expect(
      await shown('plan', 'tiny.yaml', '--explain', '--set', 'learner.epochs=3', '--seeds', '0,1'),
    ).toMatchInlineSnapshot(`
      "tiny: 2 tasks, 11 stages
      = data synthetic
      + learn rotation · stripes · seed 0
          learner.epochs 2 → 3
      + learn rotation · stripes · seed 1
          learner.epochs 2 → 3
          seed 0 → 1
      ? embed train rotation.pool · stripes · seed 0
          after learn rotation · stripes · seed 0
      ? embed test rotation.pool · stripes · seed 0
          after learn rotation · stripes · seed 0
      ? embed train rotation.pool · stripes · seed 1
          after learn rotation · stripes · seed 1
      ? embed test rotation.pool · stripes · seed 1
          after learn rotation · stripes · seed 1
      ? score kde · rotation · stripes · seed 0
          after embed train rotation.pool · stripes · seed 0, embed test rotation.pool · stripes · seed 0
      ? score kde · rotation · stripes · seed 1
          after embed train rotation.pool · stripes · seed 1, embed test rotation.pool · stripes · seed 1
      ? evaluate kde · rotation · stripes · seed 0
          after score kde · rotation · stripes · seed 0
      ? evaluate kde · rotation · stripes · seed 1
          after score kde · rotation · stripes · seed 1
      1 cached (=), 2 to run (+), 8 unknown until those have run (?)
      2 trainings to run: <n> GFLOP
      --- status 0"
    `);
  });

  test('plan --graph', async () => {
    expect(await shown('plan', 'tiny.yaml', '--graph', 'mermaid')).toMatchInlineSnapshot(`
      "flowchart LR
        s1["data synthetic"]:::hit
        s2["learn rotation · stripes · seed 0"]:::hit
        s3["embed train rotation.pool · stripes · seed 0"]:::hit
        s4["embed test rotation.pool · stripes · seed 0"]:::hit
        s5["score kde · rotation · stripes · seed 0"]:::hit
        s6["evaluate kde · rotation · stripes · seed 0"]:::hit
        s1 -->|train.arrow| s2
        s2 -->|weights.arrow| s3
        s1 -->|train.arrow| s3
        s2 -->|weights.arrow| s4
        s1 -->|test.arrow| s4
        s3 -->|features.arrow| s5
        s4 -->|features.arrow| s5
        s5 -->|scores.arrow| s6
        classDef hit fill:#d9f2d9,stroke:#3c8d40
        classDef miss fill:#ffe3c2,stroke:#c46a00
        classDef unknown fill:#eeeeee,stroke:#888888
      --- status 0"
    `);
    const {out} = await project.run('plan', 'tiny.yaml', '--graph', 'dot');
    expect(out).toMatch(/^digraph pipeline \{\n.*\n\}\n$/s);
  });

  test('plan --json', async () => {
    const plan = JSON.parse((await project.run('plan', 'tiny.yaml', '--json')).out);
    expect(plan).toMatchObject({name: 'tiny', tasks: [{inlier: 'stripes', seed: 0}]});
    expect(plan.stages.map(({kind, state}: {kind: string; state: string}) => `${kind} ${state}`)).toEqual([
      'data hit',
      'learn hit',
      'embed hit',
      'embed hit',
      'score hit',
      'evaluate hit',
    ]);
  });

  test('validate', async () => {
    expect(await shown('validate', 'tiny.yaml', 'tiny.yaml')).toMatchInlineSnapshot(`
      "tiny.yaml: 1 task, data found
      tiny.yaml: 1 task, data found
      --- status 0"
    `);
    project.write('own/own.yaml', tinySpec({dataset: '{type: image-folder, folder: photos}'}));
    expect(await shown('validate', 'own/own.yaml')).toMatchInlineSnapshot(`
      "own/own.yaml: 1 task, data not found
      --- stderr
      warning: own/own.yaml: missing data: dataset "image-folder": not found: looked for photos beside the spec or <folder>/data/photos. Make the folder with train/good, test/good and test/<defect> in it, or give another as option "folder"
      --- status 0"
    `);
    await writeImage(project.path('own', 'photos', '0.png'), {seed: '0'});
    await writeImage(project.path('own', 'photos', '1.png'), {seed: '1'});
    expect(await shown('validate', 'own/own.yaml')).toMatchInlineSnapshot(`
      "own/own.yaml: 1 task, data found
      --- status 0"
    `);
    expect(await shown('validate', 'tiny.yaml', 'wrong.yaml', 'none.yaml')).toMatchInlineSnapshot(`
      "tiny.yaml: 1 task, data found
      --- stderr
      ✗ wrong.yaml:3:28  learner "rotation" has no option "epocs"
          3 │ learner: { type: rotation, epocs: 3 }
            │                            ~~~~~
         Did you mean "epochs"? (an integer of at least 1, default 2048)
      ✗ wrong.yaml:6:11  there is no metric "acu"
          6 │ metrics: [acu]
            │           ~~~
         Did you mean "auc"?
      ✗ there is no file none.yaml
         Did you mean tiny.yaml?

      3 problems; nothing was run.
      --- status 2"
    `);
  });
});

describe('compare', () => {
  test('the latest run, a run, a part of its id, a spec', async () => {
    const {out} = await project.run('compare');
    expect(tableOf(out)).toBe(tableOf(first.out));
    const id = project.runs[0]!;
    const all = [[id], [id.slice(9)], ['tiny'], [id, 'latest'], ['tiny', id]];
    for (const {status, out} of await Promise.all(all.map((what) => project.run('compare', ...what))))
      expect([status, tableOf(out)]).toEqual([0, tableOf(first.out)]);
  });

  test('every format', async () => {
    const formats = ['markdown', 'csv', 'latex'].map((format) => shown('compare', 'tiny', '--format', format));
    expect((await Promise.all(formats)).join('\n')).toMatchInlineSnapshot(`
      "## tiny

      | normal class | method | classifier | ours | n |
      | --- | --- | --- | ---: | ---: |
      | stripes | rotation | kde | 77.0 | 1 |
      --- status 0
      dataset,inlier,method,label,classifier,metric,test_labels,ensemble,ours,sd,n,planned,paper,paper_spread,paper_spread_kind,paper_table,difference,verdict,not_as_in_the_paper,engines,not_by_the_engine_asked_for,config,runs,metric_label,standard_error,why,vouched,validation,validation_sd,validation_n,validation_type,best_of
      synthetic,stripes,rotation,rotation,kde,auc,,,<n>,,1,1,,,,,,,,wasm,,<digest>,<time>-tiny,auc,<n>,,true,,,,,
      --- status 0
      % tiny; needs \\usepackage{booktabs}
      \\begin{tabular}{lllrr}
      \\toprule
      normal class & method & classifier & ours & n \\\\
      \\midrule
      stripes & rotation & kde & 77.0 & 1 \\\\
      \\bottomrule
      \\end{tabular}
      --- status 0"
    `);
    const json = await Promise.all([
      project.run('compare', 'tiny', '--format', 'json'),
      project.run('compare', 'tiny', '--json'),
    ]);
    expect(json[0].out).toBe(json[1].out);
    expect(JSON.parse(json[0].out)).toMatchObject({title: 'tiny'});
  });

  test('metrics and the papers’ tables', async () => {
    const [table, metric, unknown, paper] = await Promise.all([
      shown('compare', '--metric', 'all'),
      shown('compare', 'tiny', '--metric', 'fpr59'),
      shown('compare', 'tiny', '--table', 'iclr-table-77'),
      shown('compare', 'tiny', '--table', 'iclr-table-7'),
    ]);
    expect(table).toContain('fpr95');
    expect(metric).toMatchInlineSnapshot(`
      "--- stderr
      ✗ tiny has no metric "fpr59"
         Did you mean "fpr95"?
      --- status 2"
    `);
    expect(unknown).toMatchInlineSnapshot(`
      "--- stderr
      ✗ the papers have no table "iclr-table-77"
         Did you mean "iclr-table-7"?
      --- status 2"
    `);
    expect(paper.split('\n')[2]).toContain('cifar10');
  });

  test('what is not there', async () => {
    expect(await shown('compare', 'tny')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there is no run and no spec "tny"
         Did you mean "tiny"?
      --- status 2"
    `);
    expect(await shown('compare', '2', 'nothing')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ "2" is part of 5 runs: <time>-tiny, <time>-tiny, <time>-tiny, <time>-tiny, <time>-tiny
         Give a longer part of the id, or "latest".
      ✗ there is no run and no spec "nothing"
         There are results for: tiny.
      --- status 2"
    `);
    expect(await shown('compare', '--runs', 'empty')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there is no run in <folder>/empty
         Run a spec: pipeline run <spec>.
      --- status 2"
    `);
  });
});

describe('ls, show, why', () => {
  test('ls', async () => {
    const lines = (await shown('ls')).split('\n');
    expect([lines[0], lines[2]]).toMatchInlineSnapshot(`
      [
        "run                            name  started               outcome  tasks  computed  cached  failed    time",
        "<time>-tiny  tiny  <date>  done         1         0       6       0 <time>",
      ]
    `);
    expect(JSON.parse((await project.run('ls', '--json')).out)).toHaveLength(project.runs.length);
    expect(await shown('ls', '--runs', 'empty')).toMatchInlineSnapshot(`
      "There are no runs yet.
      --- status 0"
    `);
  });

  test('show', async () => {
    expect(await shown('show', project.runs[0]!)).toMatchInlineSnapshot(`
      "<time>-tiny: tiny, done after <time>
      started <date> · 1 task · wasm 4.22.0, cpu
      <folder>/runs/<time>-tiny

      task                          classifier   auc  fpr95
      ──
      tiny/stripes/rotation/seed=0  kde         77.0   81.3

      stage     computed    time  peak memory
      ──
      data             1 <time> <memory>
      learn            1 <time> <memory>
      embed            2 <time> <memory>
      score            1 <time> <memory>
      evaluate         1 <time> <memory>

      Warnings:
        learn rotation · stripes · seed 0: the last epoch's loss is <n>, and guessing gives <n>: the network has learnt almost nothing in 2 epochs. Try more epochs or another optimizer.learning_rate.
      --- status 0"
    `);
    expect((await project.run('show', 'latest')).out).toContain(project.runs.at(-1));
    expect(await shown('show', 'nothing')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there is no run "nothing"
         The latest is <time>-tiny; "pipeline ls" lists all.
      --- status 2"
    `);
  });

  test('why', async () => {
    expect(await shown('why', project.runs[1]!, project.runs[2]!)).toMatchInlineSnapshot(`
      "<time>-tiny → <time>-tiny

      Environment:
        command: [run, tiny.yaml, --plain] → [run, tiny.yaml, --json]

      2 numbers are equal.
      --- status 0"
    `);
  });
});

describe('query and db', () => {
  test('query', async () => {
    expect(await shown('query', 'select spec, inlier, metric from comparison order by all')).toMatchInlineSnapshot(`
      "spec  inlier   metric
      ──
      tiny  stripes  auc
      tiny  stripes  fpr95
      --- status 0"
    `);
    expect((await project.run('query', 'select 1 as x, null as y', '--format', 'csv')).out).toBe('x,y\n1,\n');
    expect(JSON.parse((await project.run('query', 'select 1 as x', '--json')).out)).toEqual([{x: 1}]);
  });

  test('query refuses to write, and says what is wrong with SQL', async () => {
    expect(await shown('query', 'delete from runs')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ expected a statement that reads, but got DELETE
         A query can only read the database; start with SELECT, FROM, DESCRIBE or SHOW.
      --- status 2"
    `);
    expect(await shown('query', 'selec 1')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ Failed to extract statements: Parser Error: syntax error at or near "selec"
         LINE 1: selec 1
                 ^
      --- status 2"
    `);
  });

  test('a lost database is made anew from the runs', async () => {
    const runs = 'select count(*)::int as n from runs';
    rmSync(project.path('runs', 'results.duckdb'));
    expect((await project.run('query', runs, '--format', 'json')).out).toContain(`"n": ${project.runs.length}`);
    truncateSync(project.path('runs', 'results.duckdb'), 4096);
    const {status, out, err} = await project.run('compare');
    expect([status, tableOf(out)]).toEqual([0, tableOf(first.out)]);
    expect(err).toMatch(
      /results\.duckdb was damaged, .* made anew from \d+ runs?; what was there is now results\.duckdb\.damaged\n$/,
    );
    expect((await project.run('db', 'rebuild')).out).toBe(`${project.runs.length} runs filed\n`);
    expect(tableOf((await project.run('compare')).out)).toBe(tableOf(first.out));
  });
});

describe('data, plugins, schema, doctor', () => {
  test('data ls and verify', async () => {
    expect((await project.run('data', 'ls')).out).toContain('✓ synthetic: drawn by this program, needs no files\n');
    expect(await shown('data', 'verify', 'synthetic')).toMatchInlineSnapshot(`
      "synthetic train: 800 images (stripes 200, checkers 200, blobs 200, rings 200)
      synthetic test: 800 images (stripes 200, checkers 200, blobs 200, rings 200)
      --- status 0"
    `);
    expect(await shown('data', 'verify', 'synthetik')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there is no dataset "synthetik"
         Did you mean "synthetic"?
      --- status 2"
    `);
  });

  test('plugins', async () => {
    const list = await project.run('plugins');
    expect(list.out).toMatch(/^datasets\n {2}fashion-mnist /);
    expect(await shown('plugins', 'hflip')).toMatchInlineSnapshot(`
      "transform hflip (version 1)
      Swaps left and right, with probability p.
      Source: Sohn et al. 2021
        p                  a number from 0 to 1, default 0.5
                           Probability of the flip.
      --- status 0"
    `);
    expect((await project.run('plugins', 'rotation')).out).toContain('optimizer.learning_rate');
    expect(await shown('plugins', 'fpr95', '--markdown')).toMatchInlineSnapshot(`
      "### metric \`fpr95\`

      Share of normal images called anomalous by the threshold that catches 95 % of the anomalies.
      --- status 0"
    `);
    expect(JSON.parse((await project.run('plugins', 'kde', '--json')).out)).toMatchObject([
      {kind: 'classifier', name: 'kde', options: {type: 'object'}},
    ]);
    expect(await shown('plugins', 'kd')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there is no plug-in "kd"
         Did you mean "kde"?
      --- status 2"
    `);
  });

  test('schema', async () => {
    expect(JSON.parse((await project.run('schema')).out)).toMatchObject({title: 'Pipeline'});
  });

  test('doctor says what works and what would make it better', async () => {
    const home = {PIPELINE_CACHE_HOME: project.path('home')};
    const {status, out} = await project.runWith(home, 'doctor');
    expect(status).toBe(0);
    expect(out).toMatch(/^pipeline \d+\.\d+\.\d+ · Node /);
    expect(out).toContain('✓ engine wasm');
    expect(out).toMatch(/\n(Nothing is missing\.|What could be improved:\n( {2}.+\n)+)$/);
    const {engines, data} = JSON.parse((await project.runWith(home, 'doctor', '--json')).out);
    expect(engines.map(({name}: {name: string}) => name)).toEqual(engineNames);
    expect(data).toContainEqual({name: 'synthetic', found: true, message: 'drawn by this program, needs no files'});
  });

  test("doctor --kernels wants TensorFlow's library", async () => {
    const home = {PIPELINE_CACHE_HOME: project.path('home')};
    expect(await project.runWith(home, 'doctor', '--kernels')).toMatchObject({
      status: 1,
      err: 'pipeline: the tensorflow engine is not set up on this machine; run "pipeline setup"\n',
    });
  });
});

test.for([
  [['compare', ''], 'error: an argument is empty'],
  [['report', 'latest', '--out', ''], 'error: the value of --out is empty'],
  [['--runs', '', 'ls'], 'error: the value of --runs is empty'],
  [['--runs', 'dangling', 'ls'], 'error: --runs dangling is a link to nowhere/at/all, which is not there'],
] as const)('%s, as an unset variable or a removed folder leaves it, is refused', async ([args, message]) => {
  rmSync(project.path('dangling'), {force: true});
  symlinkSync('nowhere/at/all', project.path('dangling'));
  const {status, err} = await project.run(...args);
  expect([status, err.split('\n')[0]]).toEqual([2, message]);
});

test.for([
  ['PIPELINE_ENGINE', 'abacus', 'Allowed choices are auto, tensorflow, onnx, wasm, webgpu, torch.'],
  ['PIPELINE_JOBS', 'many', 'expected an integer from 1 to 1024.'],
  ['PIPELINE_THREADS', '1e99', 'expected an integer from 1 to 1024.'],
] as const)('a wrong default in %s is refused', async ([name, value, expected]) => {
  const {status, err} = await project.runWith({[name]: value}, 'run', 'tiny.yaml');
  expect(status).toBe(2);
  expect(err).toContain(`value '${value}' from env '${name}' is invalid. ${expected}`);
});

describe('wrong command lines', () => {
  test.concurrent.for([
    'runn tiny.yaml',
    'run',
    'run tiny.yaml --qiet',
    'run tiny.yaml --jobs many',
    'run tiny.yaml --engine abacus',
    'run tiny.yaml --executor slurm --jobs 4',
    'run tiny.yaml --site site.yaml',
    'run tiny.yaml --set learner.epocs=3',
    'run tiny.yaml --set learner.epochs',
    'run tiny.yaml --seeds x',
    'run tiny.yaml --inliers stripe',
    'run tin.yaml',
    'ls --runs tiny.yaml',
  ])('pipeline %s', async (line, {expect}) => {
    expect(await shown(...line.split(' '))).toMatchSnapshot();
  });
});

describe('cache', () => {
  test('ls, verify with a flipped byte, and computed again', async () => {
    const {out} = await project.run('cache', 'ls');
    expect(out).toMatch(/\n6 entries, \d+ kB\n$/);
    expect(await shown('cache', 'verify')).toMatchInlineSnapshot(`
      "6 entries sound, 0 damaged
      --- status 0"
    `);
    const entries = JSON.parse((await project.run('cache', 'ls', '--json')).out) as {
      kind: string;
      fingerprint: string;
    }[];
    const {fingerprint} = entries.find(({kind}) => kind === 'score')!;
    const folder = project.path('runs', 'cache', fingerprint.slice(0, 2), fingerprint);
    const file = join(folder, readdirSync(folder).find((name) => name === 'scores.arrow')!);
    flipByte(file, Math.floor(statSync(file).size / 2));
    expect(await shown('cache', 'verify')).toMatchInlineSnapshot(`
      "✗ <digest>: scores.arrow differs from its checksum; moved to <folder>/runs/cache/damaged/<digest>-<suffix>
      5 entries sound, 1 damaged
      --- status 1"
    `);
    const again = await project.run('run', 'tiny.yaml');
    expect(all(again)).toContain('1 computed, 5 cached');
    expect(tableOf(again.out)).toBe(tableOf(first.out));
  });

  test('prune', async () => {
    expect(await shown('cache', 'prune')).toMatch(/^removed 0 entries, freed .+ kB\n/); // the damaged one
    expect(await shown('cache', 'prune', '--runs', 'empty')).toMatchInlineSnapshot(`
      "there is no cache in this folder
      --- status 0"
    `);
  });
});
