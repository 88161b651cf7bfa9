import {describe, expect, test} from 'vitest';
import {Rng} from '../../../../src/core/base/random.ts';
import {type Fill, type Outline, outlineOf, outlines, plant} from '../../../../src/domain/datasets/local/planted.ts';

const side = 64;
/** Every pixel is another colour: red says the column, green the row. */
const image = Uint8Array.from({length: side * side * 3}, (_, i) => {
  const pixel = Math.floor(i / 3);
  return [3 * (pixel % side), 3 * Math.floor(pixel / side), 200][i % 3]!;
});
const sizes = [0.2, 0.4] as const;

function planted(outline: Outline, fill: Fill, seed: number, range: readonly [number, number] = sizes) {
  const [pixels, mask] = [image.slice(), new Uint8Array(side * side)];
  plant(pixels, mask, side, {outline, fill, sizes: range}, new Rng(seed));
  const colour = (at: number, of = pixels) => [...of.subarray(3 * at, 3 * at + 3)];
  const inside = [...mask.keys()].filter((at) => mask[at] === 1);
  return {pixels, mask, colour, inside};
}

const seeds = Array.from({length: 20}, (_, seed) => seed);

test.for(Object.entries(outlines))('%s: only pixels in the mask have changed', ([, outline]) => {
  for (const seed of seeds) {
    const {pixels, mask, colour, inside} = planted(outline, 'colour', seed);
    expect(inside.length).toBeGreaterThan(20);
    expect(new Set(inside.map((at) => String(colour(at)))).size).toBe(1);
    expect(pixels.filter((_, i) => mask[Math.floor(i / 3)] === 0)).toEqual(
      image.filter((_, i) => mask[Math.floor(i / 3)] === 0),
    );
  }
});

test('the area of a square does not depend on its turn', () => {
  for (const seed of seeds) {
    const area = planted(outlines.square, 'colour', seed, [0.3, 0.3]).inside.length;
    expect(area / (0.3 * side) ** 2).toBeCloseTo(1, 1);
  }
  const areas = seeds.map((seed) => planted(outlines.square, 'colour', seed).inside.length);
  expect(Math.min(...areas)).toBeGreaterThan(0.95 * (0.2 * side) ** 2);
  expect(Math.max(...areas)).toBeLessThan(1.05 * (0.4 * side) ** 2);
});

test('a natural fill is an unchanged copy of another place of the image', () => {
  const shifts = seeds.map((seed) => {
    const {colour, inside} = planted(outlines.heart, 'natural', seed);
    const all = inside.map((at) => {
      const [red, green] = colour(at) as [number, number];
      return String([red / 3 - (at % side), green / 3 - Math.floor(at / side)]);
    });
    expect(new Set(all).size).toBe(1);
    return all[0];
  });
  expect(new Set(shifts).size).toBeGreaterThan(15);
});

test('the place depends on the seed, not on fill and outline', () => {
  expect(planted(outlines.heart, 'natural', 3).mask).toEqual(planted(outlines.heart, 'colour', 3).mask);
  const inEllipse = planted(outlines.ellipse, 'colour', 3).inside;
  const inSquare = new Set(planted(outlines.square, 'colour', 3).inside);
  expect(inEllipse.every((at) => inSquare.has(at))).toBe(true);
  expect(planted(outlines.heart, 'colour', 4).mask).not.toEqual(planted(outlines.heart, 'colour', 3).mask);
});

test('the largest allowed defect is inside the image', () => {
  for (const seed of seeds)
    expect(planted(outlines.square, 'natural', seed, [0.7, 0.7]).inside.length).toBeGreaterThan(1900);
});

describe('outlines', () => {
  const drawn = (outline: Outline, of = 12) =>
    Array.from({length: of}, (_, row) =>
      Array.from({length: of}, (_, column) =>
        outline((2 * column + 1) / of - 1, (2 * row + 1) / of - 1) ? '#' : '.',
      ).join(''),
    ).join('\n');

  test('a heart', () => {
    expect(drawn(outlines.heart, 16)).toMatchInlineSnapshot(`
      "..#####..#####..
      .##############.
      .##############.
      ################
      ################
      ################
      ################
      ################
      .##############.
      .##############.
      ..############..
      ...##########...
      ....########....
      .....######.....
      ......####......
      ................"
    `);
  });

  test('an ellipse', () => {
    expect(drawn(outlines.ellipse)).toMatchInlineSnapshot(`
      "............
      ............
      .....##.....
      ..########..
      .##########.
      ############
      ############
      .##########.
      ..########..
      .....##.....
      ............
      ............"
    `);
  });

  test('of a picture: its brighter half', () => {
    const rows = ['..#.', '.##.', '..#.', '.###'];
    const picture = Uint8Array.from(rows.join(''), (ink) => (ink === '#' ? 200 : 90));
    expect(drawn(outlineOf(picture, 4), 4)).toBe(rows.join('\n'));
    expect(outlineOf(picture, 4)(1, 1)).toBe(true);
  });
});
