/**
 * What the engine `torch` does on a machine with an NVIDIA GPU: `node scripts/measure-gpu.mjs [folder of results]`, after `npm ci`. It needs Python with a
 * PyTorch that has CUDA on PATH (PIPELINE_BENCH_PYTHON names another Python), and a compiler with CUDA's headers. `--cpu` tries the script itself
 * without a GPU, on sizes that say nothing.
 *
 * In turn: set up, tests of the engine; training steps against PyTorch's own (one by one, and compiled into CUDA graphs) and JAX's (of
 * PIPELINE_BENCH_JAX, a Python that has JAX; left out where there is none); features of windows; a training with its augmentation beside it;
 * the same four trainings by one, two and four at a time; and one class of Fashion-MNIST, 64 epochs (the paper: 2048). Numbers are printed
 * and kept in `gpu.json`.
 */
import {spawnSync} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {contest, format, median, peer, python, root, script, versions} from '../test/bench/rig.js';

const {values, positionals} = parseArgs({options: {cpu: {type: 'boolean', default: false}}, allowPositionals: true});
const folder = positionals[0] ?? 'gpu-results';
mkdirSync(folder, {recursive: true});
const pipeline = join(root, 'bin', 'pipeline.js');

/** Runs a command in sight. Returns whether it succeeded. */
function shown(title, command, args) {
  console.log(`\n== ${title}`);
  return spawnSync(command, args, {stdio: 'inherit', cwd: root}).status === 0;
}

const results = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model,
  node: process.versions.node,
  steps: [],
  rows: [],
  passed: {},
};
const gpu = spawnSync('nvidia-smi', ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'], {
  encoding: 'utf8',
});
if (gpu.status !== 0 && !values.cpu) {
  console.error('nvidia-smi finds no GPU: this script measures one. "--cpu" tries the script itself.');
  process.exit(2);
}
results.gpu = gpu.stdout?.trim() ?? null;

if (!shown('set up', process.execPath, [pipeline, 'setup', '--engine', 'torch'])) process.exit(1);
shown('what is there', process.execPath, [pipeline, 'doctor']);
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const tests = [
  'test/core/engine/torch',
  'test/core/nn',
  'test/domain/networks',
  'test/contract/learner.contract.test.ts',
];
results.passed.tests = shown('its tests', process.execPath, [
  vitest,
  'run',
  ...(values.cpu ? tests.slice(0, 1) : tests),
  '-t',
  'torch',
]);

/** Lets contestants run in turns, prints the speed of each, and returns all figures. */
async function measured(title, contestants, pieces, job) {
  const speed = async (one) => pieces / (await one.run(job));
  const figures = await contest(contestants, speed, values.cpu ? 1 : 5);
  console.log(title);
  for (const [who, all] of Object.entries(figures))
    console.log(
      `    ${who.padEnd(22)} ${format(median(all))}  (${format(Math.min(...all))} – ${format(Math.max(...all))})`,
    );
  writeFileSync(join(folder, 'gpu.json'), `${JSON.stringify(results, null, 2)}\n`);
  return figures;
}

const own = (name, ...args) => peer(process.execPath, [script(name), ...args.map(String)]);
const other = (command, name, ...args) => peer(command, [script(name), ...args.map(String)]);

console.log('\n== training steps, ResNet-18, inputs/s in turns: median (range)');
const sizes = values.cpu ? [['0.125', 16, 2]] : [64, 256, 1024].map((batch) => ['1', batch, Math.max(5, 6400 / batch)]);
const cuda = values.cpu ? [] : ['cuda'];
const jax = process.env.PIPELINE_BENCH_JAX ?? python;
for (const learner of ['rotation', 'contrastive'])
  for (const [width, batch, steps] of sizes)
    for (const precision of values.cpu ? ['float32', 'bf16'] : ['float32', 'tf32', 'bf16']) {
      const args = [width, batch, 2, learner];
      const words = precision === 'float32' ? [] : [precision];
      const contestants = {
        'ours, recorded': () => own('ours.js', ...args, 'torch', ...words),
        'ours, one by one': () => own('ours.js', ...args, 'torch', ...words, 'eager'),
        'PyTorch, one by one': () => other(python, 'resnet_torch.py', ...args, ...cuda, ...words),
        ...(values.cpu
          ? {}
          : {'PyTorch, CUDA graphs': () => other(python, 'resnet_torch.py', ...args, 'cuda', ...words, 'graphs')}),
        JAX: () => other(jax, 'resnet_jax.py', ...args, ...words),
      };
      const title = `${learner}, width ${width}, batch ${batch}, ${precision}`;
      const figures = await measured(title, contestants, batch * steps, steps);
      results.steps.push({learner, width, batch, precision, figures});
    }

