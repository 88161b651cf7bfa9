/**
 * `npm run bench [-- row …]`: ours against real peers on this machine, in turns, several rounds; the ratio is the median
 * of the rounds' ratios. Results are kept as JSON in test/bench/results/.
 *
 * Peers are used where they are found: PIPELINE_BENCH_PYTHON (default: python3) with torch, tensorflow; snakemake on PATH.
 */
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {availableParallelism, cpus, tmpdir, totalmem} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {has, inTurns, median, peer, wall} from './rig.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const python = process.env.PIPELINE_BENCH_PYTHON ?? 'python3';
const command = [process.execPath, [join(root, 'bin', 'pipeline.js')]];
const threads = availableParallelism();

/** Images a second of the ResNet-18 train step at batch 64, 32 × 32. */
async function trainStep(width, steps, rounds) {
  const args = [String(width), '64', String(threads)];
  const script = (name) => join(here, 'peers', name);
  const started = {
    ours: await peer(process.execPath, [script('ours.js'), ...args, 'tensorflow']),
    wasm: await peer(process.execPath, [script('ours.js'), ...args, 'wasm']),
    pytorch: await peer(python, [script('resnet_torch.py'), ...args]),
    'tf.function': await peer(python, [script('resnet_tf.py'), ...args]),
  };
  const missing = Object.entries(started).filter(([, one]) => one.missing);
  for (const [name, {missing: reason}] of missing) console.log(`  ${name}: not here (${reason})`);
  const turns = Object.fromEntries(
    Object.entries(started)
      .filter(([, one]) => !one.missing)
      .map(([name, one]) => [name, async () => (64 * steps) / (await one.run(steps))]),
  );
  for (const run of Object.values(turns)) await run(); // warm up: first steps plan and allocate
  const figures = await inTurns(turns, rounds);
  for (const one of Object.values(started)) one.close();
  const peers = ['pytorch', 'tf.function'].filter((name) => figures[name]);
  return {
    what: `train step, ResNet-18 width ${width}, batch 64, images/s`,
    better: 'higher',
    figures,
    ...(figures.ours && peers.length > 0
      ? {
          against: `the faster of ${peers.join(' and ')}`,
          ratios: figures.ours.map((ours, round) => ours / Math.max(...peers.map((name) => figures[name][round]))),
        }
      : {}),
    target: 'at least 1.0',
  };
}

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
    const ours = () => wall(command[0], [...command[1], 'run', 'noop.yaml', '--quiet'], {cwd: folder});
    console.log(`  first run of ${seeds} seeds: ${ours().toFixed(1)} s`);
    const turns = {ours};
    if (has('snakemake')) {
      writeFileSync(
        join(folder, 'Snakefile'),
        wallOutput(python, [join(here, 'peers', 'snakefile.py'), String(stages)]),
      );
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

function wallOutput(program, args) {
  const file = join(mkdtempSync(join(tmpdir(), 'pipeline-bench-')), 'out');
  wall('sh', ['-c', '"$@" > "$0"', file, program, ...args]);
  const text = readFileSync(file, 'utf8');
  rmSync(dirname(file), {recursive: true});
  return text;
}

/** Wall seconds of `pipeline --help` against those of Node doing nothing. */
async function help(rounds) {
  const figures = await inTurns(
    {
      ours: () => wall(command[0], [...command[1], '--help']),
      'node -e 0': () => wall(process.execPath, ['-e', '0']),
    },
    rounds,
  );
  return {what: 'pipeline --help, whole process, s', better: 'lower', figures, target: 'under 0.150'};
}

const rows = {
  'train-width-1/4': () => trainStep(0.25, 8, 5),
  'train-width-1': () => trainStep(1, 2, 3),
  'no-op': () => noOp(1000, 5),
  help: () => help(7),
};

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!rows[name]) {
    console.error(`no row "${name}"; rows: ${Object.keys(rows).join(', ')}`);
    process.exit(2);
  }
}
const machine = {cpu: cpus()[0]?.model, cores: threads, memory: totalmem(), node: process.versions.node};
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}\n`);
const results = [];
for (const [name, run] of Object.entries(rows)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(name);
  const row = await run();
  results.push({name, ...row});
  console.log(`  ${row.what} (${row.target})`);
  for (const [who, values] of Object.entries(row.figures))
    console.log(
      `    ${who.padEnd(12)} ${format(median(values))}  (${format(Math.min(...values))} – ${format(Math.max(...values))})`,
    );
  if (row.ratios)
    console.log(
      `    ratio to ${row.against}: ${median(row.ratios).toFixed(2)}  (${Math.min(...row.ratios).toFixed(2)} – ${Math.max(...row.ratios).toFixed(2)})`,
    );
}
const date = new Date().toISOString();
const folder = join(here, 'results');
mkdirSync(folder, {recursive: true});
const file = join(folder, `${date.slice(0, 10)}.json`);
writeFileSync(file, `${JSON.stringify({date, machine, rows: results}, null, 2)}\n`);
console.log(`\nkept in ${file.slice(root.length + 1)}`);

function format(value) {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}
