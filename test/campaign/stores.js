/** What trials begin with: a spec, a plug-in of its own, a store that no fault has touched; and what is true of it. */
import {execFileSync, spawn} from 'node:child_process';
import {cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(dirname(here));
const preload = pathToFileURL(join(here, 'preload.js')).href;

const spec = `name: camp
plugins: ./own.js
dataset: {type: synthetic, size: 8, train: 12, test: 12, classes: 3, normal_classes: [stripes, blobs]}
learner: {type: untrained, network: {type: small, width: 4}}
classifiers: [kde, own]
metrics: [auc, fpr95]
seeds: 2
`;

/** The plug-in in two versions that only their code tells apart. */
export const code = (sign) => `const K = ${sign};
const none = {type: 'object', properties: {}, additionalProperties: false};
export const plugins = [
  {
    kind: 'classifier', name: 'own', version: 1, summary: 'The first feature, with a sign.', options: none, layer: 'pool', row: () => 'own',
    create: () => ({
      fit: () => ({
        score: ({data, rows, columns}) => Float64Array.from({length: rows}, (_, i) => K * data[i * columns]),
        save: () => new Map(),
      }),
      restore: () => { throw new Error('not needed'); },
    }),
  },
];
`;

/** An empty project: nothing has run. */
function project(folder) {
  mkdirSync(folder, {recursive: true});
  writeFileSync(join(folder, 'spec.yaml'), spec);
  writeFileSync(join(folder, 'own.js'), code(1));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
}

/**
 * Starts the command in a process group of its own. `limits`: of a shell's `ulimit`; `env`: for `preload.js`. It is told by `done`:
 * status (or the signal's name) and all that it printed.
 */
export function start(folder, args, {env = {}, limits = []} = {}) {
  const {PIPELINE_RUNS: _, PIPELINE_DATA: __, ...inherited} = process.env;
  const words = [process.execPath, join(root, 'bin', 'pipeline.js'), ...args];
  const script = `${limits.map((limit) => `ulimit ${limit} && `).join('')}exec "$@"`;
  const child = spawn('sh', ['-c', script, 'sh', ...words], {
    cwd: folder,
    env: {
      ...inherited,
      NO_COLOR: '1',
      PIPELINE_ENGINE: 'wasm',
      PIPELINE_JOBS: '1',
      NODE_OPTIONS: `--import=${preload}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
  const done = new Promise((resolve) =>
    child.once('close', (status, signal) => resolve({status: signal ?? status, text})),
  );
  return {child, done};
}

/** The ids of runs that a folder has, oldest first. */
export const runsIn = (folder) =>
  readdirSync(join(folder, 'runs'))
    .filter((name) => /^\d{8}-\d{6}\.\d{3}-/.test(name))
    .sort();

/**
 * Makes them once: `empty`, `filled` (three runs), the numbers that are true for either sign of the plug-in, and `usual`: the seconds of a
 * run that computes half of the spec.
 */
export async function makeStores(folder) {
  const empty = join(folder, 'empty');
  const filled = join(folder, 'filled');
  project(empty);
  const truth = {};
  let usual;
  for (const sign of [-1, 1]) {
    rmSync(filled, {recursive: true, force: true});
    cpSync(empty, filled, {recursive: true});
    writeFileSync(join(filled, 'own.js'), code(sign));
    await must(filled, ['run', 'spec.yaml', '--seeds', '1', '--quiet']);
    const began = performance.now();
    await must(filled, ['run', 'spec.yaml', '--quiet']);
    usual = (performance.now() - began) / 1000;
    truth[sign] = truthOf(
      await must(filled, ['compare', 'camp', '--metric', 'all', '--json']),
      await must(filled, ['show', 'latest', '--json']),
    );
  }
  await must(filled, ['run', 'spec.yaml', '--quiet']);
  return {empty, filled, truth, usual};
}

async function must(folder, args) {
  const {status, text} = await start(folder, args).done;
  if (status !== 0) throw new Error(`pipeline ${args.join(' ')} ended with ${status}:\n${text}`);
  return text;
}

/** `rows`: those of a table of all seeds; `tasks`: the value of every task, classifier and metric. */
function truthOf(compared, shown) {
  const rows = {};
  for (const line of JSON.parse(compared).lines) rows[rowKey(line)] = {ours: line.ours, sd: line.sd};
  const tasks = {};
  for (const {task, classifier, metrics} of JSON.parse(shown).results)
    for (const [metric, value] of Object.entries(metrics)) tasks[`${task} ${classifier} ${metric}`] = value;
  return {rows, tasks};
}

export const rowKey = ({inlier, classifier, metric}) => `${inlier} ${classifier} ${metric}`;

/** With times of files to the last digit, which `cpSync` rounds. */
export function copyStore(from, to) {
  mkdirSync(dirname(to), {recursive: true});
  execFileSync('cp', ['-a', from, to]);
}

export const readTextOf = (folder, name) => readFileSync(join(folder, name), 'utf8');
