/** Which engine computes. Loads no tfjs: see `engine.ts` for that. */
import {defaultThreads, type ResolvedEngine} from '../contract.ts';
import type {ResolveOptions} from '../definition.ts';
import {type EngineChoice, type EngineName, engineNames, engines} from '../engines.ts';
import {findBuilt, hasGpu} from '../torch/library.ts';
import {firstLine} from './command.ts';
import {findLibrary, isWhole, libraryFolder, recentFailure} from './library.ts';
import {findMissing, inWords} from './tools.ts';

/**
 * Decides which engine computes. `auto` takes PyTorch where it is set up for an NVIDIA GPU that answers, TensorFlow where its library is, or may be and can be got, and otherwise
 * the first engine that stands in for it, with a remark. Throws, with what to do, when a named engine can't be had.
 */
export async function resolveEngine(choice: EngineChoice, options: ResolveOptions): Promise<ResolvedEngine> {
  if (choice !== 'auto') return await named(choice, options);
  const {env = process.env} = options;
  if (hasGpu(env)) return await named('torch', options);
  const why = await whyNoTensorflow(options);
  if (why !== undefined) return await standIn(why, options);
  try {
    return await named('tensorflow', options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return await standIn(`setting it up failed: ${firstLine(error)} ("pipeline setup" tries again)`, options);
  }
}

async function named(name: EngineName, options: ResolveOptions): Promise<ResolvedEngine> {
  const threads = threadsOf(name, options.threads);
  return {name, threads, ...(await engines[name].find({...options, threads}))};
}

const threadsOf = (name: EngineName, threads: number = defaultThreads): number =>
  engines[name].threaded ? threads : 1;

/** Undefined: its library is there, or it is worth trying to get it. */
async function whyNoTensorflow({env = process.env, provision}: ResolveOptions): Promise<string | undefined> {
  if (findLibrary(env) !== undefined) return undefined;
  const missing = await findMissing(env);
  if (missing.length > 0) return inWords(missing);
  if (!provision) return 'its library is not set up on this machine (run "pipeline setup")';
  const failed = recentFailure(env);
  return failed && `setting it up failed recently: ${failed} ("pipeline setup" tries again)`;
}

/** The first that can be had; the last, wasm, always can. */
async function standIn(why: string, options: ResolveOptions): Promise<ResolvedEngine> {
  for (const name of engineNames) {
    const {standsIn} = engines[name];
    if (standsIn === undefined) continue;
    try {
      return {...(await named(name, options)), remark: `${standsIn}: ${why}`};
    } catch {
      // the next one
    }
  }
  throw new Error(`Internal error: no engine can be had; TensorFlow not, as ${why}`);
}

/**
 * The result of `resolveEngine`, without checking the machine's GPUs and without setting anything up; undefined: it is not known
 * without trying. For callers that only ask whether a cached number is from the same engine.
 */
export function askedEngine(
  choice: EngineChoice,
  {threads, env = process.env}: Pick<ResolveOptions, 'threads' | 'env'> = {},
): Pick<ResolvedEngine, 'name' | 'threads'> | undefined {
  const folders = [libraryFolder('cpu', env), libraryFolder('cuda', env)];
  if (choice === 'auto' && (!folders.some(isWhole) || findBuilt(env)?.cuda)) return undefined;
  const name = choice === 'auto' ? 'tensorflow' : choice;
  return {name, threads: threadsOf(name, threads)};
}
