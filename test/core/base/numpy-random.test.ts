import {createHash} from 'node:crypto';
import {expect, test} from 'vitest';
import {NumpyRandom} from '../../../src/core/base/numpy-random.ts';
import {imageFixtures} from '../../rig/images.ts';

test.for(imageFixtures.permutations)('permutation($n), call $calls, is that of RandomState(0)', (expected) => {
  const random = new NumpyRandom(0);
  let order: Uint32Array = new Uint32Array();
  for (let call = 0; call < expected.calls; call++) order = random.permutation(expected.n);
  expect([...order.subarray(0, 8)]).toEqual(expected.begins);
  expect(createHash('sha256').update(new Uint8Array(order.buffer)).digest('hex')).toBe(expected.sha256);
});
