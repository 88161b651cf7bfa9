import {expect, test} from 'vitest';
import {spreadGroups} from '../../../../src/core/engine/webgpu/program.ts';

test('any number of workgroups keeps within the limit of a dimension', () => {
  for (const count of [1, 65535, 65536, 1_000_003]) {
    const [x, y, z] = spreadGroups(count, 4);
    expect(Math.max(x, y)).toBeLessThanOrEqual(65535);
    expect(x * y).toBeGreaterThanOrEqual(count);
    expect(x * (y - 1)).toBeLessThan(count);
    expect(z).toBe(4);
  }
});
