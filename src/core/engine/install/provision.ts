/**
 * Which engine can be had, and how to get the better one: TensorFlow's C library out of its pip wheel, and tfjs-node's
 * binding compiled against it, in a cache outside node_modules. Loads no tfjs: see `engine.ts` for that.
 */
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, statSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, rename, rm, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {cacheHome} from '../../base/cache-home.ts';
import {syncToDisk, walk, writeFileAtomic} from '../../base/files.ts';
import {acquireLock, describeHolder} from '../../base/lock.ts';
import {defaultThreads, type EngineChoice, type EngineName, type ResolvedEngine} from '../contract.ts';
import {BINDING_FILE} from '../tensorflow/tensorflow.ts';
import {CommandError, runCommand} from './command.ts';
import {allowsUnpinned, fetchWheels, TENSORFLOW_VERSION, unpackWheels, type Variant, wheelsFor} from './wheels.ts';

export interface ProvisionProgress {
  /** What is being done, in words: `download TensorFlow 2.21.0`. */
  readonly step: string;
  /** 0 … 1 of this step, where it is known. */
  readonly fraction?: number;
}

export interface ProvisionOptions {
  report?(progress: ProvisionProgress): void;
  readonly signal?: AbortSignal;
  /** The process's own by default: PATH, CXX, the cache's place and PIPELINE_ALLOW_UNPINNED are read from it. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface ResolveOptions extends ProvisionOptions {
  /** Whether TensorFlow may be downloaded and built now, which takes a minute or two, once. */
  readonly provision: boolean;
  /** Threads for one tensor operation on `tensorflow`. */
  readonly threads?: number;
}

/** Something that TensorFlow needs and that is not there. */
export interface Missing {
  readonly what: string;
  readonly how: string;
}

export interface EngineDescription {
  readonly name: EngineName;
  readonly available: boolean;
  readonly version: string;
  readonly device: string;
  readonly threads: number;
  /** Where its library lies, when it is there. */
  readonly library?: string;
  /** Empty when the engine is there or `pipeline setup` can get it. */
  readonly missing: readonly Missing[];
  /** One sentence for people: what there is, or what would get it. */
  readonly note: string;
}

/** Seconds that `auto` does not try again to provision after it failed; `pipeline setup` always tries. */
const FAILURE_HOLDS = 24 * 3600;

const require = createRequire(import.meta.url);

/**
 * Decides which engine computes. `auto` takes TensorFlow where its library is, or may be and can be got, and otherwise
 * wasm with a remark; webgpu is for those who name it. Throws, with what to do, when a named engine can't be had.
 */
export async function resolveEngine(choice: EngineChoice, options: ResolveOptions): Promise<ResolvedEngine> {
  const {env = process.env, provision, threads = defaultThreads, signal} = options;
  if (choice === 'wasm') return {name: 'wasm', threads: 1};
  if (choice === 'webgpu') {
    const {findAdapter} = await import('../webgpu/webgpu.ts');
    await findAdapter(); // throws, with what to do, when there is none
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
    if (!provision) throw new Error('the tensorflow engine is not set up here; run "pipeline setup"');
    return tensorflow(await provisionTensorflow(options));
  }
  const wasm = (why: string): ResolvedEngine => ({
    name: 'wasm',
    threads: 1,
    remark: `computing on wasm, several times slower than TensorFlow: ${why}`,
  });
  const missing = await findMissing(env);
  if (missing.length > 0) return wasm(inWords(missing));
  if (!provision) return wasm('its library is not set up here (run "pipeline setup")');
  const failed = recentFailure(env);
  if (failed !== undefined) return wasm(`setting it up failed lately: ${failed} ("pipeline setup" tries again)`);
  try {
    return tensorflow(await provisionTensorflow(options));
  } catch (error) {
    if (signal?.aborted) throw error;
    return wasm(`setting it up failed: ${firstLine(error)} ("pipeline setup" tries again)`);
  }
}

/**
 * What `resolveEngine` will give, without a look at the machine's GPUs and without setting anything up; undefined: that would
 * have to be tried. For those who only ask whether a cached number is of the same engine.
 */
export function askedEngine(
  choice: EngineChoice,
  {threads = defaultThreads, env = process.env}: Pick<ResolveOptions, 'threads' | 'env'> = {},
): Pick<ResolvedEngine, 'name' | 'threads'> | undefined {
  if (choice === 'wasm' || choice === 'webgpu') return {name: choice, threads: 1};
  const folders = [libraryFolder('cpu', env), libraryFolder('cuda', env), packagedLibrary()];
  return choice === 'tensorflow' || folders.some(isWhole) ? {name: 'tensorflow', threads} : undefined;
}

/**
 * Makes TensorFlow's library usable and returns its folder: at once when it is there, otherwise after download, check,
 * compilation and a trial load. Whole or absent; one process at a time, the others wait for its result. Where an NVIDIA
 * GPU answers, the GPU's library is tried first, and the CPU's is the fall-back.
 */
