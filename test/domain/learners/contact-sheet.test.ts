import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {compiledUrl} from '../../../src/core/base/compiled.ts';
import {Rng} from '../../../src/core/base/random.ts';
import type {ImageSet} from '../../../src/core/contracts/data.ts';
import {decodeImage, encodePng} from '../../../src/core/images/codec.ts';
import type {Picture} from '../../../src/core/images/picture.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {type ContactSheetOptions, contactSheet, gaps} from '../../../src/domain/learners/contact-sheet.ts';
import {openFeed} from '../../../src/domain/learners/training/feed.ts';

const plugins = new Plugins(builtin, [
  {url: compiledUrl(new URL('../../../src/builtin.ts', import.meta.url).href).href},
]);
const side = 16;
const scale = 64 / side;

function images(count: number, channels: 1 | 3): ImageSet {
  const rng = new Rng('images');
  const pixels = Uint8Array.from({length: count * side * side * channels}, () => rng.integer(256));
  return {shape: {height: side, width: side, channels}, count, pixels};
}

const options = (changes: Partial<ContactSheetOptions> = {}): ContactSheetOptions => ({
  images: images(6, 3),
  learner: {type: 'rotation'},
  augment: [{type: 'crop', min_side: 0.5}],
  copies: [],
  plugins,
  stream: 'stream',
  rows: 4,
  draws: 2,
  ...changes,
});

/** Of the tile that begins there, unscaled: (side, side, 3). */
function tile(picture: Picture, top: number, left: number): number[] {
  const at = (y: number, x: number, c: number) =>
    picture.pixels[((top + y * scale) * picture.width + left + x * scale) * 3 + c]!;
  return Array.from({length: side * side * 3}, (_, i) =>
    at(Math.floor(i / (side * 3)), Math.floor(i / 3) % side, i % 3),
  );
}

/** Where group g begins when every group after the first has `size` tiles. */
const startOf = (group: number, size: number): number =>
  group === 0 ? 0 : 64 + gaps.far + (group - 1) * (size * 64 + (size - 1) * gaps.near + gaps.far);

test('the PNG has a row for each image: first the exact original, then the views of each draw', async () => {
  const made = options();
  const sheet = contactSheet(made);
  const {height, width} = sheet.picture;
  expect({...sheet, picture: {height, width}}).toEqual({
    picture: {height: 4 * 64 + 3 * gaps.far, width: startOf(3, 4) - gaps.far},
    images: sheet.images,
    views: 4,
    scale,
  });
  const decoded = await decodeImage(await encodePng(sheet.picture));
  expect(decoded).toEqual(sheet.picture);
  expect(new Set(sheet.images).size).toBe(4);
  for (const [row, image] of sheet.images.entries()) {
    const size = side * side * 3;
    const original = [...made.images.pixels.subarray(image * size, (image + 1) * size)];
    expect(tile(decoded, row * (64 + gaps.far), 0)).toEqual(original);
  }
  expect(contactSheet(made)).toEqual(sheet);
});

test('grey images are shown as the three channels that the network gets', () => {
  const made = options({images: images(2, 1), rows: 1});
  const {
    picture,
    images: [image = 0],
  } = contactSheet(made);
  const grey = [...made.images.pixels.subarray(image * side * side, (image + 1) * side * side)];
  expect(tile(picture, 0, 0)).toEqual(grey.flatMap((value) => [value, value, value]));
});

test('draw d shows the training views of epoch d, and copies have separate rows', async () => {
  const made = options({
    learner: {type: 'contrastive'},
    augment: [
      {type: 'crop', min_side: 0.5},
      {type: 'hflip', p: 0.5},
    ],
    copies: [[{type: 'rotate90'}], [{type: 'rotate180'}]],
    images: images(2, 3),
    rows: 2,
  });
  const {picture, views} = contactSheet(made);
  expect(views).toBe(2);
  const rows = Array.from({length: 6}, (_, i) => i * (64 + gaps.near) + Math.floor(i / 3) * (gaps.far - gaps.near));
  expect(picture.height).toBe(rows[5]! + 64);
  // Copy 2 is turned by half: the original from its other end.
  const pixelsOf = (tileOf: number[]) => Array.from({length: side * side}, (_, i) => tileOf.slice(3 * i, 3 * i + 3));
  expect(pixelsOf(tile(picture, rows[2]!, 0))).toEqual(pixelsOf(tile(picture, rows[0]!, 0)).toReversed());

  const feed = openFeed({...made, batch: 6, epochs: 2, startEpoch: 0, dropLast: true, threads: 1});
  try {
    for (const epoch of [0, 1]) {
      const fed = (await feed.next())!;
      const order = new Rng(`stream/order/${epoch}`).permutation(6);
      for (const [at, index] of order.entries())
        for (const view of [0, 1]) {
          const size = side * side * 3;
          const from = (view * 6 + at) * size;
          const wanted = Array.from(fed.images.subarray(from, from + size), (v) => Math.round(255 * v));
          // Instance i is image i mod n in copy floor(i / n); rows stand image by image.
          const row = rows[(index % 2) * 3 + Math.floor(index / 2)]!;
          expect(tile(picture, row, startOf(epoch + 1, 2) + view * (64 + gaps.near))).toEqual(wanted);
        }
    }
  } finally {
    await feed.close();
  }
});

test('a learner without views has nothing to show', () => {
  expect(() => contactSheet(options({learner: {type: 'untrained'}}))).toThrow(
    'learner "untrained" makes no views, because it does not train',
  );
});
