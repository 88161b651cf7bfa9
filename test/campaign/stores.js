/** What trials begin with: a spec, a plug-in of its own, a store that no fault has touched; and what is true of it. */
import {execFileSync, spawn} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {fileURLToPath, pathToFileURL} from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(dirname(here));
const preload = pathToFileURL(join(here, 'preload.js')).href;

/** Two projects, each in two versions that only the content of one file tells apart. `learner`: as task ids call it. */
export const projects = {
  code: {learner: 'untrained', file: 'own.js', content: (version) => code(version)},
  photos: {learner: 'rotation', file: join('photos', 'train', 'good', '0.bmp'), content: (version) => bitmap(version)},
};

/** The version that lies in a folder. */
export function versionIn(folder, {file, content}) {
  const found = readFileSync(join(folder, file));
  return [1, -1].find((version) => found.equals(Buffer.from(content(version))));
}

export const write = (folder, {file, content}, version) => writeFileSync(join(folder, file), content(version));

const spec = `name: camp
plugins: ./own.js
dataset: {type: synthetic, size: 8, train: 12, test: 12, classes: 3, normal_classes: [stripes, blobs]}
learner: {type: untrained, network: {type: small, width: 4}}
classifiers: [kde, own]
metrics: [auc, fpr95]
seeds: 2
`;

const photosSpec = (epochs) => `name: camp
plugins: ./own.js
dataset: {type: image-folder, folder: photos, size: 8, normal: good, normal_classes: [good]}
learner: {type: rotation, network: {type: small, width: 4}, epochs: ${epochs}, batch: 4}
augment: []
classifiers: [kde, own]
metrics: [auc, fpr95]
seeds: 2
`;

/** 8 × 8 pixels in 24 bits: stripes of a width, brighter from image to image. */
function bitmap(seed) {
  const side = 8;
  const bytes = Buffer.alloc(54 + 3 * side * side);
  bytes.write('BM');
  for (const [at, value] of [
    [2, bytes.length],
    [10, 54],
    [14, 40],
    [18, side],
    [22, side],
    [34, 3 * side * side],
  ])
    bytes.writeUInt32LE(value, at);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let i = 0; i < 3 * side * side; i++) {
    const [row, column] = [Math.floor(i / (3 * side)), Math.floor(i / 3) % side];
    bytes[54 + i] = (128 + 60 * Math.sin(column * (1 + (Math.abs(seed) % 3)) + seed) + 7 * row) & 255;
  }
  return bytes;
}

/** The plug-in in two versions that only their code tells apart. */
const code = (sign) => `const K = ${sign};
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
function project(folder, text) {
  mkdirSync(folder, {recursive: true});
  writeFileSync(join(folder, 'spec.yaml'), text);
  writeFileSync(join(folder, 'own.js'), code(1));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
}

/** `epochs`: of its trainings. */
export function photosProject(folder, epochs) {
  project(folder, photosSpec(epochs));
  let seed = 1;
  for (const [place, count] of [
    ['train/good', 9],
    ['test/good', 6],
    ['test/bad', 6],
  ]) {
    mkdirSync(join(folder, 'photos', place), {recursive: true});
    for (let i = 0; i < count; i++, seed++) writeFileSync(join(folder, 'photos', place, `${i}.bmp`), bitmap(seed));
  }
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
 * Makes them once. Each has its project, and the numbers that are true for either version of that. `empty` and `photos`: nothing has run;
 * `filled`: three runs; `stopped`: a training was killed, and has left a checkpoint. `usual`: the seconds of a run that computes half of
 * the spec.
 */
export async function makeStores(folder) {
  const at = (name) => join(folder, name);
  project(at('empty'), spec);
  const truth = {};
  let usual;
  for (const version of [-1, 1]) {
    rmSync(at('filled'), {recursive: true, force: true});
    cpSync(at('empty'), at('filled'), {recursive: true});
    write(at('filled'), projects.code, version);
    await must(at('filled'), ['run', 'spec.yaml', '--seeds', '1', '--quiet']);
    const began = performance.now();
    await must(at('filled'), ['run', 'spec.yaml', '--quiet']);
    usual = (performance.now() - began) / 1000;
    truth[version] = await truthIn(at('filled'));
  }
  await must(at('filled'), ['run', 'spec.yaml', '--quiet']);
  photosProject(at('photos'), 8);
  const photosTruth = {};
  for (const version of [-1, 1]) {
    const whole = at(`whole${version}`);
    cpSync(at('photos'), whole, {recursive: true});
    write(whole, projects.photos, version);
    await must(whole, ['run', 'spec.yaml', '--quiet']);
    photosTruth[version] = await truthIn(whole);
  }
  do {
    rmSync(at('stopped'), {recursive: true, force: true, maxRetries: 10, retryDelay: 100}); // its worker may still write
    cpSync(at('photos'), at('stopped'), {recursive: true});
    await stopInTraining(at('stopped'));
  } while (!hasCheckpoint(at('stopped')));
  const ofCode = {project: 'code', truth, usual};
  const ofPhotos = {project: 'photos', truth: photosTruth, usual};
  return {
    empty: {folder: at('empty'), ...ofCode},
    filled: {folder: at('filled'), ...ofCode},
    photos: {folder: at('photos'), ...ofPhotos},
    stopped: {folder: at('stopped'), ...ofPhotos},
  };
}

/** Files that trainings have left to go on from. */
export function checkpointsIn(folder) {
  const scratch = join(folder, 'runs', 'cache', 'scratch');
  if (!existsSync(scratch)) return [];
  return readdirSync(scratch, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The name of the file that is written last. Folders may be renamed while one looks into them. */
function hasCheckpoint(folder) {
  try {
    return checkpointsIn(folder).some((path) => path.endsWith('/checkpoint'));
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Kills a run as soon as a training has left a checkpoint. */
async function stopInTraining(folder) {
  const {child, done} = start(folder, ['run', 'spec.yaml', '--plain', '--checkpoint-every', '0']);
  let over = false;
  void done.then(() => {
    over = true;
  });
  while (!over && !hasCheckpoint(folder)) await wait(2);
  if (!over) process.kill(-child.pid, 'SIGKILL');
  await done;
}

/** The numbers that the latest run has. */
export const truthIn = async (folder) =>
  truthOf(
    await must(folder, ['compare', 'camp', '--metric', 'all', '--json']),
    await must(folder, ['show', 'latest', '--json']),
  );

/** What a command prints, which must end well. */
export async function must(folder, args, env = {}) {
  const {status, text} = await start(folder, args, {env}).done;
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
