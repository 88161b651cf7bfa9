import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {FloatImage} from '../../../src/core/contracts/data.ts';
import {
  crop,
  cropResize,
  flipHorizontal,
  flipVertical,
  hflip,
  quarterTurn,
  rotate90,
  rotate180,
  rotate270,
  shift,
  translate,
  vflip,
} from '../../../src/domain/transforms/geometry.ts';
import {expectClose, fixtures, greyImage, reference} from './rig.ts';

test('crop and resize agree with tf.image.resize', () => {
  for (const {window, to, out} of fixtures.crop) {
    const resized = cropResize(reference, window, to[0], to[1]);
    expect(resized).toMatchObject({height: to[0], width: to[1], channels: 3});
    expectClose(resized.data, out);
  }
});

test('bilinear by hand: [0, 1] doubled is [0, 1/4, 3/4, 1]', () => {
  const {data} = cropResize(greyImage(1, 2, [0, 1]), {top: 0, left: 0, height: 1, width: 2}, 1, 4);
  expect(Array.from(data.filter((_, i) => i % 3 === 0))).toEqual([0, 0.25, 0.75, 1]);
});

test('quarter turns and flips agree with TensorFlow', () => {
  for (const {k, out} of fixtures.turn) {
    const turned = quarterTurn(reference, k);
    expect([turned.height, turned.width]).toEqual(k % 2 ? [5, 6] : [6, 5]);
    expectClose(turned.data, out, 0);
    expect(quarterTurn(reference, k - 4)).toEqual(turned);
    expect(quarterTurn(reference, k + 8)).toEqual(turned);
  }
  expectClose(flipHorizontal(reference).data, fixtures.flipHorizontal, 0);
  expectClose(flipVertical(reference).data, fixtures.flipVertical, 0);
});

test('a quarter turn is counter-clockwise: the right column becomes the top row', () => {
  const turned = quarterTurn(greyImage(2, 2, [1, 2, 3, 4]), 1);
  expect(Array.from(turned.data.filter((_, i) => i % 3 === 0))).toEqual([2, 4, 1, 3]);
});

test('turns and flips form the right group', () => {
  const rng = new Rng(0);
  const turn = rotate90.create({});
  const half = rotate180.create({});
  const back = rotate270.create({});
  const upside = vflip.create({});
  expect(turn.apply(turn.apply(reference, rng), rng)).toEqual(half.apply(reference, rng));
  expect(back.apply(turn.apply(reference, rng), rng)).toEqual(reference);
  expect(upside.apply(flipHorizontal(reference), rng)).toEqual(half.apply(reference, rng));
});

test('hflip flips with probability p', () => {
  const firsts = [reference.data[0], flipHorizontal(reference).data[0]];
  const share = (p: number) => {
    const transform = hflip.create({p});
    const rng = new Rng(3);
    const drawn = Array.from({length: 2000}, () => firsts.indexOf(transform.apply(reference, rng).data[0]));
    expect(Math.min(...drawn)).toBe(0);
    return drawn.filter((flipped) => flipped === 1).length / drawn.length;
  };
  expect(hflip.create({p: 1}).apply(reference, new Rng(0))).toEqual(flipHorizontal(reference));
  expect(share(0)).toBe(0);
  expect(Math.abs(share(0.5) - 0.5)).toBeLessThan(0.04); // 3.6 standard deviations
});

/** An image that says where each of its pixels lies: channel 0 is y, channel 1 is x. */
const map = (height: number, width: number): FloatImage => ({
  height,
  width,
  channels: 3,
  data: Float32Array.from({length: height * width * 3}, (_, i) => {
    const pixel = Math.floor(i / 3);
    return i % 3 === 0 ? Math.floor(pixel / width) : i % 3 === 1 ? pixel % width : 0;
  }),
});

/** The window that a crop of `map` came from, read off its corners. */
function windowOf({height, width, data}: FloatImage) {
  const last = data.length - 3;
  const bottom = data[last]!;
  const right = data[last + 1]!;
  return {
    top: data[0]!,
    left: data[1]!,
    height: bottom - data[0]! + 1,
    width: right - data[1]! + 1,
    of: [height, width],
  };
}

test('crop takes every side from floor(S/2) to S equally often, at every place', () => {
  const transform = crop.create({min_side: 0.5});
  const rng = new Rng(5);
  const image = map(9, 9);
  const sides = new Map<number, number>();
  const places = new Set<string>();
  const draws = 6000;
  for (let i = 0; i < draws; i++) {
    const window = windowOf(transform.apply(image, rng));
    if (window.width !== window.height) throw new Error(JSON.stringify(window));
    sides.set(window.height, (sides.get(window.height) ?? 0) + 1);
    places.add(`${window.height} ${window.top} ${window.left}`);
  }
  expect([...sides.keys()].toSorted()).toEqual([4, 5, 6, 7, 8, 9]);
  for (const count of sides.values()) expect(Math.abs(count / draws - 1 / 6)).toBeLessThan(0.02); // 4 deviations
  expect(places.size).toBe(6 ** 2 + 5 ** 2 + 4 ** 2 + 3 ** 2 + 2 ** 2 + 1); // every place of every side
});

test('crop of an oblong image keeps its shape, and min_side 1 keeps everything', () => {
  const rng = new Rng(6);
  for (let i = 0; i < 50; i++) {
    const window = windowOf(crop.create({min_side: 0.5}).apply(map(4, 8), rng));
    expect(window.width).toBe(2 * window.height);
    expect(window.of).toEqual([4, 8]);
  }
  expect(crop.create({min_side: 1}).apply(reference, rng)).toEqual(reference);
  expect(crop.create({min_side: 0.01}).apply(greyImage(1, 1, [0.5]), rng)).toEqual(greyImage(1, 1, [0.5]));
});

test('translation fills the edges with the mirrored image, without repeating the edge', () => {
  const image = greyImage(2, 4, [0, 1, 2, 3, 4, 5, 6, 7]);
  const grey = (down: number, right: number) =>
    Array.from(translate(image, down, right).data.filter((_, i) => i % 3 === 0));
  expect(grey(0, 1)).toEqual([1, 0, 1, 2, 5, 4, 5, 6]);
  expect(grey(0, -2)).toEqual([2, 3, 2, 1, 6, 7, 6, 5]);
  expect(grey(1, 0)).toEqual([4, 5, 6, 7, 0, 1, 2, 3]);
  expect(grey(0, 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('shift moves by at most an eighth of the side in every direction', () => {
  const image = greyImage(
    16,
    16,
    Array.from({length: 256}, (_, i) => i),
  );
  const {apply} = shift.create({by: 0.125});
  const middles = new Set(
    Array.from({length: 600}, (_, seed) => apply(image, new Rng(seed)).data[(8 * 16 + 8) * 3]! - (8 * 16 + 8)),
  );
  expect([...middles].sort((a, b) => a - b)).toEqual(
    [-2, -1, 0, 1, 2].flatMap((down) => [-2, -1, 0, 1, 2].map((right) => 16 * down + right)),
  );
});
