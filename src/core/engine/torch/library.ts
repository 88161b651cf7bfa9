/** Where PyTorch is, and whether the binding is compiled against it: a folder of the cache, outside node_modules. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {cacheHome} from '../../base/cache-home.ts';
import {type Digest, sha256} from '../../base/canonical.ts';
import {gpuAnswers} from '../install/library.ts';

export const BINDING_FILE = 'torch_binding.node';

/** What was set up: the folder of the Python package `torch` whose headers and libraries were used, and its version. */
export interface Built {
  readonly torch: string;
  readonly version: string;
  readonly cuda: boolean;
  /** SHA-256 of the binding's sources. */
  readonly sources: Digest;
}

/** The binding's sources. */
export const nativeFolder = fileURLToPath(new URL('./native/', import.meta.url));

export const sourceFiles = (): readonly string[] => readdirSync(nativeFolder).sort();

export const sourcesDigest = (): Digest =>
  sha256(JSON.stringify(sourceFiles().map((name) => [name, readFileSync(join(nativeFolder, name), 'utf8')])));

/** `<cache>/torch/linux-x64-napi8`: one build serves every Node version, for the binding is N-API. */
export const bindingFolder = (env: NodeJS.ProcessEnv): string =>
  join(cacheHome(env), 'torch', `${process.platform}-${process.arch}-napi8`);

/** `2.13.0+cpu`, of a folder of the package; undefined if it is none. */
export function torchVersion(folder: string): string | undefined {
  try {
    return /^__version__ = '([^']+)'/m.exec(readFileSync(join(folder, 'version.py'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

export const hasCuda = (folder: string): boolean => existsSync(join(folder, 'lib', 'libtorch_cuda.so'));

/** The binding that was compiled, if it is this version's and the library that it was compiled against is still there. */
export function findBuilt(env: NodeJS.ProcessEnv): Built | undefined {
  try {
    const built = JSON.parse(readFileSync(join(bindingFolder(env), 'manifest.json'), 'utf8')) as Built;
    const isThere = existsSync(join(bindingFolder(env), BINDING_FILE)) && torchVersion(built.torch) === built.version;
    return isThere && built.sources === sourcesDigest() ? built : undefined;
  } catch {
    return undefined;
  }
}

/** Whether what is set up would compute on a GPU: `auto` takes it then. */
export const hasGpu = (env: NodeJS.ProcessEnv): boolean => findBuilt(env)?.cuda === true && gpuAnswers(env);

/** Whether there is a binding, but one that does not count: of other sources, or of a PyTorch that is gone. */
export const isStale = (env: NodeJS.ProcessEnv): boolean =>
  findBuilt(env) === undefined && existsSync(join(bindingFolder(env), 'manifest.json'));
