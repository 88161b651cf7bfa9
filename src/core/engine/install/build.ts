/** One build of TensorFlow's library: its wheel unpacked, and tfjs-node's binding compiled against it and tried. */
import {rm, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {BINDING_FILE} from '../tensorflow/tensorflow.ts';
import {runCommand} from './command.ts';
import {bindingSources} from './tfjs-node.ts';
import {findCompiler, findPython} from './tools.ts';
import {fetchWheels, TENSORFLOW_VERSION, unpackWheels, type Variant, wheelsFor} from './wheels.ts';

export interface ProvisionProgress {
  /** What is being done, in words: `download TensorFlow 2.21.0`. */
  readonly step: string;
  /** 0 … 1 of this step, if it is known. */
  readonly fraction?: number;
}

export interface ProvisionOptions {
  report?(progress: ProvisionProgress): void;
  readonly signal?: AbortSignal;
  /** Default: that of the process: PATH, CXX, the cache's place and PIPELINE_ALLOW_UNPINNED are read from it. */
  readonly env?: NodeJS.ProcessEnv;
}

const require = createRequire(import.meta.url);

export async function build(variant: Variant, draft: string, options: ProvisionOptions): Promise<void> {
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
  await rm(join(draft, 'package'), {recursive: true, force: true});
}

async function compile(
  folder: string,
  compiler: string,
  {env, signal}: {readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal},
): Promise<void> {
  const files = await bindingSources(folder);
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