export async function provisionTensorflow(options: ProvisionOptions = {}): Promise<string> {
  const {env = process.env, signal, report} = options;
  if (!wantsGpu(env)) return findLibrary(env) ?? provisionVariant('cpu', options);
  try {
    return await provisionVariant('cuda', options);
  } catch (error) {
    signal?.throwIfAborted();
    report?.({step: `the GPU's TensorFlow can't be set up (${firstLine(error)}): taking the CPU's`});
    return findLibrary(env) ?? provisionVariant('cpu', options);
  }
}

async function provisionVariant(variant: Variant, options: ProvisionOptions): Promise<string> {
  const {env = process.env, signal, report} = options;
  const missing = await findMissing(env);
  if (missing.length > 0) throw new Error(`TensorFlow can't be set up here: ${inWords(missing)}`);
  const target = libraryFolder(variant, env);
  await mkdir(dirname(target), {recursive: true});
  const lock = await acquireLock(`${target}.lock`, {
    ...(signal && {signal}),
    onWait: (holder) => report?.({step: `wait for ${describeHolder(holder)}, which sets TensorFlow up`}),
  });
  try {
    if (isWhole(target)) return target;
    await sweepDrafts(target);
    const draft = await mkdtemp(`${target}.draft-`);
    try {
      await build(variant, draft, options);
      // After a power cut, too, what has the name is whole: nothing else looks at the library's content again.
      await Promise.all([...walk(draft).map((name) => join(draft, name)), draft].map(syncToDisk));
      await rm(target, {recursive: true, force: true});
      await rename(draft, target);
      await syncToDisk(dirname(target));
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

/** For `pipeline doctor`: all engines, what they would run on, what is missing and how to get it. What `auto` takes comes first. */
export async function describeEngines(
  env: NodeJS.ProcessEnv = process.env,
  threads: number = defaultThreads,
): Promise<readonly EngineDescription[]> {
  const library = findLibrary(env);
  const missing = library === undefined ? await findMissing(env) : [];
  const failed = library === undefined ? recentFailure(env) : undefined;
  const notSetUp =
    failed === undefined ? 'not set up yet; "pipeline setup" gets it' : `setting it up failed: ${failed}`;
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
            ? "can't be set up here"
            : notSetUp,
    },
    {
      name: 'wasm',
      available: true,
      version: (require('@tensorflow/tfjs-backend-wasm/package.json') as {version: string}).version,
      device: 'cpu',
      threads: 1,
      missing: [],
      note: 'always there; several times slower than TensorFlow',
    },
    await describeWebgpu(),
  ];
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
    return {...always, available: true, device: name, note: 'ready where it is asked for: "--engine webgpu"'};
  } catch (error) {
    return {...always, available: false, device: 'no gpu', note: firstLine(error)};
  }
}

// ------------------------------------------------------------------------------------------------------------ finding

/** `<cache>/tensorflow/2.21.0-cpu-linux-x64-napi8`: one build serves every Node version, for the binding is N-API. */
export function libraryFolder(variant: Variant, env: NodeJS.ProcessEnv): string {
  return join(
    cacheHome(env),
    'tensorflow',
    `${TENSORFLOW_VERSION}-${variant}-${process.platform}-${process.arch}-napi8`,
  );
}

/** The best library that is there: ours for a GPU where there is one, ours, or what tfjs-node's own installer has put in place. */
export function findLibrary(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const ours = wantsGpu(env) ? [libraryFolder('cuda', env), libraryFolder('cpu', env)] : [libraryFolder('cpu', env)];
  return [...ours, packagedLibrary()].find(isWhole);
}

const packagedLibrary = (): string => join(tfjsNode(), 'lib', 'napi-v8');

function isWhole(folder: string): boolean {
  return existsSync(join(folder, BINDING_FILE));
}

function versionOf(library: string): string {
  try {
    return (JSON.parse(readFileSync(join(library, 'manifest.json'), 'utf8')) as {version: string}).version;
  } catch {
    return 'as installed by tfjs-node';
  }
}

