import {expect, test} from 'vitest';
import {cropped, resized} from '../../../src/core/images/picture.ts';
import {imageFixtures} from '../../rig/images.ts';

const {from, to} = imageFixtures.resized;
const picture = {...from, pixels: Uint8Array.from(from.pixels)};

test.for(to)('$height × $width is resized as OpenCV (area) and PIL (bicubic) do', (expected) => {
  const bicubic = resized(picture, expected.height, expected.width, 'bicubic');
  expect([...bicubic.pixels]).toEqual(expected.bicubic);
  // OpenCV sums in 32 bits, and enlarges with weights of 11 bits.
  const area = resized(picture, expected.height, expected.width, 'area');
  const off = [...area.pixels].map((value, i) => Math.abs(value - expected.area[i]!));
  expect(Math.max(...off)).toBeLessThanOrEqual(1);
  expect(off.filter((by) => by > 0).length).toBeLessThanOrEqual(off.length / 20);
});

test('resizing to one pixel gives the mean of the image', () => {
  const pixels = Uint8Array.from({length: 640 * 480 * 3}, (_, i) => (i % 3 === 0 ? 10 : (Math.floor(i / 3) % 2) * 200));
  expect([...resized({height: 480, width: 640, pixels}, 1, 1, 'area').pixels]).toEqual([10, 100, 100]);
});

test('a crop is the window; a window beyond the edge is refused', () => {
  const window = {top: 2, left: 1, height: 3, width: 4};
  const part = cropped(picture, window);
  const at = (y: number, x: number): readonly number[] => from.pixels.slice((y * 7 + x) * 3, (y * 7 + x) * 3 + 3);
  expect([...part.pixels.subarray(0, 3)]).toEqual(at(2, 1));
  expect([...part.pixels.subarray(-3)]).toEqual(at(4, 4));
  expect(() => cropped(picture, {...window, top: 7})).toThrow('beyond');
});
