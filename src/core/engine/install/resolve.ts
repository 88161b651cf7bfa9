/** Which engine computes. Loads no tfjs: see `engine.ts` for that. */
import {defaultThreads, type EngineChoice, type ResolvedEngine} from '../contract.ts';
import type {ProvisionOptions} from './build.ts';
import {firstLine} from './command.ts';
import {findLibrary, gpuRemark, isWhole, libraryFolder, recentFailure} from './library.ts';
import {provisionTensorflow} from './provision.ts';
import {findMissing, inWords} from './tools.ts';

export interface ResolveOptions extends ProvisionOptions {
  /** Whether TensorFlow may be downloaded and built now, which takes a minute or two, once. */
  readonly provision: boolean;
  /** Threads for one tensor operation on `tensorflow`. */
  readonly threads?: number;
}

/**
 * Decides which engine computes. `auto` chooses TensorFlow if its library is installed, or may and can be, otherwise onnx with a
 * remark, or wasm if ONNX Runtime is not available; webgpu is only used if it is named. Throws, with what to do, if a named engine
 * is not available.
 */
export async function resolveEngine(choice: EngineChoice, options: ResolveOptions): Promise<ResolvedEngine> {
  const {env = process.env, provision, threads = defaultThreads, signal} = options;
  if (choice === 'wasm') return {name: 'wasm', threads: 1};
  if (choice === 'onnx') return onnxEngine(threads);
  if (choice === 'webgpu') {
    const {findAdapter} = await import('../webgpu/webgpu.ts');
    await findAdapter(); // throws, with what to do, if there is none
    return {name: 'webgpu', threads: 1};
  }
  const tensorflow = (library: string): ResolvedEngine => ({
    name: 'tensorflow',
    library,
    threads,
    ...(library === libraryFolder('cuda', env) && {gpu: true}),
  });
  const there = findLibrary(env);
  if (there !== undefined) {
    const remark = gpuRemark(env, there);
    return {...tensorflow(there), ...(remark && {remark})};
  }
  if (choice === 'tensorflow') {
    if (!provision) throw new Error('the tensorflow engine is not set up on this machine; run "pipeline setup"');
    return tensorflow(await provisionTensorflow(options));
  }
  const fallBack = async (why: string): Promise<ResolvedEngine> => {
    try {
      return {...(await onnxEngine(threads)), remark: `computing on ONNX Runtime, slower than TensorFlow: ${why}`};
    } catch {
      return {name: 'wasm', threads: 1, remark: `computing on wasm, several times slower than TensorFlow: ${why}`};
    }
  };
  const missing = await findMissing(env);
  if (missing.length > 0) return await fallBack(inWords(missing));
  if (!provision) return await fallBack('its library is not set up on this machine (run "pipeline setup")');
  const failed = recentFailure(env);
  if (failed !== undefined)
    return await fallBack(`setting it up failed recently: ${failed} ("pipeline setup" tries again)`);
  try {
    return tensorflow(await provisionTensorflow(options));
  } catch (error) {
    if (signal?.aborted) throw error;
    return await fallBack(`setting it up failed: ${firstLine(error)} ("pipeline setup" tries again)`);
  }
}

/** Throws, with what to do, if ONNX Runtime or its fast convolutions are not available. */
export async function onnxEngine(threads: number): Promise<ResolvedEngine> {
  const {blockSize} = await import('../onnx/start.ts');
  try {
    blockSize();
  } catch (error) {
    throw new Error(`the onnx engine is not available on this machine (${firstLine(error)}); use "--engine wasm"`);
  }
  return {name: 'onnx', threads};
}

/**
 * The result of `resolveEngine`, without checking the machine's GPUs and without setting anything up; undefined: it is not known
 * without trying. For callers that only ask whether a cached number is from the same engine.
 */
export function askedEngine(
  choice: EngineChoice,
  {threads = defaultThreads, env = process.env}: Pick<ResolveOptions, 'threads' | 'env'> = {},
): Pick<ResolvedEngine, 'name' | 'threads'> | undefined {
  if (choice === 'wasm' || choice === 'webgpu') return {name: choice, threads: 1};
  if (choice === 'onnx') return {name: choice, threads};
  const folders = [libraryFolder('cpu', env), libraryFolder('cuda', env)];
  return choice === 'tensorflow' || folders.some(isWhole) ? {name: 'tensorflow', threads} : undefined;
}
