/** Where PyTorch's binding is found, what setting it up says, and what the binding refuses. */
import {cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import {takeKernelChecks} from '../../../../src/core/engine/check/findings.ts';
import type {ResolvedEngine} from '../../../../src/core/engine/contract.ts';
import {computeIn, inFloat32, startEngine, type Tensor, type Tensor4D, tf} from '../../../../src/core/engine/engine.ts';
import {resolveEngine} from '../../../../src/core/engine/install/resolve.ts';
import {hasBackend} from '../../../../src/core/engine/install/tfjs-node.ts';
import {whyNotIn} from '../../../../src/core/engine/precision.ts';
import type {NodeBackend} from '../../../../src/core/engine/tensorflow/binding.ts';
import {torch as torchDefinition} from '../../../../src/core/engine/torch/definition.ts';
import {provisionTorch} from '../../../../src/core/engine/torch/install.ts';
import {
  BINDING_FILE,
  bindingFolder,
  findBuilt,
  hasCuda,
  sourcesDigest,
  torchVersion,
} from '../../../../src/core/engine/torch/library.ts';
import {loadTorch} from '../../../../src/core/engine/torch/torch.ts';
import {compile} from '../../../../src/core/nn/compile.ts';
import {Sgd} from '../../../../src/core/nn/optimise.ts';
import {engines} from '../../../rig/tensors.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'pipeline-test-torch-'));

/** A cache with a binding that was compiled against a package that is there. */
function installed(changes: {readonly sources?: string; readonly version?: string} = {}) {
  const home = newFolder();
  const torch = join(home, 'site-packages', 'torch');
  mkdirSync(join(torch, 'lib'), {recursive: true});
  writeFileSync(join(torch, 'version.py'), "from typing import Optional\n__version__ = '2.13.0+cpu'\ndebug = False\n");
  const env = {PIPELINE_CACHE_HOME: home, PATH: ''};
  mkdirSync(bindingFolder(env), {recursive: true});
  writeFileSync(join(bindingFolder(env), BINDING_FILE), '');
  const built = {torch, version: '2.13.0+cpu', cuda: false, sources: sourcesDigest(), ...changes};
  writeFileSync(join(bindingFolder(env), 'manifest.json'), JSON.stringify(built));
  return {env, torch, built};
}

test('a binding counts while its sources and its PyTorch are those that it was compiled from', () => {
  const {env, torch, built} = installed();
  expect(findBuilt(env)).toEqual(built);
  expect(hasCuda(torch)).toBe(false);
  expect(findBuilt(installed({sources: 'of another version'}).env)).toBeUndefined();
  expect(findBuilt(installed({version: '2.12.0'}).env)).toBeUndefined();
  expect(findBuilt({PIPELINE_CACHE_HOME: newFolder()})).toBeUndefined();
  expect(torchVersion(newFolder())).toBeUndefined();
});

test('where it is not set up, the message says how it is', async () => {
  const env = {PIPELINE_CACHE_HOME: newFolder(), PATH: ''};
  await expect(resolveEngine('torch', {provision: true, env})).rejects.toThrow('run "pipeline setup --engine torch"');
  await expect(provisionTorch({env})).rejects.toThrow('no C++ compiler is on PATH (install g++)');
  await expect(provisionTorch({env: {...env, CXX: '/nowhere/g++'}})).rejects.toThrow(
    'CXX names /nowhere/g++, which is not there (unset CXX or install it)',
  );
  const compiler = join(env.PIPELINE_CACHE_HOME, 'g++');
  writeFileSync(compiler, '');
  const wrong = {...env, CXX: compiler, PIPELINE_TORCH: env.PIPELINE_CACHE_HOME};
  await expect(provisionTorch({env: wrong})).rejects.toThrow(
    /^PIPELINE_TORCH names .*, which is not the folder of the Python package/,
  );
});

test('one of another version is said to be so; one that is broken says what to do, and is no reason to stop', async () => {
  const {env} = installed({sources: 'of another version'});
  await expect(resolveEngine('torch', {provision: false, env})).rejects.toThrow(
    'must be set up again, because this program or PyTorch has changed; run "pipeline setup --engine torch"',
  );
  const broken = installed().env;
  const engine = await resolveEngine('torch', {provision: false, env: broken});
  expect(() => loadTorch(tf, engine)).toThrow(
    /^PyTorch's binding cannot be loaded \(.*\); run "pipeline setup --engine torch", which compiles it again$/,
  );
  // Setting it up does not take it for a good one: it goes on to compile.
  await expect(provisionTorch({env: broken})).rejects.toThrow('no C++ compiler is on PATH');
});

test('auto takes it for a GPU that answers, and only if its PyTorch has CUDA', async () => {
  const {env, built} = installed();
  const tools = newFolder();
  writeFileSync(join(tools, 'nvidia-smi'), '#!/bin/sh\nexit 0\n', {mode: 0o755});
  const withGpu = {...env, PATH: `${tools}:/bin:/usr/bin`};
  const resolved = () => resolveEngine('auto', {provision: false, env: withGpu});
  expect((await resolved()).name).not.toBe('torch');
  writeFileSync(join(bindingFolder(env), 'manifest.json'), JSON.stringify({...built, cuda: true}));
  expect(await resolved()).toEqual({name: 'torch', threads: 2, gpu: true, library: bindingFolder(env)});
  const two = '#!/bin/sh\necho "GPU 0: NVIDIA A (UUID: GPU-1)"\necho "GPU 1: NVIDIA A (UUID: GPU-2)"\n';
  writeFileSync(join(tools, 'nvidia-smi'), two, {mode: 0o755});
  expect((await resolved()).gpus).toEqual(['0', '1']);
  const allowed = (devices: string, choice: 'auto' | 'torch' = 'torch') =>
    resolveEngine(choice, {provision: false, env: {...withGpu, CUDA_VISIBLE_DEVICES: devices}});
  expect((await allowed('3,GPU-7, 5')).gpus).toEqual(['3', 'GPU-7', '5']);
  expect((await allowed('3,-1,5')).gpus).toBeUndefined();
  for (const none of ['', '-1']) {
    expect((await allowed(none, 'auto')).name).not.toBe('torch');
    expect(await allowed(none)).toEqual({name: 'torch', threads: 2, library: bindingFolder(env)});
  }
  writeFileSync(join(tools, 'nvidia-smi'), '#!/bin/sh\nexit 9\n', {mode: 0o755});
  expect((await resolved()).name).not.toBe('torch');
});

test('it is described by what it would compute on, and with what would make it faster', async () => {
  const {env, built} = installed();
  const tools = newFolder();
  const withGpu = {...env, PATH: `${tools}:/bin:/usr/bin`};
  writeFileSync(join(tools, 'nvidia-smi'), '#!/bin/sh\nexit 0\n', {mode: 0o755});
  const described = (here: NodeJS.ProcessEnv) => torchDefinition.describe(here, 2);
  expect(await described(env)).not.toHaveProperty('better');
  expect(await described(withGpu)).toMatchObject({
    device: 'cpu',
    better: expect.stringContaining('PyTorch 2.13.0+cpu has no CUDA'),
  });
  expect(await described({...withGpu, PIPELINE_CACHE_HOME: newFolder()})).toMatchObject({
    available: false,
    better: expect.stringMatching(/^"pipeline setup --engine torch" sets the engine torch up/),
  });
  writeFileSync(join(bindingFolder(env), 'manifest.json'), JSON.stringify({...built, cuda: true}));
  expect(await described(env)).toMatchObject({device: 'cpu', note: 'ready'});
  expect(await described(withGpu)).toMatchObject({device: 'gpu', note: 'ready'});
  expect(await described(withGpu)).not.toHaveProperty('better');
});

test('a PyTorch with CUDA is compiled with CUDA’s headers, wherever they lie', async () => {
  const {env, torch} = installed({sources: 'of another version'});
  writeFileSync(join(torch, 'lib', 'libtorch_cuda.so'), '');
  const tools = newFolder();
  // Says what it is asked, and fails.
  writeFileSync(join(tools, 'g++'), '#!/bin/sh\necho "$@"\nexit 1\n', {mode: 0o755});
  const toolkit = newFolder();
  const missing = {...env, PATH: `${tools}:/bin:/usr/bin`, PIPELINE_TORCH: torch, CUDA_HOME: toolkit};
  await expect(provisionTorch({env: missing})).rejects.toThrow(/but CUDA's header cuda_runtime_api\.h is not there/);
  const [own, other] = [join(toolkit, 'include'), join(torch, '..', 'nvidia', 'cu13', 'include')];
  for (const folder of [join(own, 'nv'), join(other, 'crt')]) mkdirSync(folder, {recursive: true});
  writeFileSync(join(own, 'nv', 'target'), '');
  writeFileSync(join(own, 'cuda_runtime_api.h'), '');
  await expect(provisionTorch({env: missing})).rejects.toThrow(/but CUDA's header crt\/host_defines\.h is not there/);
  writeFileSync(join(other, 'crt', 'host_defines.h'), '');
  // Where npm has not installed it, it is fetched.
  if (hasBackend(bindingFolder(env)))
    await expect(provisionTorch({env: missing})).rejects.toThrow(`-DPIPELINE_CUDA -I${own} -I${other} `);
});

test('what an engine cannot compute in is refused with what to do', () => {
  expect(whyNotIn('bf16', {name: 'torch'})).toBeUndefined();
  expect(whyNotIn('float32', {name: 'wasm'})).toBeUndefined();
  expect(whyNotIn('tf32', {name: 'torch', gpu: true})).toBeUndefined();
  expect(whyNotIn('tf32', {name: 'torch'})?.message).toBe(
    '"precision" asks for tf32, but the engine torch computes in float32 and bf16 on this machine',
  );
  expect(whyNotIn('bf16', {name: 'tensorflow'})).toEqual({
    message: '"precision" asks for bf16, but the engine tensorflow computes in float32',
    hint: 'Use --engine torch ("pipeline setup --engine torch" sets it up), or remove "precision".',
  });
});

const {torch} = engines;
describe.skipIf(typeof torch === 'string')(`the binding (${typeof torch === 'string' ? torch : 'torch'})`, () => {
  let binding: NodeBackend['binding'];
  beforeAll(async () => {
    await startEngine(torch as ResolvedEngine);
    ({binding} = tf.backend() as unknown as NodeBackend);
  });

  test('does not compute on the CPU what a GPU was meant for', () => {
    expect(() => loadTorch(tf, {...(torch as ResolvedEngine), gpu: true})).toThrow(
      /^nvidia-smi finds a GPU, but PyTorch .* can't use it: .* set CUDA_VISIBLE_DEVICES to nothing$/,
    );
  });

  test('refuses what it does not know with the name', () => {
    expect(() => binding.executeOp('Einsum', [], [], 1)).toThrow('the engine torch has no operation Einsum');
    expect(() => binding.tensorDataSync(-7)).toThrow('there is no tensor -7');
    expect(() => binding.createTensor([3], binding.TF_FLOAT, new Float32Array(2))).toThrow('do not fill the shape');
    expect(() => binding.createTensor([2], binding.TF_FLOAT, new Float64Array(2))).toThrow('not supported');
  });

  test('an error of PyTorch comes as a sentence, without its stack', () => {
    const [a, b] = [2, 3].map((side) =>
      binding.createTensor([side, side], binding.TF_FLOAT, new Float32Array(side * side)),
    );
    let message = '';
    try {
      binding.executeOp('BatchMatMulV2', [], [a!, b!], 1);
    } catch (error) {
      ({message} = error as Error);
    }
    expect(message).toContain('2x2 and 3x3');
    expect(message).not.toContain('Exception raised from');
    for (const id of [a!, b!]) binding.deleteTensor(id);
  });

  test('shapes that do not fit are the fault of the call, not of the processor', () => {
    takeKernelChecks();
    const [a, b] = [tf.ones([2, 3]), tf.ones([4, 5])];
    expect(() => tf.matMul(a, b)).toThrow(/^mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)$/);
    const [x, filter] = [tf.ones([1, 4, 4, 3]), tf.ones([3, 3, 2, 5])];
    const attrs = {strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1};
    expect(() => tf.engine().runKernel('Conv2D', {x, filter}, attrs)).toThrow(/to have 2 channels, but got 3 channels/);
    expect(takeKernelChecks()!.replaced).toEqual([]);
    tf.dispose([a, b, x, filter]);
  });

  test('values of each type come back as they were given, integers of any size', () => {
    const integers = Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0);
    const id = binding.createTensor([3], binding.TF_INT32, integers);
    expect(binding.tensorDataSync(id)).toEqual(integers);
    const truth = binding.createTensor([2], 10, Uint8Array.of(1, 0));
    expect(binding.tensorDataSync(truth)).toEqual(Uint8Array.of(1, 0));
    for (const one of [id, truth]) binding.deleteTensor(one);
  });

  test('without memory it says what needs less', () => {
    const side = 2 ** 20;
    const shape = binding.createTensor([2], binding.TF_INT32, Int32Array.of(side, side));
    const value = binding.createTensor([], binding.TF_FLOAT, Float32Array.of(1));
    expect(() => binding.executeOp('Fill', [], [shape, value], 1)).toThrow(
      /^there is not enough memory: a smaller batch or fewer --jobs need less \(/,
    );
    for (const id of [shape, value]) binding.deleteTensor(id);
  });

  describe('a step of descent', () => {
    /** The ids that a recorded call gives and gets, of a step that moves one weight. */
    function recorded() {
      const weight = tf.tidy(() => tf.variable(tf.tensor1d([1, -2])));
      const sgd = new Sgd(new Map([['w', weight]]), {momentum: 0.5, decay: 0.1});
      const step = compile([weight, ...sgd.variables], ([slope]) => {
        sgd.step({[weight.name]: slope!}, 0.1);
        return [];
      });
      const slope = tf.tensor1d([1, 2]);
      return {weight, step: () => step.run([slope])};
    }

    test('is that of the function itself to the last bit, and writes to the memory that only the variable has', () => {
      const {weight, step} = recorded();
      const eager = tf.tidy(() => tf.variable(tf.tensor1d([1, -2])));
      const sgd = new Sgd(new Map([['w', eager]]), {momentum: 0.5, decay: 0.1});
      for (let i = 0; i < 3; i++) {
        step();
        sgd.step({[eager.name]: tf.tensor1d([1, 2])}, 0.1);
        expect(weight.dataSync()).toEqual(eager.dataSync());
      }
    });

    test('leaves alone what somebody else holds', () => {
      const {weight, step} = recorded();
      step();
      const kept = [tf.clone(weight), tf.reshape(weight, [2, 1]), tf.expandDims(weight, 0)];
      const before = kept.map((one) => one.dataSync().slice());
      const first = weight.dataSync().slice();
      for (let i = 0; i < 2; i++) step();
      expect(kept.map((one) => one.dataSync())).toEqual(before);
      expect(weight.dataSync()).not.toEqual(first);
    });
  });

  test('in bf16 a convolution, its gradients and a product are rounded, recorded too, and nothing else is', () => {
    const [x, filter] = [
      tf.randomNormal([4, 9, 8, 6], 0, 1, 'float32', 1),
      tf.randomNormal([3, 3, 6, 5], 0, 1, 'float32', 2),
    ];
    const rows = tf.randomNormal([40, 24], 0, 1, 'float32', 3);
    const body = ([a, b, c]: readonly Tensor[]): Tensor[] => {
      const convolve = (image: Tensor, taps: Tensor): Tensor =>
        tf.conv2d(image as Tensor4D, taps as Tensor4D, 2, 'same');
      const {value, grads} = tf.valueAndGrads(convolve)([a!, b!], tf.onesLike(convolve(a!, b!)));
      return [value, ...grads, tf.matMul(c!, c!, false, true), tf.sum(tf.exp(c!))];
    };
    const values = (results: readonly Tensor[]) => results.map((result) => result.dataSync() as Float32Array);
    const eager = () => values(tf.tidy(() => body([x, filter, rows])));
    const recorded = () => values(compile([], body).run([x, filter, rows]));
    const right = eager();
    expect(computeIn('bf16')).toBe('float32');
    const [rounded, replayed, kept] = [eager(), recorded(), inFloat32(eager)];
    expect(computeIn('float32')).toBe('bf16');
    expect(kept).toEqual(right);
    expect(eager()).toEqual(right);
    expect(replayed).toEqual(rounded);
    const errors = right.map((want, i) => {
      const scale = Math.sqrt(want.reduce((sum, value) => sum + value ** 2, 0) / want.length);
      return Math.max(...want.map((value, j) => Math.abs(value - rounded[i]![j]!))) / scale;
    });
    for (const error of errors.slice(0, 4)) {
      expect(error).toBeGreaterThan(1e-3);
      expect(error).toBeLessThan(5e-2);
    }
    expect(errors[4]).toBe(0);
  });

  test('the compiled sources are those in the repository', () => {
    const {library} = torch as ResolvedEngine;
    const {sources} = JSON.parse(readFileSync(join(library!, 'manifest.json'), 'utf8')) as {readonly sources: string};
    expect(sources).toBe(sourcesDigest());
    const copy = newFolder();
    cpSync('src/core/engine/torch/native', copy, {recursive: true});
    expect(readFileSync(join(copy, 'binding.cc'), 'utf8')).toBe(
      readFileSync('dist/core/engine/torch/native/binding.cc', 'utf8'),
    );
  });
});