console.log('\n== features and feeding, inputs/s in turns: median (range)');
const width = values.cpu ? '0.0625' : '1';
const images = values.cpu ? 1 : 20;
const windows = `embedding, all 841 windows of 32 pixels of an image, width ${width}`;
const embedding = {
  ours: () => own('ours-dense.js', 'torch', width),
  PyTorch: () => other(python, 'dense_torch.py', 2, width, ...cuda),
};
results.rows.push({what: windows, figures: await measured(windows, embedding, 841 * images, images)});
const maps = `maps of stages 2 and 3 of images of 256 pixels, width ${width}`;
const places = {ours: () => own('ours-dense.js', 'torch', width, 'maps')};
results.rows.push({what: maps, figures: await measured(maps, places, 10 * images, 10 * images)});
// A training that is as fast as one on batches that are there already is not held up by augmentation.
const [size, steps] = values.cpu ? [2, 2] : [64, 50];
const fed = `rotation with augmentation, width ${width}, ${size} images a step`;
const feeding = Object.fromEntries(
  ['fed', 'at-hand', 'alone'].map((how) => [how, () => own('feed.js', how, 'torch', width, size)]),
);
results.rows.push({what: fed, figures: await measured(fed, feeding, 4 * size * steps, steps)});

console.log('\n== the same four trainings, so many at a time: seconds');
const little = values.cpu
  ? ['pipelines/quickstart.yaml', '--set', 'dataset.normal_classes=[bag]', '--set', 'dataset.limit.train=40']
  : ['pipelines/iclr2021/fmnist-rotation.yaml', '--set', 'dataset.inliers=[bag]', '--set', 'dataset.limit.train=2000'];
results.jobs = {};
for (const jobs of values.cpu ? [1, 2] : [1, 2, 4]) {
  const runs = join(folder, `jobs-${jobs}`);
  rmSync(runs, {recursive: true, force: true});
  const began = performance.now();
  const done = shown(`${jobs} at a time`, process.execPath, [
    ...[pipeline, 'run', ...little, '--seeds', '4', '--set', `learner.epochs=${values.cpu ? 1 : 4}`],
    ...['--engine', 'torch', '--plain', '--runs', runs, '--jobs', String(jobs)],
  ]);
  results.jobs[jobs] = done ? (performance.now() - began) / 1000 : null;
  console.log(`    ${jobs} at a time: ${done ? format(results.jobs[jobs]) : 'failed'}`);
}
results.versions = Object.fromEntries(versions);
writeFileSync(join(folder, 'gpu.json'), `${JSON.stringify(results, null, 2)}\n`);

const [spec, ...sized] = values.cpu
  ? ['pipelines/quickstart.yaml', '--set', 'learner.epochs=1']
  : [
      'pipelines/iclr2021/fmnist-rotation.yaml',
      '--set',
      'dataset.inliers=[bag]',
      '--set',
      'seeds=1',
      '--set',
      'learner.epochs=64',
    ];
results.passed.cell = shown('one class of Fashion-MNIST', process.execPath, [
  ...[pipeline, 'run', spec, '--engine', 'torch', '--plain', '--runs', join(folder, 'runs')],
  ...sized,
]);
writeFileSync(join(folder, 'gpu.json'), `${JSON.stringify(results, null, 2)}\n`);
console.log(`\nkept in ${join(folder, 'gpu.json')}`);
process.exit(Object.values(results.passed).every(Boolean) ? 0 : 1);