function tfjsNode(): string {
  return dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

/** Whether there is an NVIDIA GPU that answers, and a TensorFlow for it. A driver without a device answers with an error. */
function wantsGpu(env: NodeJS.ProcessEnv): boolean {
  const smi = onPath('nvidia-smi', env);
  if (smi === undefined || wheelsFor('cuda', process.platform, process.arch) === undefined) return false;
  return spawnSync(smi, ['-L'], {env, timeout: 10_000, stdio: 'ignore'}).status === 0;
}

function gpuRemark(env: NodeJS.ProcessEnv, library: string): string | undefined {
  if (library !== libraryFolder('cpu', env) || !wantsGpu(env)) return undefined;
  return 'the NVIDIA GPU is not used: its TensorFlow is not set up here ("pipeline setup" gets it)';
}

function onPath(command: string, env: NodeJS.ProcessEnv): string | undefined {
  if (command.includes('/')) return existsSync(command) ? command : undefined;
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

const findPython = (env: NodeJS.ProcessEnv) => onPath('python3', env) ?? onPath('python', env);

function findCompiler(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['CXX'];
  return named ? onPath(named, env) : (onPath('g++', env) ?? onPath('c++', env) ?? onPath('clang++', env));
}

function inWords(missing: readonly Missing[]): string {
  return missing.map(({what, how}) => `${what} (${how})`).join('; ');
}

async function findMissing(env: NodeJS.ProcessEnv): Promise<readonly Missing[]> {
  const wheels = wheelsFor('cpu', process.platform, process.arch);
  if (wheels === undefined)
    return [
      {
        what: `TensorFlow's library is not published for ${process.platform} on ${process.arch}`,
        how: 'use Linux on x64',
      },
    ];
  const missing: Missing[] = [];
  if (wheels.files.size === 0 && !allowsUnpinned(env))
    missing.push({
      what: `no checksum is pinned for TensorFlow on ${process.arch}`,
      how: 'set PIPELINE_ALLOW_UNPINNED=1 to trust the package index',
    });
  const python = findPython(env);
  if (python === undefined) missing.push({what: 'Python 3 is not on PATH', how: 'install python3 and pip'});
  else {
    try {
      await runCommand(python, ['-m', 'pip', '--version'], {env, quietSeconds: 60});
    } catch {
      missing.push({what: `${python} has no pip`, how: 'install python3-pip'});
    }
  }
  if (findCompiler(env) === undefined)
    missing.push(
      env['CXX']
        ? {what: `CXX names ${env['CXX']}, which is not there`, how: 'unset CXX or install it'}
        : {what: 'no C++ compiler is on PATH', how: 'install g++'},
    );
  return missing;
}

// ----------------------------------------------------------------------------------------------------------- building

async function build(variant: Variant, draft: string, options: ProvisionOptions): Promise<void> {
  const {env = process.env, signal, report} = options;
  const set = wheelsFor(variant, process.platform, process.arch)!;
  const python = findPython(env)!;
  const during = (step: string) => {
    report?.({step});
    const progress = (fraction: number | undefined) =>
      report?.({step, ...(fraction !== undefined && Number.isFinite(fraction) && {fraction})});
    return {python, env, progress, ...(signal && {signal})};
  };
  const work = join(draft, 'work');
  const wheels = await fetchWheels(set, work, during(`download TensorFlow ${TENSORFLOW_VERSION} (${variant})`));
  await unpackWheels(wheels, draft, during('unpack its library'));
  await compile(draft, findCompiler(env)!, during('compile the binding'));
  during('try it');
  await runCommand(process.execPath, ['-e', `require(${JSON.stringify(join(draft, BINDING_FILE))})`], {
    env: {...env, TF_CPP_MIN_LOG_LEVEL: '2'},
    quietSeconds: 120,
    ...(signal && {signal}),
  });
  const manifest = {
    version: TENSORFLOW_VERSION,
    variant,
    wheels: wheels.map((path) => path.slice(dirname(path).length + 1)),
  };
  await writeFile(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await rm(work, {recursive: true, force: true});
  await rm(join(draft, 'include'), {recursive: true, force: true});
}

async function compile(
  folder: string,
  compiler: string,
  {env, signal}: {readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal},
): Promise<void> {
  const sources = join(tfjsNode(), 'binding');
  const files = (await readdir(sources)).filter((name) => name.endsWith('.cc')).map((name) => join(sources, name));
  const {include_dir: nodeApi} = require('node-api-headers') as {include_dir: string};
  await runCommand(
    compiler,
    [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', `-I${nodeApi}`, `-I${join(folder, 'include')}`],
      ...files,
      ...[`-L${folder}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
      // RPATH rather than RUNPATH: it also serves the libraries that TensorFlow opens by name (CUDA's).
      ...['-Wl,--disable-new-dtags', '-Wl,-rpath,$ORIGIN', '-o', join(folder, BINDING_FILE)],
    ],
    {env, quietSeconds: 600, ...(signal && {signal})},
  );
}

/** What earlier processes left when they were killed; under the lock nobody else can own it. */
async function sweepDrafts(target: string): Promise<void> {
  const prefix = `${target}.draft-`;
  for (const name of await readdir(dirname(target))) {
    const path = join(dirname(target), name);
    if (path.startsWith(prefix)) await rm(path, {recursive: true, force: true});
  }
}

function failureFile(env: NodeJS.ProcessEnv): string {
  return `${libraryFolder('cpu', env)}.failed`;
}

function recentFailure(env: NodeJS.ProcessEnv): string | undefined {
  const file = failureFile(env);
  try {
    const {mtimeMs} = statSync(file);
    return Date.now() - mtimeMs < FAILURE_HOLDS * 1000 ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n');
  // A command's last line says more than that it failed.
  return error instanceof CommandError && lines.length > 1 ? `${lines[0]} ${lines.at(-1)}` : (lines[0] ?? '');
}
