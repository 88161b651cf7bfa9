/**
 * The parts of npm's tfjs-node-gpu that we use: its backend in JavaScript and the sources of its binding. It is an optional
 * dependency, because its install script downloads another TensorFlow (400 MB); if that fails, npm leaves it out. Then it is
 * fetched as an archive.
 */
import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {mkdir, readdir, readFile, rename, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import type * as TF from '@tensorflow/tfjs';
import {syncToDisk, walk} from '../../base/files.ts';
import type {Binding} from '../tensorflow/binding.ts';
import {runCommand} from './command.ts';

const packageName = '@tensorflow/tfjs-node-gpu';
const version = '4.22.0';
/** Of the archive, as a lock file of npm has it. */
const integrity = 'sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==';

/** Its folder after fetching, complete or absent: beside the folders of TensorFlow's libraries, which all use it. */
export const fetchedFolder = (library: string): string => join(dirname(library), `tfjs-node-gpu-${version}`);

/** Where npm has installed it. */
function installedFolder(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`));
  } catch {
    return undefined;
  }
}

function folderOf(library: string): string | undefined {
  const fetched = fetchedFolder(library);
  return existsSync(fetched) ? fetched : installedFolder();
}

export const hasBackend = (library: string): boolean => folderOf(library) !== undefined;

export interface BackendTools {
  readonly npm: string;
  /** For its reader of archives. */
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/**
 * Fetches it with npm, from the registry that npm is set to; `work` is a new folder on the same disk. Throws if it differs from the
 * published one.
 */
export async function fetchBackend(
  library: string,
  work: string,
  tools: BackendTools,
  expected: string = integrity,
): Promise<void> {
  const {npm, python, ...options} = tools;
  await mkdir(work, {recursive: true});
  await runCommand(npm, ['pack', `${packageName}@${version}`, '--silent'], {...options, cwd: work, quietSeconds: 300});
  const name = (await readdir(work)).find((file) => file.endsWith('.tgz'));
  if (name === undefined) throw new Error(`npm fetched no archive of ${packageName}`);
  const came = `sha512-${createHash('sha512')
    .update(await readFile(join(work, name)))
    .digest('base64')}`;
  if (came !== expected)
    throw new Error(`${packageName} differs from the published package: expected ${expected}, but got ${came}`);
  await runCommand(python, ['-m', 'tarfile', '-e', name, '.'], {...options, cwd: work, quietSeconds: 60});
  const unpacked = join(work, 'package');
  // What its files require: our own tfjs, not a second one, …
  for (const wanted of ['tfjs', 'tfjs-core']) {
    const folder = join(unpacked, 'node_modules', '@tensorflow', wanted);
    await mkdir(folder, {recursive: true});
    await writeFile(
      join(folder, 'index.js'),
      `module.exports = globalThis[Symbol.for('${sharedTfjs.description}')];\n`,
    );
  }
  // … and nothing of TensorBoard, whose messages need one more package.
  await writeFile(join(unpacked, 'dist', 'proto', 'api_pb.js'), 'module.exports = {};\n');
  await Promise.all(walk(unpacked).map((file) => syncToDisk(join(unpacked, file))));
  await mkdir(dirname(fetchedFolder(library)), {recursive: true});
  try {
    await rename(unpacked, fetchedFolder(library));
  } catch (error) {
    if (!existsSync(fetchedFolder(library))) throw error; // another process was faster
  }
}

const sharedTfjs = Symbol.for('pipeline.tfjs');

/** The package's kernels, as it has them: engines replace some of theirs. */
const kernelsOf = new WeakMap<typeof TF, readonly TF.KernelConfig[]>();

/** Registers its kernels with `tf` for the engine `name`; returns its backend over a binding. */
export function loadBackend(tf: typeof TF, library: string, binding: Binding, name = 'tensorflow'): TF.KernelBackend {
  (globalThis as {[sharedTfjs]?: typeof TF})[sharedTfjs] = tf;
  const require = createRequire(import.meta.url);
  restoreRemovedUtilities(require);
  const dist = join(folderOf(library)!, 'dist');
  require(join(dist, 'register_all_kernels.js'));
  const kernels = kernelsOf.get(tf) ?? tf.getKernelsForBackend('tensorflow');
  kernelsOf.set(tf, kernels);
  if (name !== 'tensorflow') for (const kernel of kernels) tf.registerKernel({...kernel, backendName: name});
  const {NodeJSKernelBackend} = require(join(dist, 'nodejs_kernel_backend.js')) as {
    NodeJSKernelBackend: new (binding: Binding, packageName: string) => TF.KernelBackend;
  };
  return new NodeJSKernelBackend(binding, packageName);
}

/** tfjs-node calls two functions of node:util that Node 23 removed; before that it warned of them. */
function restoreRemovedUtilities(require: NodeJS.Require): void {
  const util = require('node:util') as {isNullOrUndefined?: unknown; isArray?: unknown};
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  util.isArray = Array.isArray;
}

/** The C++ files of the binding. */
export async function bindingSources(library: string): Promise<readonly string[]> {
  const folder = join(folderOf(library)!, 'binding');
  return (await readdir(folder)).filter((name) => name.endsWith('.cc')).map((name) => join(folder, name));
}
