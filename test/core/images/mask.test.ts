import {readFileSync} from 'node:fs';
import sharp from 'sharp';
import {expect, test} from 'vitest';
import {decodeMask, ImageError} from '../../../src/core/images/codec.ts';
import {croppedMask, type Mask, resizedMask} from '../../../src/core/images/mask.ts';
import {imageFixture, imageFixtures} from '../../rig/images.ts';

const rows = (...lines: readonly string[]): Mask => ({
  height: lines.length,
  width: lines[0]!.length,
  marked: Uint8Array.from(lines.join(''), (pixel) => (pixel === '#' ? 1 : 0)),
});

const drawn = ({width, marked}: Mask): readonly string[] =>
  [...marked]
    .map((pixel) => (pixel ? '#' : '.'))
    .join('')
    .match(new RegExp(`.{${width}}`, 'g')) ?? [];

async function pngOf(channels: 1 | 3 | 4, values: readonly number[]): Promise<Uint8Array> {
  const raw = {width: 2, height: values.length / channels / 2, channels};
  return sharp(Uint8Array.from(values), {raw}).png().toBuffer();
}

test.for([
  ['0 and 255', 1, [0, 255, 0, 0]],
  ['0 and 1', 1, [0, 1, 0, 0]],
  ['one channel', 3, [0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0]],
  ['opacity over one colour', 4, [255, 255, 255, 0, 255, 255, 255, 3, 255, 255, 255, 0, 255, 255, 255, 0]],
  ['colours of one opacity', 4, [0, 0, 0, 0, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
] as const)('a mask of %s', async ([, channels, values]) => {
  expect(drawn(await decodeMask(await pngOf(channels, values)))).toEqual(['.#', '..']);
});

test('a mask of a format that loses something, or of inks, is refused', async () => {
  for (const name of ['plain.jpg', 'lossy.webp', 'inks.tif'])
    await expect(decodeMask(readFileSync(imageFixture(name)))).rejects.toThrow(ImageError);
});

test('a mask of BMP', async () => {
  const {height, width, marked} = await decodeMask(readFileSync(imageFixture('bits.bmp')));
  const {pixels} = imageFixtures.decoded['bits.png']!;
  expect([height, width, ...marked]).toEqual([9, 7, ...marked.map((_, i) => (pixels[3 * i] === 0 ? 0 : 1))]);
});

test('a mask of 16 bits, whose marks are 1 of 65535', async () => {
  const raw = {width: 2, height: 2, channels: 1} as const;
  const deep = await sharp(Uint16Array.of(0, 1, 0, 0), {raw})
    .toColourspace('grey16')
    .png()
    .toBuffer();
  expect((await sharp(deep).metadata()).depth).toBe('ushort');
  expect(drawn(await decodeMask(deep))).toEqual(['.#', '..']);
});

test('colours and opacity that both vary are refused', async () => {
  const values = [0, 0, 0, 255, 9, 9, 9, 0, 0, 0, 0, 255, 0, 0, 0, 255];
  await expect(decodeMask(await pngOf(4, values))).rejects.toThrow('both its colours and its transparency vary');
});

test('nearest neighbour, as the field has it, while a part of each region is left', () => {
  const mask = rows('########', '########', '........', '........', '........', '........', '........', '........');
  expect(drawn(resizedMask(mask, 4, 4))).toEqual(['####', '....', '....', '....']);
  // The middle of a target pixel of 2 × 2 is its lower right one.
  expect(drawn(resizedMask(rows('..#.', '..#.', '....', '....'), 2, 2))).toEqual(['.#', '..']);
});

test('a scratch of one pixel stays one, wherever it is, and adds nothing to other defects', () => {
  for (const at of [0, 4095, 63 * 64 + 1, 2080]) {
    const marked = new Uint8Array(64 * 64);
    marked[at] = 1;
    const small = resizedMask({height: 64, width: 64, marked}, 8, 8);
    expect(small.marked.reduce((sum, pixel) => sum + pixel, 0)).toBe(1);
  }
  const two = rows('#.......', '........', '........', '........', '........', '....####', '....####', '....####');
  expect(drawn(resizedMask(two, 4, 4))).toEqual(['#...', '....', '..##', '..##']);
});

test('a mask that grows', () => {
  expect(drawn(resizedMask(rows('#.', '..'), 4, 4))).toEqual(['##..', '##..', '....', '....']);
});

test('a window', () => {
  const mask = rows('#..', '.#.', '..#');
  expect(drawn(croppedMask(mask, {top: 1, left: 1, height: 2, width: 2}))).toEqual(['#.', '.#']);
  expect(() => croppedMask(mask, {top: 2, left: 0, height: 2, width: 2})).toThrow('a window beyond a mask of 3 × 3');
});
