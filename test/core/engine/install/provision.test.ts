import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {sha256} from '../../../../src/core/base/canonical.ts';
import {thisProcess} from '../../../../src/core/base/process-identity.ts';
import {runCommand} from '../../../../src/core/engine/install/command.ts';
import {describeEngines} from '../../../../src/core/engine/install/describe.ts';
import {findLibrary, libraryFolder} from '../../../../src/core/engine/install/library.ts';
import {provisionTensorflow} from '../../../../src/core/engine/install/provision.ts';
import {askedEngine, resolveEngine} from '../../../../src/core/engine/install/resolve.ts';
import {
  bindingSources,
  fetchBackend,
  fetchedFolder,
  loadBackend,
} from '../../../../src/core/engine/install/tfjs-node.ts';
import {checkWheel, wheelsFor} from '../../../../src/core/engine/install/wheels.ts';

// The texts name the platform; elsewhere TensorFlow's library is not published and none of this can be tried.
const supported = process.platform === 'linux' && process.arch === 'x64';

/** Programs on a PATH of their own, a cache of their own. */
let world: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  world = mkdtempSync(join(tmpdir(), 'provision-'));
  mkdirSync(join(world, 'bin'));
  for (const tool of ['sh', 'cat', 'mkdir', 'cp']) link(tool);
  program('npm', 'exit 1');
  env = {PATH: join(world, 'bin'), PIPELINE_CACHE_HOME: join(world, 'cache'), OMP_NUM_THREADS: '3'};
});

afterEach(() => rmSync(world, {recursive: true, force: true}));

function link(tool: string): void {
  symlinkSync(
    execFileSync('/bin/sh', ['-c', `command -v ${tool}`], {encoding: 'utf8'}).trim(),
    join(world, 'bin', tool),
  );
}

