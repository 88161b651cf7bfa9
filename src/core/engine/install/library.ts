/** Where TensorFlow's library is, and whether it is installed: a folder of the cache, outside node_modules. */
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {cacheHome} from '../../base/cache-home.ts';
import {BINDING_FILE} from '../tensorflow/tensorflow.ts';
import {hasBackend} from './tfjs-node.ts';
import {onPath} from './tools.ts';
import {TENSORFLOW_VERSION, type Variant, wheelsFor} from './wheels.ts';

/** Seconds for which `auto` does not try again after setting up has failed; `pipeline setup` always tries. */
const FAILURE_HOLDS = 24 * 3600;

/** `<cache>/tensorflow/2.21.0-cpu-linux-x64-napi8`: one build serves every Node version, for the binding is N-API. */
export function libraryFolder(variant: Variant, env: NodeJS.ProcessEnv): string {
  return join(
    cacheHome(env),
    'tensorflow',
    `${TENSORFLOW_VERSION}-${variant}-${process.platform}-${process.arch}-napi8`,
  );
}

/** The best installed library: that for a GPU if there is one, or that for the CPU. */
export function findLibrary(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const variants: readonly Variant[] = wantsGpu(env) ? ['cuda', 'cpu'] : ['cpu'];
  return variants.map((variant) => libraryFolder(variant, env)).find(isUsable);
}

export const isWhole = (library: string): boolean => existsSync(join(library, BINDING_FILE));
export const isUsable = (library: string): boolean => isWhole(library) && hasBackend(library);

export function versionOf(library: string): string {
  try {
    return (JSON.parse(readFileSync(join(library, 'manifest.json'), 'utf8')) as {version: string}).version;
  } catch {
    return TENSORFLOW_VERSION;
  }
}

/** Whether there is an NVIDIA GPU that answers, and a TensorFlow for it. */
export const wantsGpu = (env: NodeJS.ProcessEnv): boolean =>
  wheelsFor('cuda', process.platform, process.arch) !== undefined && gpuAnswers(env);

/** Whether this process may use an NVIDIA GPU, and one answers. A driver without a device answers with an error. */
export function gpuAnswers(env: NodeJS.ProcessEnv): boolean {
  const smi = onPath('nvidia-smi', env);
  if (smi === undefined || allowedGpus(env)?.length === 0) return false;
  return spawnSync(smi, ['-L'], {env, timeout: 10_000, stdio: 'ignore'}).status === 0;
}

/** The NVIDIA GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them. */
export function gpusOf(env: NodeJS.ProcessEnv): readonly string[] {
  const allowed = allowedGpus(env);
  if (allowed !== undefined) return allowed;
  const smi = onPath('nvidia-smi', env);
  if (smi === undefined) return [];
  const {stdout} = spawnSync(smi, ['-L'], {env, timeout: 10_000, encoding: 'utf8'});
  return [...(stdout ?? '').matchAll(/^GPU (\d+):/gm)].map(([, number]) => number!);
}

/** Undefined: all. CUDA reads the list up to the first that can't be. */
function allowedGpus(env: NodeJS.ProcessEnv): readonly string[] | undefined {
  const names = env['CUDA_VISIBLE_DEVICES']?.split(',').map((name) => name.trim());
  const end = names?.findIndex((name) => name === '' || name.startsWith('-')) ?? -1;
  return end < 0 ? names : names!.slice(0, end);
}

export function failureFile(env: NodeJS.ProcessEnv): string {
  return `${libraryFolder('cpu', env)}.failed`;
}

export function recentFailure(env: NodeJS.ProcessEnv): string | undefined {
  const file = failureFile(env);
  try {
    const {mtimeMs} = statSync(file);
    return Date.now() - mtimeMs < FAILURE_HOLDS * 1000 ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
