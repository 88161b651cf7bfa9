import {describe, expect, test} from 'vitest';
import {ImageError} from '../../../src/core/images/codec.ts';
import {prepared, preparedMask, type Step} from '../../../src/core/images/preparation.ts';

/** Pixel (y, x) is [y, x, 9]. */
const picture = (height: number, width: number) => ({
  height,
  width,
  pixels: Uint8Array.from({length: height * width * 3}, (_, i) => {
    const at = Math.floor(i / 3);
    return [Math.floor(at / width), at % width, 9][i % 3]!;
  }),
});

/** `y,x` of every pixel; `-` where there is none of the picture. */
const drawn = ({width, pixels}: {readonly width: number; readonly pixels: Uint8Array}): readonly string[] => {
  const cells = Array.from({length: pixels.length / 3}, (_, i) =>
    pixels[3 * i + 2] === 9 ? `${pixels[3 * i]},${pixels[3 * i + 1]}` : '-',
  );
  return Array.from({length: cells.length / width}, (_, y) => cells.slice(y * width, (y + 1) * width).join(' '));
};

const made = (from: readonly [number, number], to: readonly [number, number], ...steps: readonly Step[]) =>
  drawn(prepared(picture(...from), steps, {height: to[0], width: to[1]}));

describe('a picture', () => {
  test('is cropped to its middle; of an odd border the wider part is below and on the right', () => {
    expect(made([3, 5], [2, 2], {step: 'crop-middle', height: 2, width: 2})).toEqual(['0,1 0,2', '1,1 1,2']);
  });

  test('is framed with zeros', () => {
    expect(made([1, 2], [3, 5], {step: 'frame', height: 3, width: 5})).toEqual([
      '- - - - -',
      '- 0,0 0,1 - -',
      '- - - - -',
    ]);
  });

  test('loses as much of its borders as one of another size', () => {
    const of = {height: 8, width: 4};
    const trim: Step = {step: 'trim', of, top: 2, bottom: 1, left: 1, right: 1};
    // A quarter of 4 rows, an eighth of them rounded up; a quarter of 6 columns rounded up.
    expect(made([4, 6], [2, 2], trim)).toEqual(['1,2 1,3', '2,2 2,3']);
  });

  test('gets a short side of so many pixels, the long one rounds down', () => {
    const short = {step: 'resize-short-side', side: 2, interpolation: 'area'} as const;
    const crop = {step: 'crop-middle', height: 2, width: 2} as const;
    const frame = (height: number, width: number) => ({step: 'frame', height, width}) as const;
    // As large as the last step says: of any other size, framing would throw or leave zeros.
    expect(made([4, 7], [2, 3], short, frame(2, 3)).join()).not.toContain('-');
    expect(made([7, 4], [3, 2], short, frame(3, 2)).join()).not.toContain('-');
    expect(made([4, 4], [2, 2], short, crop)).toHaveLength(2);
  });

  test('of the size that is wanted stays as it is, and another one that the steps refuse is refused', () => {
    const expecting: Step = {step: 'expect-size', height: 4, width: 3, remedy: 'Take another one.'};
    const crop: Step = {step: 'crop-middle', height: 2, width: 2};
    expect(made([2, 2], [2, 2], expecting, crop)).toEqual(['0,0 0,1', '1,0 1,1']);
    expect(made([4, 3], [2, 2], expecting, crop)).toEqual(['1,0 1,1', '2,0 2,1']);
    const refused = () => made([5, 3], [2, 2], expecting, crop);
    expect(refused).toThrow(ImageError);
    expect(refused).toThrow('it has 3 × 5 pixels instead of 3 × 4');
  });
});

test('a mask goes the way of its picture', () => {
  const steps: readonly Step[] = [
    {step: 'crop-middle', height: 2, width: 2},
    {step: 'frame', height: 4, width: 4},
  ];
  const mask = {height: 2, width: 4, marked: Uint8Array.of(0, 1, 0, 0, 1, 0, 1, 0)};
  expect([...preparedMask(mask, steps, {height: 4, width: 4}).marked]).toEqual([
    ...[0, 0, 0, 0],
    ...[0, 1, 0, 0],
    ...[0, 0, 1, 0],
    ...[0, 0, 0, 0],
  ]);
});
