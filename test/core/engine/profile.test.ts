import {expect, test} from 'vitest';
import {tf} from '../../../src/core/engine/engine.ts';
import {profileKernels} from '../../../src/core/engine/profile.ts';
import {onEachEngine} from '../../rig/tensors.ts';

onEachEngine(() => {
  test('kernels are counted and timed until it stops, and results are the same', async () => {
    const plain = await tf.tidy(() => tf.relu(tf.tensor1d([-1, 2]))).data();
    const profile = profileKernels();
    try {
      const timed = await tf.tidy(() => tf.relu(tf.relu(tf.tensor1d([-1, 2])))).data();
      expect(timed).toEqual(plain);
      const relu = profile.take().find(({kernel}) => kernel === 'Relu');
      expect(relu).toMatchObject({calls: 2});
      expect(relu!.seconds).toBeGreaterThan(0);
      expect(profile.take()).toEqual([]);
    } finally {
      profile.stop();
    }
    tf.tidy(() => tf.relu(tf.tensor1d([-1, 2])));
    expect(profile.take()).toEqual([]);
  });
});