function program(name: string, script: string): void {
  writeFileSync(join(world, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(world, 'bin', name), 0o755);
}

/** A python3 that has pip, whose download does what the script says; $dest is where the wheels belong. */
function python(download: string): void {
  program(
    'python3',
    `case "$*" in
*"pip --version"*) echo pip 1 ;;
*"pip download"*)
  while [ "$1" != --dest ]; do shift; done; dest="$2"
  ${download} ;;
*) PATH=${process.env['PATH']} exec ${execFileSync('/bin/sh', ['-c', 'command -v python3 || true'], {encoding: 'utf8'}).trim() || 'false'} "$@" ;;
esac`,
  );
}

/** What is in the cache beside tfjs-node. */
const inCache = () =>
  existsSync(join(world, 'cache', 'tensorflow'))
    ? readdirSync(join(world, 'cache', 'tensorflow'))
        .filter((name) => !name.startsWith('tfjs-node'))
        .sort()
    : [];

/** As if tfjs-node had been fetched. */
const haveBackend = () => mkdirSync(join(fetchedFolder(libraryFolder('cpu', env)), 'binding'), {recursive: true});

const canBuild = supported && findTool('python3') !== '' && findTool('cc') !== '';

/** A wheel with a stand-in for each library, which pip "downloads", and a compiler that builds a module of one function. */
function standIns(download = ''): Buffer {
  haveBackend();
  const wheel = join(world, 'tensorflow_cpu-0-py3-none-any.whl');
  const names = [
    'tensorflow/libtensorflow_cc.so.2',
    'tensorflow/libtensorflow_framework.so.2',
    'tensorflow/python/x.py',
  ];
  const zip = `import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n  for n in sys.argv[2:]: z.writestr(n, n)`;
  execFileSync('python3', ['-c', zip, wheel, ...names, 'tensorflow/include/tensorflow/c/c_api.h']);
  python(`${download} mkdir -p "$dest"; cp ${wheel} "$dest"`);
  program(
    'g++',
    `while [ "$1" != -o ]; do shift; done
echo 'void *napi_register_module_v1(void *e, void *exports) { return exports; }' | PATH=${process.env['PATH']} cc -shared -fPIC -x c -o "$2" -`,
  );
  return readFileSync(wheel);
}

const auto = (provision: boolean) => resolveEngine('auto', {provision, env});

describe.skipIf(!supported)('on Linux x64', () => {
  describe('resolveEngine', () => {
    test('wasm is always available', async () => {
      expect(await resolveEngine('wasm', {provision: false, env})).toEqual({name: 'wasm', threads: 1});
    });

    test('the engine is known before anything is tried, except for auto without a library', () => {
      expect(askedEngine('wasm', {env})).toEqual({name: 'wasm', threads: 1});
      expect(askedEngine('tensorflow', {env})).toEqual({name: 'tensorflow', threads: 2});
      expect(askedEngine('auto', {env})).toBeUndefined();
    });

    test('auto, with nothing installed', async () => {
      const {name, remark} = await auto(true);
      expect(name).toBe('onnx');
      expect(remark).toMatchInlineSnapshot(
        `"computing on ONNX Runtime, slower than TensorFlow: Python 3 is not on PATH (install python3 and pip); no C++ compiler is on PATH (install g++)"`,
      );
    });

    test('auto, without pip and with a CXX that is not there', async () => {
      program('python3', 'exit 1');
      env['CXX'] = 'clang++-99';
      const {remark} = await auto(true);
      expect(remark?.replaceAll(world, '<world>')).toMatchInlineSnapshot(
        `"computing on ONNX Runtime, slower than TensorFlow: <world>/bin/python3 has no pip (install python3-pip); CXX names clang++-99, which is not there (unset CXX or install it)"`,
      );
    });

    test('auto, if it could be set up but may not now', async () => {
      python('exit 1');
      program('g++', 'exit 1');
      expect((await auto(false)).remark).toMatchInlineSnapshot(
        `"computing on ONNX Runtime, slower than TensorFlow: its library is not set up on this machine (run "pipeline setup")"`,
      );
    });

    test('tensorflow by name, not set up', async () => {
      await expect(resolveEngine('tensorflow', {provision: false, env})).rejects.toThrowErrorMatchingInlineSnapshot(
        `[Error: the tensorflow engine is not set up on this machine; run "pipeline setup"]`,
      );
      await expect(resolveEngine('tensorflow', {provision: true, env})).rejects.toThrowErrorMatchingInlineSnapshot(
        `[Error: TensorFlow cannot be set up on this machine: Python 3 is not on PATH (install python3 and pip); no C++ compiler is on PATH (install g++)]`,
      );
    });

    test('an installed library is used, with the given threads, on any machine and environment', async () => {
      const library = libraryFolder('cpu', env);
      mkdirSync(library, {recursive: true});
      writeFileSync(join(library, 'tfjs_binding.node'), '');
      expect(await auto(false)).toEqual({name: 'tensorflow', library, threads: 2});
      expect(await resolveEngine('tensorflow', {provision: false, env})).toMatchObject({name: 'tensorflow', library});
      expect(await resolveEngine('auto', {provision: false, threads: 8, env})).toMatchObject({threads: 8});
      expect(askedEngine('auto', {threads: 8, env})).toEqual({name: 'tensorflow', threads: 8});
    });
  });

  describe('provisionTensorflow', () => {
    test('a failed download says why, leaves nothing, and auto does not try again at once', async () => {
      haveBackend();
      python('echo "ERROR: Could not find a version" >&2; exit 1');
      program('g++', 'exit 1');
      await expect(provisionTensorflow({env})).rejects.toThrow(
        /failed with status 1:\nERROR: Could not find a version$/,
      );
      expect(inCache()).toEqual(['2.21.0-cpu-linux-x64-napi8.failed']);
      const {remark} = await auto(true);
      expect(remark?.replaceAll(world, '<world>')).toMatchInlineSnapshot(
        `"computing on ONNX Runtime, slower than TensorFlow: setting it up failed recently: <world>/bin/python3 failed with status 1: ERROR: Could not find a version ("pipeline setup" tries again)"`,
      );
    });

    test('a wheel with other content than published is refused', async () => {
      haveBackend();
      const [[name]] = wheelsFor('cpu', 'linux', 'x64')!.files as unknown as [[string]];
      python(`mkdir -p "$dest"; echo evil > "$dest/${name}"`);
      program('g++', 'exit 1');
      await expect(provisionTensorflow({env})).rejects.toThrowErrorMatchingInlineSnapshot(
        `[Error: tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl differs from the published file: expected SHA-256 2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c, but got 886b67480dbe73b406ad83a1dd6d9596f93089d90c220ccfc91944c95f1c68c4]`,
      );
      expect(inCache()).toEqual(['2.21.0-cpu-linux-x64-napi8.failed']);
    });

    test('an abort is passed on and leaves nothing, not even the memory of a failure', async () => {
      haveBackend();
      python('echo started; exec cat /dev/zero > /dev/null');
      program('g++', 'exit 1');
      const stop = new AbortController();
      const report = () => stop.abort(new Error('interrupted'));
      await expect(provisionTensorflow({env, signal: stop.signal, report})).rejects.toThrow('interrupted');
      expect(inCache()).toEqual([]);
    });

    test('download to rename, past the lock and the litter of a dead process, with progress; the second time it is there', async ({
      skip,
    }) => {
      if (!canBuild) skip('needs python3 and cc');
      const bytes = standIns();
      env['PIPELINE_ALLOW_UNPINNED'] = '1';
      const target = libraryFolder('cpu', env);
      mkdirSync(`${target}.draft-abc`, {recursive: true});
      const dead = {
        ...thisProcess(),
        pid: 2 ** 22 + 1,
        started: '1',
        token: '0123abcd',
        since: new Date().toISOString(),
      };
      writeFileSync(`${target}.lock`, JSON.stringify(dead));

      const steps = new Set<string>();
      const folder = await provisionTensorflow({env, report: ({step}) => void steps.add(step)});
      expect(folder).toBe(target);
      expect(inCache()).toEqual(['2.21.0-cpu-linux-x64-napi8']);
      expect([...steps]).toMatchInlineSnapshot(`
        [
          "download TensorFlow 2.21.0 (cpu)",
          "unpack its library",
          "compile the binding",
          "try it",
        ]
      `);
      expect(readdirSync(folder).sort()).toEqual([
        'libtensorflow_cc.so.2',
        'libtensorflow_framework.so.2',
        'manifest.json',
        'tfjs_binding.node',
      ]);
      expect(bytes.length).toBeGreaterThan(0);
      expect(findLibrary(env)).toBe(target);
      const again = await provisionTensorflow({env, report: () => expect.fail('worked again')});
      expect(again).toBe(target);
    });
  });

  describe('with an NVIDIA GPU', () => {
    const folders = () => inCache().filter((name) => !name.endsWith('.lock'));

    test('uses the library for the GPU if nvidia-smi answers, otherwise that for the CPU', async ({skip}) => {
      if (!canBuild) skip('needs python3 and cc');
      standIns();
      env['PIPELINE_ALLOW_UNPINNED'] = '1';
      program('nvidia-smi', 'exit 9');
      expect(await provisionTensorflow({env})).toBe(libraryFolder('cpu', env));
      program('nvidia-smi', 'exit 0');
      expect((await auto(false)).remark).toMatchInlineSnapshot(
        `"the NVIDIA GPU is not used, because no engine for it is set up ("pipeline setup --engine torch" does, if the PyTorch that is installed has CUDA)"`,
      );
      delete env['PIPELINE_ALLOW_UNPINNED'];
      expect(await provisionTensorflow({env})).toBe(libraryFolder('cuda', env));
      expect(await auto(false)).toMatchObject({name: 'tensorflow', library: libraryFolder('cuda', env)});
      expect(folders()).toEqual(['2.21.0-cpu-linux-x64-napi8', '2.21.0-cuda-linux-x64-napi8']);
    });

    test('falls back to the CPU library if the other is not available, and says so', async ({skip}) => {
      if (!canBuild) skip('needs python3 and cc');
      standIns(
        `mkdir -p "$dest"; case "$(cat "$dest/../requirements.txt")" in *and-cuda*) echo no such wheel >&2; exit 1 ;; esac;`,
      );
      env['PIPELINE_ALLOW_UNPINNED'] = '1';
      program('nvidia-smi', 'exit 0');
      const steps: string[] = [];
      const folder = await provisionTensorflow({env, report: ({step}) => void steps.push(step)});
      expect(folder).toBe(libraryFolder('cpu', env));
      expect(steps.find((step) => step.startsWith('the GPU'))?.replace(world, '')).toMatchInlineSnapshot(`undefined`);
    });
  });

  test('describeEngines, with nothing installed', async () => {
    const [tensorflow, , wasm] = await describeEngines(env);
    expect(tensorflow).toMatchInlineSnapshot(`
      {
        "available": false,
        "device": "cpu",
        "missing": [
          {
            "how": "install python3 and pip",
            "what": "Python 3 is not on PATH",
          },
          {
            "how": "install g++",
            "what": "no C++ compiler is on PATH",
          },
        ],
        "name": "tensorflow",
        "note": "cannot be set up on this machine",
        "threads": 2,
        "version": "2.21.0",
      }
    `);
    expect(wasm).toMatchInlineSnapshot(`
      {
        "available": true,
        "device": "cpu",
        "missing": [],
        "name": "wasm",
        "note": "always available; several times slower than TensorFlow",
        "threads": 1,
        "version": "4.22.0",
      }
    `);
  });
});

describe.skipIf(!supported || findTool('python3') === '')('fetchBackend', () => {
  const library = () => libraryFolder('cpu', env);
  const tools = () => ({
    npm: join(world, 'bin', 'npm'),
    python: findTool('python3'),
    env: {...env, PATH: `${env['PATH']}:${process.env['PATH']}`},
  });
  const work = () => join(world, 'work');

  /** An archive as npm packs it, which the stand-in of npm "fetches"; its digest. */
  function archive(): string {
    mkdirSync(join(world, 'package', 'dist', 'proto'), {recursive: true});
    mkdirSync(join(world, 'package', 'binding'));
    writeFileSync(
      join(world, 'package', 'dist', 'register_all_kernels.js'),
      `require('@tensorflow/tfjs').registered = require('@tensorflow/tfjs-core') === require('@tensorflow/tfjs');`,
    );
    writeFileSync(
      join(world, 'package', 'dist', 'nodejs_kernel_backend.js'),
      `require('./proto/api_pb'); exports.NodeJSKernelBackend = class { constructor(binding, name) { Object.assign(this, {binding, name}); } };`,
    );
    writeFileSync(join(world, 'package', 'dist', 'proto', 'api_pb.js'), `require('google-protobuf');`);
    writeFileSync(join(world, 'package', 'binding', 'a.cc'), '');
    writeFileSync(join(world, 'package', 'binding', 'a.h'), '');
    execFileSync('python3', ['-m', 'tarfile', '-c', join(world, 'a.tgz'), 'package'], {cwd: world});
    program('npm', `[ "$1 $2" = "pack @tensorflow/tfjs-node-gpu@4.22.0" ] && cp ${join(world, 'a.tgz')} .`);
    return `sha512-${createHash('sha512')
      .update(readFileSync(join(world, 'a.tgz')))
      .digest('base64')}`;
  }

  test('the fetched package computes with our own tfjs; a second time another process was faster', async () => {
    const digest = archive();
    for (const time of ['first', 'second']) await fetchBackend(library(), join(work(), time), tools(), digest);
    const tf: {registered?: boolean; getKernelsForBackend(): []} = {getKernelsForBackend: () => []};
    const binding = {};
    expect(loadBackend(tf as never, library(), binding as never)).toMatchObject({
      binding,
      name: '@tensorflow/tfjs-node-gpu',
    });
    expect(tf.registered).toBe(true);
    expect(await bindingSources(library())).toEqual([join(fetchedFolder(library()), 'binding', 'a.cc')]);
  });

  test('an archive with other content than published is refused', async () => {
    archive();
    await expect(fetchBackend(library(), work(), tools())).rejects.toThrow(
      /^@tensorflow\/tfjs-node-gpu differs from the published package: expected sha512-p\/\/NN6D.*, but got sha512-/,
    );
    expect(existsSync(fetchedFolder(library()))).toBe(false);
  });

  test("if npm cannot fetch it, the error ends with npm's message", async () => {
    program('npm', 'echo "npm error code ENOTFOUND" >&2; exit 1');
    await expect(fetchBackend(library(), work(), tools())).rejects.toThrow(
      /npm failed with status 1:\nnpm error code ENOTFOUND$/,
    );
  });
});

describe('checkWheel', () => {
  const file = () => join(world, 'known.whl');
  const set = {
    requirement: 'x',
    dependencies: false,
    platform: 'x',
    files: new Map([['known.whl', {sha256: sha256('published'), bytes: 9}]]),
  };

  test('a wheel is checked by its hash if known, otherwise the user must permit it', async () => {
    writeFileSync(file(), 'published');
    await checkWheel(set, file(), 'known.whl', {});
    await expect(checkWheel(set, file(), 'other.whl', {})).rejects.toThrowErrorMatchingInlineSnapshot(
      `[Error: other.whl is not used, because its checksum is not known; set PIPELINE_ALLOW_UNPINNED=1 to trust the package index]`,
    );
    await checkWheel(set, file(), 'other.whl', {PIPELINE_ALLOW_UNPINNED: '1'});
    writeFileSync(file(), 'something else');
    await expect(checkWheel(set, file(), 'known.whl', {PIPELINE_ALLOW_UNPINNED: '1'})).rejects.toThrow(
      /differs from the published file/,
    );
  });

  test('platforms without a wheel', () => {
    expect(wheelsFor('cpu', 'darwin', 'arm64')).toBeUndefined();
    expect(wheelsFor('cuda', 'linux', 'arm64')).toBeUndefined();
  });
});

describe('runCommand', () => {
  test('a program that hangs is stopped with its children, and its last output is reported', async () => {
    program('hang', 'echo connecting; cat /dev/zero > /dev/null & wait');
    await expect(runCommand('hang', [], {env, quietSeconds: 0.1})).rejects.toThrowErrorMatchingInlineSnapshot(`
      [CommandError: hang did nothing for 0.1 seconds and was stopped:
      connecting]
    `);
  });

  test('a missing program is reported', async () => {
    await expect(runCommand('no-such-program', [], {env})).rejects.toThrow(
      'no-such-program cannot be started: spawn no-such-program ENOENT',
    );
  });
});

function findTool(tool: string): string {
  return execFileSync('/bin/sh', ['-c', `command -v ${tool} || true`], {encoding: 'utf8'}).trim();
}
