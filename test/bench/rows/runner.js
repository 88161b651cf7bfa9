/** Rows of the runner: whole processes. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {manyRuns} from '../many-runs.js';
import {has, inTurns, ours, python, root, script, wall} from '../rig.js';

/** Wall seconds of a run in which all stages are cached, and of Snakemake's on a DAG of as many. */
async function noOp(stages, rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
  try {
    // 22 stages a seed and one for the data.
    const seeds = Math.ceil((stages - 1) / 22);
    writeFileSync(
      join(folder, 'noop.yaml'),
      `name: noop
dataset: {type: synthetic, size: 32, classes: 4, train: 16, test: 16}
learner: {type: untrained, network: {type: small, width: 4}}
classifiers: [kde, {type: oc-svm}]
seeds: ${seeds}
`,
    );
    const run = () => ours(['run', 'noop.yaml', '--quiet'], {cwd: folder});
    console.log(`  first run of ${seeds} seeds: ${run().toFixed(1)} s`);
    const turns = {ours: run};
    if (has('snakemake')) {
      writeFileSync(join(folder, 'Snakefile'), outputOf(python, [script('snakefile.py'), String(stages)]));
      const snakemake = () => wall('snakemake', ['-j1', '--quiet', 'all'], {cwd: folder});
      console.log(`  Snakemake's first run of ${stages} stages: ${snakemake().toFixed(1)} s`);
      turns.snakemake = snakemake;
    } else console.log('  snakemake: not here');
    const figures = await inTurns(turns, rounds);
    return {
      what: `no-op run of ${1 + 22 * seeds} cached stages, every entry verified, whole process, s`,
      better: 'lower',
      figures,
      ...(figures.snakemake
        ? {
            against: `snakemake on ${stages} stages`,
            ratios: figures.snakemake.map((peers, round) => peers / figures.ours[round]),
          }
        : {}),
      target: 'above 1.0',
    };
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

function outputOf(program, args) {
  const file = join(mkdtempSync(join(tmpdir(), 'pipeline-bench-')), 'out');
  wall('sh', ['-c', '"$@" > "$0"', file, program, ...args]);
  const text = readFileSync(file, 'utf8');
  rmSync(dirname(file), {recursive: true});
  return text;
}

/** Wall seconds of the quick start when all of it is cached: start-up, verification and the table. */
async function cachedRun(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
  try {
    const run = () => ours(['run', join('pipelines', 'quickstart.yaml'), '--quiet', '--runs', folder], {cwd: root});
    run();
    const figures = await inTurns({ours: run}, rounds);
    return {what: 'quick start, all of it cached, whole process, s', better: 'lower', figures, target: 'under 0.400'};
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** Wall seconds of four trainings, one after the other or two at a time, with the library's two threads or with one. */
async function jobs(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
  try {
    writeFileSync(
      join(folder, 'jobs.yaml'),
      `name: jobs
dataset: {type: synthetic, size: 32, classes: 4, train: 256, test: 16}
learner: {type: rotation, network: {type: resnet18, width: 0.25}, epochs: 1, batch: 32}
classifiers: [kde]
`,
    );
    const run = (...options) => {
      const cache = mkdtempSync(join(folder, 'runs-'));
      return ours(['run', 'jobs.yaml', '--quiet', '--engine', 'tensorflow', '--runs', cache, ...options], {
        cwd: folder,
      });
    };
    const figures = await inTurns(
      {
        '--jobs 1': () => run('--jobs', '1'),
        '--jobs 2': () => run('--jobs', '2'),
        '--jobs 1 --threads 1': () => run('--jobs', '1', '--threads', '1'),
        '--jobs 2 --threads 1': () => run('--jobs', '2', '--threads', '1'),
      },
      rounds,
    );
    return {
      what: 'four trainings of ResNet-18 width 1/4, whole run, s',
      better: 'lower',
      figures,
      against: '--jobs 1, of --jobs 2',
      ratios: figures['--jobs 1'].map((one, round) => one / figures['--jobs 2'][round]),
      target: 'above 1.0',
    };
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** Wall seconds of `pipeline --help` against those of Node doing nothing. */
async function help(rounds) {
  const figures = await inTurns(
    {
      ours: () => ours(['--help']),
      'node -e 0': () => wall(process.execPath, ['-e', '0']),
    },
    rounds,
  );
  return {what: 'pipeline --help, whole process, s', better: 'lower', figures, target: 'under 0.150'};
}

/** Seconds and memory of a plan of many tasks, made in a process of its own. */
async function plan(tasks, rounds) {
  const told = () => JSON.parse(outputOf(process.execPath, [script('plan.js'), String(tasks)]));
  const figures = {seconds: [], 'peak memory, MB': []};
  for (let round = 0; round < rounds; round++) {
    const {seconds, megabytes} = told();
    figures.seconds.push(seconds);
    figures['peak memory, MB'].push(megabytes);
  }
  return {
    what: `plan of ${tasks} tasks, read and made into a graph`,
    better: 'lower',
    figures,
    target: 'under 5 s, 500 MB',
  };
}

/** Seconds to file a run of so many metric values in the results database. */
async function ingest(values, rounds) {
  const figures = await inTurns(
    {ours: () => JSON.parse(outputOf(process.execPath, [script('ingest.js'), String(values)])).seconds},
    rounds,
  );
  return {what: `a run of ${values} metric values filed in DuckDB, s`, better: 'lower', figures, target: 'under 2'};
}

let manyRunsMade;

/** A folder with five thousand runs of three tasks, made once for all rows that want it. */
async function manyRunsFolder() {
  if (!manyRunsMade) {
    const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
    process.once('exit', () => rmSync(folder, {recursive: true, force: true}));
    await manyRuns(folder, 5000);
    ours(['db', 'rebuild'], {cwd: folder});
    manyRunsMade = folder;
  }
  return manyRunsMade;
}

/** Wall seconds of a command among five thousand runs. */
async function among(args, target, rounds) {
  const folder = await manyRunsFolder();
  const figures = await inTurns({ours: () => ours(args, {cwd: folder})}, rounds);
  return {what: `pipeline ${args.join(' ')} among 5,000 runs, whole process, s`, better: 'lower', figures, target};
}

/** Seconds from the request to the end of the first page that `pipeline ui` gives among five thousand runs. */
async function frontPage(rounds) {
  const folder = await manyRunsFolder();
  const page = async () => {
    const child = spawn(process.execPath, [join(root, 'bin', 'pipeline.js'), 'ui', '--json'], {cwd: folder});
    try {
      const [first] = await once(createInterface({input: child.stdout}), 'line');
      const url = /http:[^"\s]+/.exec(first)[0];
      const admitted = await fetch(url);
      await admitted.text();
      const cookie = admitted.headers.get('set-cookie').split(';')[0];
      const began = performance.now();
      const answer = await fetch(new URL('/', url), {headers: {cookie}});
      if (!(await answer.text()).includes('-many-1387')) throw new Error('the page does not have the latest run');
      return (performance.now() - began) / 1000;
    } finally {
      child.kill();
    }
  };
  const figures = await inTurns({ours: page}, rounds);
  return {what: 'front page of pipeline ui among 5,000 runs, s', better: 'lower', figures, target: 'under 1'};
}

export const rows = {
  'no-op': () => noOp(1000, 5),
  'cached-run': () => cachedRun(7),
  jobs: () => jobs(3),
  help: () => help(7),
  plan: () => plan(10_000, 3),
  'plan-50000': () => plan(9_100, 3),
  'rebuild-5000': () => among(['db', 'rebuild'], 'under 15', 3),
  'ls-5000': () => among(['ls'], 'under 1', 5),
  'show-5000': () => among(['show', 'latest'], 'under 1', 5),
  'compare-5000': () => among(['compare', 'many'], 'under 1', 5),
  'ui-front-5000': () => frontPage(5),
  ingest: () => ingest(100_000, 3),
};
