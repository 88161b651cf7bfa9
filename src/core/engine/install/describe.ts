/** All engines, as `pipeline doctor` lists them. */
import {createRequire} from 'node:module';
import {defaultThreads, type EngineName} from '../contract.ts';
import {firstLine} from './command.ts';
import {findLibrary, gpuRemark, libraryFolder, recentFailure, versionOf} from './library.ts';
import {onnxEngine} from './resolve.ts';
import {findMissing, type Missing} from './tools.ts';
import {TENSORFLOW_VERSION} from './wheels.ts';

export interface EngineDescription {
  readonly name: EngineName;
  readonly available: boolean;
  readonly version: string;
  readonly device: string;
  readonly threads: number;
  /** Folder of its library; absent if it is not installed. */
  readonly library?: string;
  /** Empty if the engine is installed or `pipeline setup` can install it. */
  readonly missing: readonly Missing[];
  /** One sentence for people: what is available, or how to install it. */
  readonly note: string;
}

const require = createRequire(import.meta.url);

/**
 * For `pipeline doctor`: all engines, what they would run on, what is missing and how to get it. The engine that `auto` chooses
 * comes first.
 */
export async function describeEngines(
  env: NodeJS.ProcessEnv = process.env,
  threads: number = defaultThreads,
): Promise<readonly EngineDescription[]> {
  const library = findLibrary(env);
  const missing = library === undefined ? await findMissing(env) : [];
  const failed = library === undefined ? recentFailure(env) : undefined;
  const notSetUp =
    failed === undefined ? 'not set up yet; "pipeline setup" installs it' : `setting it up failed: ${failed}`;
  return [
    {
      name: 'tensorflow',
      available: library !== undefined,
      version: library === undefined ? TENSORFLOW_VERSION : versionOf(library),
      device: library === libraryFolder('cuda', env) ? 'gpu' : 'cpu',
      threads,
      ...(library !== undefined && {library}),
      missing,
      note:
        library !== undefined
          ? (gpuRemark(env, library) ?? 'ready')
          : missing.length > 0
            ? 'cannot be set up on this machine'
            : notSetUp,
    },
    await describeOnnx(threads),
    {
      name: 'wasm',
      available: true,
      version: (require('@tensorflow/tfjs-backend-wasm/package.json') as {version: string}).version,
      device: 'cpu',
      threads: 1,
      missing: [],
      note: 'always available; several times slower than TensorFlow',
    },
    await describeWebgpu(),
  ];
}

async function describeOnnx(threads: number): Promise<EngineDescription> {
  const always = {
    name: 'onnx',
    version: (require('onnxruntime-node/package.json') as {version: string}).version,
    device: 'cpu',
    threads,
    missing: [],
  } as const;
  try {
    await onnxEngine(threads);
    return {...always, available: true, note: 'ready; trains several times as fast as wasm'};
  } catch (error) {
    return {...always, available: false, note: firstLine(error)};
  }
}

async function describeWebgpu(): Promise<EngineDescription> {
  const {findAdapter} = await import('../webgpu/webgpu.ts');
  const always = {
    name: 'webgpu',
    version: (require('@tensorflow/tfjs-backend-webgpu/package.json') as {version: string}).version,
    threads: 1,
    missing: [],
  } as const;
  try {
    const {name} = await findAdapter();
    return {...always, available: true, device: name, note: 'ready; "--engine webgpu" selects it'};
  } catch (error) {
    return {...always, available: false, device: 'no gpu', note: firstLine(error)};
  }
}
