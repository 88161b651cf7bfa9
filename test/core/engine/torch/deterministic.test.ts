/** That a training on a GPU gives the same bytes each time, as far as a machine without one can tell. */
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeAll, describe, expect, test} from 'vitest';
import type {ResolvedEngine} from '../../../../src/core/engine/contract.ts';
import {startEngine, type Tensor, tf} from '../../../../src/core/engine/engine.ts';
import {BINDING_FILE, nativeFolder, sourceFiles} from '../../../../src/core/engine/torch/library.ts';
import {engines} from '../../../rig/tensors.ts';

/**
 * What throws on a GPU in deterministic mode, by the documentation of `torch.use_deterministic_algorithms` (PyTorch 2.13), under ATen's
 * names.
 */
const refused = [
  /^avg_pool3d_backward$/,
  /^_?adaptive_(avg|max)_pool[23]d(_backward)?$/,
  /^fractional_max_pool[23]d(_backward)?$/,
  /^max_unpool[123]?d?$/,
  /^upsample_(linear1d|bilinear2d|bicubic2d|trilinear3d)_backward$/,
  /^reflection_pad[123]d_backward$/,
  /^nll_loss/,
  /^_?ctc_loss/,
  /^_?embedding_bag/,
  /^put_?$/,
  /^histc$/,
  /^bincount$/,
  /^median$/,
  /^grid_sampler/,
  /^cumsum$/,
  /^scatter_reduce_?$/,
];

test('no operation of the binding is one that PyTorch cannot compute deterministically on a GPU', () => {
  const sources = sourceFiles().map((name) => readFileSync(join(nativeFolder, name), 'utf8'));
  const called = new Set(sources.flatMap((text) => [...text.matchAll(/(?:\bat::|\.)(\w+)/g)].map(([, name]) => name!)));
  for (const known of ['convolution_backward', 'max_pool2d_with_indices_backward', 'index_add', 'index_select'])
    expect(called).toContain(known);
  expect([...called].filter((name) => refused.some((pattern) => pattern.test(name)))).toEqual([]);
});

const {torch} = engines;
describe.skipIf(typeof torch === 'string')(`the binding (${typeof torch === 'string' ? torch : 'torch'})`, () => {
  const {library} = torch as ResolvedEngine;

  test('tells cuBLAS before it starts, unless somebody has or the fastest is asked for', () => {
    const configured = (deterministic: boolean, given?: string): string => {
      const {CUBLAS_WORKSPACE_CONFIG: _, ...env} = process.env;
      const script = `require(${JSON.stringify(join(library!, BINDING_FILE))}).start({threads: 1, deterministic: ${deterministic}});
        process.stdout.write(String(process.env.CUBLAS_WORKSPACE_CONFIG));`;
      return execFileSync(process.execPath, ['-e', script], {
        env: {...env, ...(given !== undefined && {CUBLAS_WORKSPACE_CONFIG: given})},
        encoding: 'utf8',
      });
    };
    expect(configured(true)).toBe(':4096:8');
    expect(configured(true, ':16:8')).toBe(':16:8');
    expect(configured(false)).toBe('undefined');
  });

  describe('running sums, in an order of their own', () => {
    beforeAll(() => startEngine(torch as ResolvedEngine));

    test.for([
      {exclusive: false, reverse: false},
      {exclusive: true, reverse: false},
      {exclusive: false, reverse: true},
      {exclusive: true, reverse: true},
    ])('are right: exclusive $exclusive, reversed $reverse', ({exclusive, reverse}) => {
      const sums = (values: number[]): number[] => {
        const list = reverse ? values.toReversed() : values;
        const made = list.map((value, i) => list.slice(0, i).reduce((sum, one) => sum + one, exclusive ? 0 : value));
        return reverse ? made.toReversed() : made;
      };
      // Small integers: their sums have no rounding.
      const rows = [1, 2].map((seed) => Array.from({length: 7}, (_, i) => ((i * 5 + seed) % 11) - 4));
      const x = tf.tensor2d(rows);
      expect(tf.cumsum(x, 1, exclusive, reverse).arraySync()).toEqual(rows.map(sums));
      expect(tf.cumsum(x, -1, exclusive, reverse).arraySync()).toEqual(rows.map(sums));
      const integers = tf.cumsum(tf.tensor1d([3], 'int32'), 0, exclusive, reverse);
      expect([integers.dtype, integers.arraySync() as unknown]).toEqual(['int32', [exclusive ? 0 : 3]]);
    });

    test('leave their input alone', () => {
      const x = tf.tensor1d([5]);
      const kept = tf.cumsum(x) as Tensor;
      x.dispose();
      expect(kept.arraySync()).toEqual([5]);
    });
  });
});
