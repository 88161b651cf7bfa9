/**
 * What the engine `torch` does on a machine with an NVIDIA GPU: `node scripts/measure-gpu.mjs [folder of results]`, after `npm ci`. It needs Python with a
 * PyTorch that has CUDA on PATH (PIPELINE_BENCH_PYTHON names another Python), and a compiler with CUDA's headers. `--cpu` tries the script itself
 * without a GPU, on sizes that say nothing.
 *
 * In turn: set up, tests of the engine, training steps against PyTorch's own (one by one, and compiled into CUDA graphs), and one class of
 * Fashion-MNIST, 64 epochs (the paper: 2048). Numbers are printed and kept in `gpu.json`.
 */
import {spawnSync} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
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

console.log('\n== training steps, ResNet-18, inputs/s in turns: median (range)');
const sizes = values.cpu ? [['0.125', 16, 2]] : [64, 256, 1024].map((batch) => ['1', batch, Math.max(5, 6400 / batch)]);
const cuda = values.cpu ? [] : ['cuda'];
for (const learner of ['rotation', 'contrastive'])
  for (const [width, batch, steps] of sizes)
    for (const precision of values.cpu ? ['float32', 'bf16'] : ['float32', 'tf32', 'bf16']) {
      const args = [width, String(batch), '2', learner];
      const words = precision === 'float32' ? [] : [precision];
      const ours =
        (...more) =>
        () =>
          peer(process.execPath, [script('ours.js'), ...args, 'torch', ...words, ...more]);
      const theirs =
        (...more) =>
        () =>
          peer(python, [script('resnet_torch.py'), ...args, ...cuda, ...words, ...more]);
      const contestants = {
        'ours, recorded': ours(),
        'ours, one by one': ours('eager'),
        'PyTorch, one by one': theirs(),
        ...(values.cpu ? {} : {'PyTorch, CUDA graphs': theirs('graphs')}),
      };
      const figures = await contest(
        contestants,
        async (one) => (batch * steps) / (await one.run(steps)),
        values.cpu ? 1 : 5,
      );
      results.steps.push({learner, width, batch, precision, figures});
      console.log(`${learner}, width ${width}, batch ${batch}, ${precision}`);
      for (const [who, all] of Object.entries(figures))
        console.log(
          `    ${who.padEnd(22)} ${format(median(all))}  (${format(Math.min(...all))} – ${format(Math.max(...all))})`,
        );
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
