/** Compiles the engine's binding against PyTorch: the installed Python package, or the one that is fetched where there is none. */
import {existsSync, readdirSync} from 'node:fs';
import {mkdir, mkdtemp, rename, rm, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {availableParallelism} from 'node:os';
import {dirname, join} from 'node:path';
import {syncToDisk, walk} from '../../base/files.ts';
import {acquireLock, describeHolder} from '../../base/lock.ts';
import type {ProvisionOptions} from '../install/build.ts';
import {runCommand} from '../install/command.ts';
import {fetchBackend, hasBackend} from '../install/tfjs-node.ts';
import {findCompiler, findNpm, findPython, inWords, missingCompiler} from '../install/tools.ts';
import {fetchWheels, torchWheel} from '../install/wheels.ts';
import {
  BINDING_FILE,
  type Built,
  bindingFolder,
  findBuilt,
  hasCuda,
  nativeFolder,
  sourceFiles,
  sourcesDigest,
  torchVersion,
} from './library.ts';

const require = createRequire(import.meta.url);

/** Seconds for one file: PyTorch's headers are long. */
const patience = 900;

type Running = Pick<ProvisionOptions, 'report'> & {readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal};

/** Makes the engine usable: immediately if it is. The folder is complete or absent; one process works at a time. */
export async function provisionTorch({env = process.env, ...options}: ProvisionOptions = {}): Promise<Built> {
  const running: Running = {...options, env};
  const {report, signal} = options;
  const target = bindingFolder(env);
  await mkdir(dirname(target), {recursive: true});
  const lock = await acquireLock(`${target}.lock`, {
    ...(signal && {signal}),
    onWait: (holder) => report?.({step: `wait for ${describeHolder(holder)}, which sets PyTorch up`}),
  });
  try {
    const installed = findBuilt(env);
    if (installed !== undefined && hasBackend(target) && (await canLoad(target, running))) return installed;
    const compiler = findCompiler(env);
    if (compiler === undefined)
      throw new Error(`the torch engine cannot be set up on this machine: ${inWords([missingCompiler(env)])}`);
    const draft = await mkdtemp(`${target}.draft-`);
    try {
      const torch = (await findTorch(running)) ?? (await fetchTorch(join(dirname(target), 'fetched'), draft, running));
      const headers = hasCuda(torch) ? cudaHeaders(torch, env) : undefined;
      if (!hasBackend(target)) {
        report?.({step: "fetch tfjs's backend"});
        const tools = {npm: findNpm(env)!, python: findPython(env)!, env, ...(signal && {signal})};
        await fetchBackend(target, join(draft, 'package'), tools);
      }
      const built = {torch, version: torchVersion(torch)!, cuda: headers !== undefined, sources: sourcesDigest()};
      report?.({step: `compile the binding against PyTorch ${built.version}`});
      const folder = join(draft, 'binding');
      await mkdir(folder);
      await compile(compiler, torch, headers, folder, running).catch((error: Error) => {
        signal?.throwIfAborted();
        throw new Error(`the binding cannot be compiled against PyTorch ${built.version}: ${error.message}`);
      });
      report?.({step: 'try it'});
      await load(folder, running);
      await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(built, null, 2)}\n`);
      await Promise.all([...walk(folder).map((name) => join(folder, name)), folder].map(syncToDisk));
      await rm(target, {recursive: true, force: true});
      await rename(folder, target);
      await syncToDisk(dirname(target));
      return built;
    } finally {
      await rm(draft, {recursive: true, force: true});
    }
  } finally {
    lock.release();
  }
}

/** In another process: a binding that is broken may end it. */
async function load(folder: string, {env, signal}: Running): Promise<void> {
  const trial = `require(${JSON.stringify(join(folder, BINDING_FILE))}).start({threads: 1, deterministic: true})`;
  await runCommand(process.execPath, ['-e', trial], {env, quietSeconds: 120, ...(signal && {signal})});
}

async function canLoad(folder: string, running: Running): Promise<boolean> {
  try {
    await load(folder, running);
    return true;
  } catch {
    running.signal?.throwIfAborted();
    return false;
  }
}

/** The folder of the package `torch`: that which PIPELINE_TORCH names, or that which Python on PATH would import. */
async function findTorch({env, signal}: Running): Promise<string | undefined> {
  const named = env['PIPELINE_TORCH'];
  if (named) {
    if (torchVersion(named) === undefined)
      throw new Error(
        `PIPELINE_TORCH names ${named}, which is not the folder of the Python package "torch" (no version.py)`,
      );
    return named;
  }
  const python = findPython(env);
  if (python === undefined) return undefined;
  const ask =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
  const found = (await runCommand(python, ['-c', ask], {env, quietSeconds: 60, ...(signal && {signal})})).trim();
  return found !== '' && torchVersion(found) !== undefined ? found : undefined;
}

const UNPACK = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
for name in archive.namelist():
    if name.startswith(('torch/include/', 'torch.libs/')) or name == 'torch/version.py' or (name.startswith('torch/lib/') and '.so' in name):
        archive.extract(name, sys.argv[2])
`;

/** PyTorch for the CPU, unpacked into `target`. One for a GPU has a dozen wheels beside it: it has to be installed by pip. */
async function fetchTorch(target: string, draft: string, {env, signal, report}: Running): Promise<string> {
  const set = torchWheel(process.platform, process.arch);
  const python = findPython(env);
  if (set === undefined || python === undefined)
    throw new Error(
      `the torch engine cannot be set up on this machine: ${python === undefined ? 'Python 3 is not on PATH' : `PyTorch is not published for ${process.platform} on ${process.arch}`}`,
    );
  if (torchVersion(join(target, 'torch')) !== undefined) return join(target, 'torch');
  const step = `download PyTorch (${set.requirement})`;
  report?.({step});
  const progress = (fraction: number | undefined) => report?.({step, ...(fraction !== undefined && {fraction})});
  const [wheel] = await fetchWheels(set, join(draft, 'work'), {python, env, progress, ...(signal && {signal})});
  report?.({step: 'unpack its library'});
  const unpacked = join(draft, 'unpacked');
  await runCommand(python, ['-c', UNPACK, wheel!, unpacked], {env, quietSeconds: 600, ...(signal && {signal})});
  await rm(target, {recursive: true, force: true});
  await rename(unpacked, target);
  return join(target, 'torch');
}

/** CUDA's own folder, and those of NVIDIA's packages that pip installs beside PyTorch. */
function cudaHeaders(torch: string, env: NodeJS.ProcessEnv): readonly string[] {
  const packages = join(dirname(torch), 'nvidia');
  const names = existsSync(packages) ? readdirSync(packages).sort() : [];
  const folders = [env['CUDA_HOME'] || '/usr/local/cuda', ...names.map((name) => join(packages, name))]
    .map((folder) => join(folder, 'include'))
    .filter((folder) => existsSync(folder));
  // The second and the third are in packages that PyTorch itself does not need.
  for (const header of ['cuda_runtime_api.h', 'crt/host_defines.h', 'nv/target'])
    if (!folders.some((folder) => existsSync(join(folder, header))))
      throw new Error(
        `the PyTorch at ${torch} has CUDA, but CUDA's header ${header} is not there (CUDA_HOME, /usr/local/cuda, ${packages}); install CUDA's toolkit, or by pip nvidia-cuda-crt and nvidia-cuda-cccl of PyTorch's version of CUDA`,
      );
  return folders;
}

/** `cuda`: folders of CUDA's headers; undefined: PyTorch is for the CPU. */
async function compile(
  compiler: string,
  torch: string,
  cuda: readonly string[] | undefined,
  folder: string,
  {env, signal}: Running,
): Promise<void> {
  const {include_dir: nodeApi} = require('node-api-headers') as {include_dir: string};
  const include = join(torch, 'include');
  const ofCuda = cuda ? ['-DPIPELINE_CUDA', ...cuda.map((headers) => `-I${headers}`)] : [];
  const flags = [
    ...['-std=c++20', '-O2', '-fPIC', '-w', '-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=torch_binding', ...ofCuda],
    ...[`-I${nodeApi}`, `-I${include}`, `-I${join(include, 'torch', 'csrc', 'api', 'include')}`],
  ];
  const running = {env, quietSeconds: patience, ...(signal && {signal})};
  const waiting = sourceFiles().filter((name) => name.endsWith('.cc'));
  const objects = waiting.map((name) => join(folder, `${name}.o`));
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      await runCommand(compiler, [...flags, '-c', join(nativeFolder, name), '-o', join(folder, `${name}.o`)], running);
  };
  // A file takes half a minute and half a gigabyte.
  await Promise.all(Array.from({length: Math.min(waiting.length, availableParallelism())}, work));
  const lib = join(torch, 'lib');
  // What registers itself when it is loaded must be linked, though nothing calls it.
  const libraries = ['-ltorch', '-ltorch_cpu', '-lc10', ...(cuda ? ['-ltorch_cuda', '-lc10_cuda'] : [])];
  await runCommand(
    compiler,
    [
      ...['-shared', '-o', join(folder, BINDING_FILE), ...objects, `-L${lib}`, '-Wl,--no-as-needed', ...libraries],
      ...['-Wl,--disable-new-dtags', `-Wl,-rpath,${lib}`],
    ],
    running,
  );
  await Promise.all(objects.map((object) => rm(object)));
}
