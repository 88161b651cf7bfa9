/**
 * TensorFlow's C library out of its pip wheel, and tfjs-node's binding (`tfjs-node.ts`) compiled against it, in a cache
 * outside node_modules. Loads no tfjs: see `engine.ts` for that.
 */
import {mkdir, mkdtemp, readdir, rename, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {syncToDisk, walk, writeFileAtomic} from '../../base/files.ts';
import {acquireLock, describeHolder} from '../../base/lock.ts';
import {build, type ProvisionOptions} from './build.ts';
import {firstLine} from './command.ts';
import {failureFile, findLibrary, isUsable, isWhole, libraryFolder, wantsGpu} from './library.ts';
import {fetchBackend, hasBackend} from './tfjs-node.ts';
import {findMissing, findNpm, findPython, inWords} from './tools.ts';
import type {Variant} from './wheels.ts';

/**
 * Makes TensorFlow's library usable and returns its folder: immediately if it is installed, otherwise after download, check,
 * compilation and a trial load. The folder is complete or absent; one process works at a time, the others wait for its result. If
 * there is an NVIDIA GPU, the library for it is tried first, and that for the CPU is the fall-back.
 */
export async function provisionTensorflow(options: ProvisionOptions = {}): Promise<string> {
  const {env = process.env, signal, report} = options;
  if (!wantsGpu(env)) return findLibrary(env) ?? provisionVariant('cpu', options);
  try {
    return await provisionVariant('cuda', options);
  } catch (error) {
    signal?.throwIfAborted();
    report?.({step: `TensorFlow for the GPU cannot be set up (${firstLine(error)}); using TensorFlow for the CPU`});
    return findLibrary(env) ?? provisionVariant('cpu', options);
  }
}

async function provisionVariant(variant: Variant, options: ProvisionOptions): Promise<string> {
  const {env = process.env, signal, report} = options;
  const missing = await findMissing(env);
  if (missing.length > 0) throw new Error(`TensorFlow cannot be set up on this machine: ${inWords(missing)}`);
  const target = libraryFolder(variant, env);
  await mkdir(dirname(target), {recursive: true});
  const lock = await acquireLock(`${target}.lock`, {
    ...(signal && {signal}),
    onWait: (holder) => report?.({step: `wait for ${describeHolder(holder)}, which sets TensorFlow up`}),
  });
  try {
    if (isUsable(target)) return target;
    await sweepDrafts(target);
    const draft = await mkdtemp(`${target}.draft-`);
    try {
      if (!hasBackend(target)) {
        report?.({step: "fetch the binding's sources"});
        const tools = {npm: findNpm(env)!, python: findPython(env)!, env, ...(signal && {signal})};
        await fetchBackend(target, join(draft, 'package'), tools);
      }
      if (!isWhole(target)) {
        await build(variant, draft, options);
        // A folder with this name must be complete even after a power cut, because the library's content is not checked again.
        await Promise.all([...walk(draft).map((name) => join(draft, name)), draft].map(syncToDisk));
        await rm(target, {recursive: true, force: true});
        await rename(draft, target);
        await syncToDisk(dirname(target));
      }
      await rm(failureFile(env), {force: true});
      return target;
    } catch (error) {
      if (!signal?.aborted) await writeFileAtomic(failureFile(env), firstLine(error));
      throw error;
    } finally {
      await rm(draft, {recursive: true, force: true});
    }
  } finally {
    lock.release();
  }
}

/** Remains of earlier processes that were killed; while we hold the lock, they belong to nobody else. */
async function sweepDrafts(target: string): Promise<void> {
  const prefix = `${target}.draft-`;
  for (const name of await readdir(dirname(target))) {
    const path = join(dirname(target), name);
    if (path.startsWith(prefix)) await rm(path, {recursive: true, force: true});
  }
}
