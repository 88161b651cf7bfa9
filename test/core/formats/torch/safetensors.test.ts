import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect, test} from 'vitest';
import {readTensors, tensorsIn} from '../../../../src/core/formats/torch/safetensors.ts';
import {fromTorch} from '../../../../src/core/formats/torch/weights.ts';
import type {ParameterSpec} from '../../../../src/core/nn/layers.ts';
import {pattern} from '../../../domain/networks/pattern.ts';
import {World} from '../../../rig/world.ts';

/** Written by the safetensors package: `scripts/make-network-fixtures.py`. */
const tiny = fileURLToPath(new URL('../../../fixtures/networks/tiny.safetensors', import.meta.url));
const floats = ['conv.weight', 'depthwise.weight', 'fc.weight', 'fc.bias'];
const shapes = [[4, 2, 3, 3], [3, 1, 5, 5], [5, 4], [5]];
const spec = (name: string, shape: readonly number[]): ParameterSpec => ({
  name,
  shape,
  start: 'zeros',
  trainable: true,
});

test('reads names, shapes and values as PyTorch has written them', () => {
  expect([...tensorsIn(tiny)].toSorted()).toEqual(['bn.num_batches_tracked', ...floats].toSorted());
  const read = readTensors(tiny, [...floats, 'nothing']);
  expect([...read.keys()]).toEqual(floats);
  for (const [at, name] of floats.entries()) {
    const {shape, data} = read.get(name)!;
    expect(shape).toEqual(shapes[at]);
    expect(data).toEqual(Float32Array.from(pattern(data.length, at + 1)));
  }
});

test('refuses other files, incomplete files and other types than float32', () => {
  using world = new World();
  const file = join(world.root, 'x.safetensors');
  const whole = readFileSync(tiny);
  const problem = (bytes: Uint8Array, read: () => unknown = () => readTensors(file, floats)) => {
    writeFileSync(file, bytes);
    try {
      return read();
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(problem(new Uint8Array(0))).toBe('it has no header');
  expect(problem(Buffer.from('PK\u0003\u0004, as the files of torch.save begin'))).toBe('it has no header');
  expect(problem(Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('what')]))).toBe(
    'its header is not JSON',
  );
  expect(problem(whole.subarray(0, -8))).toMatch(/^"[a-z]+\.[a-z]+" is incomplete$/);
  expect(problem(whole, () => readTensors(file, ['bn.num_batches_tracked']))).toBe(
    '"bn.num_batches_tracked" is I64, not float32',
  );
});

test('filters and dense kernels are turned into our layout', () => {
  const specs = [
    spec('conv/kernel', [3, 3, 2, 4]),
    spec('depthwise/kernel', [5, 5, 3, 1]),
    spec('fc/kernel', [4, 5]),
    spec('fc/bias', [5]),
  ];
  const torchName = (name: string) => name.replace('/', '.').replace('kernel', 'weight');
  const stored = readTensors(tiny, floats);
  const turned = fromTorch(specs, torchName, stored);
  const theirs = (name: string) => stored.get(name)!.data;
  const ours = (name: string) => turned.get(name)!.data;
  for (let o = 0; o < 4; o++)
    for (let i = 0; i < 2; i++)
      for (let place = 0; place < 9; place++)
        expect(ours('conv/kernel')[(place * 2 + i) * 4 + o]).toBe(theirs('conv.weight')[(o * 2 + i) * 9 + place]);
  for (let c = 0; c < 3; c++)
    for (let place = 0; place < 25; place++)
      expect(ours('depthwise/kernel')[place * 3 + c]).toBe(theirs('depthwise.weight')[c * 25 + place]);
  for (let o = 0; o < 5; o++)
    for (let i = 0; i < 4; i++) expect(ours('fc/kernel')[i * 5 + o]).toBe(theirs('fc.weight')[o * 4 + i]);
  expect(ours('fc/bias')).toEqual(theirs('fc.bias'));
  expect(specs.map(({name}) => turned.get(name)!.shape)).toEqual(specs.map(({shape}) => shape));
});

test('weights of another network are reported by name and shape', () => {
  const stored = readTensors(tiny, floats);
  const take = (shape: readonly number[], name: string) => () => fromTorch([spec('x', shape)], () => name, stored);
  expect(take([5], 'top.bias')).toThrowErrorMatchingInlineSnapshot(`[Error: it has no "top.bias"]`);
  expect(take([3, 3, 4, 4], 'conv.weight')).toThrowErrorMatchingInlineSnapshot(
    `[Error: "conv.weight" is [4, 2, 3, 3], not one for [3, 3, 4, 4]]`,
  );
});
