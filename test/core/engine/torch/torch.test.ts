/** Where PyTorch's binding is found, what setting it up says, and what the binding refuses. */
import {cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import type {ResolvedEngine} from '../../../../src/core/engine/contract.ts';
import {startEngine, tf} from '../../../../src/core/engine/engine.ts';
import {resolveEngine} from '../../../../src/core/engine/install/resolve.ts';
import type {NodeBackend} from '../../../../src/core/engine/tensorflow/binding.ts';
import {provisionTorch} from '../../../../src/core/engine/torch/install.ts';
import {
  BINDING_FILE,
  bindingFolder,
  findBuilt,
  hasCuda,
  sourcesDigest,
  torchVersion,
} from '../../../../src/core/engine/torch/library.ts';
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
  const compiler = join(env.PIPELINE_CACHE_HOME, 'g++');
  writeFileSync(compiler, '');
  const wrong = {...env, CXX: compiler, PIPELINE_TORCH: env.PIPELINE_CACHE_HOME};
  await expect(provisionTorch({env: wrong})).rejects.toThrow(
    /^PIPELINE_TORCH names .*, which is not the folder of the Python package/,
  );
});

test('auto takes it for a GPU that answers, and only if its PyTorch has CUDA', async () => {
  const {env, built} = installed();
  const tools = newFolder();
  writeFileSync(join(tools, 'nvidia-smi'), '#!/bin/sh\nexit 0\n', {mode: 0o755});
  const withGpu = {...env, PATH: `${tools}:/bin:/usr/bin`};
  const resolved = () => resolveEngine('auto', {provision: false, env: withGpu});
  expect((await resolved()).name).not.toBe('torch');
  writeFileSync(join(bindingFolder(env), 'manifest.json'), JSON.stringify({...built, cuda: true}));
  expect(await resolved()).toMatchObject({name: 'torch', gpu: true, library: bindingFolder(env)});
  writeFileSync(join(tools, 'nvidia-smi'), '#!/bin/sh\nexit 9\n', {mode: 0o755});
  expect((await resolved()).name).not.toBe('torch');
});

const {torch} = engines;
describe.skipIf(typeof torch === 'string')(`the binding (${typeof torch === 'string' ? torch : 'torch'})`, () => {
  let binding: NodeBackend['binding'];
  beforeAll(async () => {
    await startEngine(torch as ResolvedEngine);
    ({binding} = tf.backend() as unknown as NodeBackend);
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

  test('values of each type come back as they were given, integers of any size', () => {
    const integers = Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0);
    const id = binding.createTensor([3], binding.TF_INT32, integers);
    expect(binding.tensorDataSync(id)).toEqual(integers);
    const truth = binding.createTensor([2], 10, Uint8Array.of(1, 0));
    expect(binding.tensorDataSync(truth)).toEqual(Uint8Array.of(1, 0));
    for (const one of [id, truth]) binding.deleteTensor(one);
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
