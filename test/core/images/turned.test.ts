import {expect, test} from 'vitest';
import {turned} from '../../../src/core/images/turned.ts';
import {quarterTurn} from '../../../src/domain/transforms/geometry.ts';
import {pattern} from '../../domain/networks/pattern.ts';
import {expectClose} from '../../rig/tensors.ts';

const image = {height: 9, width: 9, channels: 3, data: Float32Array.from(pattern(243, 3))};

test.for([0, 1, 2, 3])('%i quarter turns are exact', (k) => {
  expectClose(turned(image, k / 4).data, quarterTurn(image, k).data, {relative: 0, absolute: 1e-6});
});

test('a plane turns with the image, where the image reaches', () => {
  const plane = (slopeY: number, slopeX: number) =>
    Float32Array.from({length: 81}, (_, i) => slopeY * (Math.floor(i / 9) - 4) + slopeX * ((i % 9) - 4));
  const data = turned({height: 9, width: 9, channels: 1, data: plane(0, 1)}, 1 / 8).data;
  const half = Math.SQRT1_2;
  const wanted = plane(-half, half); // what was right is above right: rows count downwards
  for (let y = 2; y < 7; y++) for (let x = 2; x < 7; x++) expect(data[9 * y + x]).toBeCloseTo(wanted[9 * y + x]!, 5);
});

test('beyond the edge the image is mirrored', () => {
  const range = (values: Float32Array) => [Math.min(...values), Math.max(...values)];
  const [least, most] = range(image.data) as [number, number];
  for (const value of turned(image, 0.1).data) {
    expect(value).toBeGreaterThanOrEqual(least);
    expect(value).toBeLessThanOrEqual(most);
  }
  const flat = {...image, data: new Float32Array(243).fill(0.5)};
  expectClose(turned(flat, 0.13).data, flat.data);
});
