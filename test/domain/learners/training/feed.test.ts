import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {expect, test} from 'vitest';
import {compiledUrl} from '../../../../src/core/base/compiled.ts';
import type {ImageSet} from '../../../../src/core/contracts/data.ts';
import {loadPlugins} from '../../../../src/core/plugin/registry.ts';
import {type Feed, type FeedBatch, type FeedOptions, openFeed} from '../../../../src/domain/learners/training/feed.ts';

const url = new URL('../feed-plugins.js', import.meta.url).href;
const plugins = await loadPlugins([{url}]);

/** Grey 2×3 images; every pixel of image i is i. */
const numbered = (count: number): ImageSet => ({
  shape: {height: 2, width: 3, channels: 1},
  count,
  pixels: Uint8Array.from({length: count * 6}, (_, i) => Math.floor(i / 6)),
});

const open = (options: Partial<FeedOptions> = {}): Feed =>
  openFeed({
    images: numbered(10),
    learner: {type: 'pair'},
    augment: [{type: 'shift'}],
    plugins,
    stream: '7/learn',
    batch: 4,
    epochs: 3,
    startEpoch: 0,
    dropLast: false,
    threads: 1,
    ...options,
  });

async function drain(feed: Feed): Promise<FeedBatch[]> {
  const batches: FeedBatch[] = [];
  try {
    for (let batch = await feed.next(); batch; batch = await feed.next())
      batches.push({...batch, images: batch.images.slice()});
  } finally {
    await feed.close();
  }
  return batches;
}

/** Numbers of the images in a batch of `numbered` ones. */
const numbersIn = ({images, count}: FeedBatch, size = 18): number[] =>
  Array.from({length: count}, (_, i) => Math.round(images[i * size]! * 255));

test('an epoch has every image once, in a new order, view after view', async () => {
  const feed = open();
  expect(feed).toMatchObject({views: 2, height: 2, width: 3, stepsPerEpoch: 3});
  const batches = await drain(feed);
  expect(batches.map(({epoch, step, count, views}) => [epoch, step, count, views])).toEqual([
    [0, 0, 4, 2],
    [0, 1, 4, 2],
    [0, 2, 2, 2],
    [1, 0, 4, 2],
    [1, 1, 4, 2],
    [1, 2, 2, 2],
    [2, 0, 4, 2],
    [2, 1, 4, 2],
    [2, 2, 2, 2],
  ]);
  const epochs = [0, 1, 2].map((e) => batches.filter(({epoch}) => epoch === e).flatMap((batch) => numbersIn(batch)));
  for (const order of epochs) expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(new Set(epochs.map(String)).size).toBe(3);

  for (const {images, count} of batches) {
    expect(images.length).toBe(2 * count * 18);
    for (let i = 0; i < count; i++) {
      const plain = images.subarray(i * 18, (i + 1) * 18);
      const shifted = images.subarray((count + i) * 18, (count + i + 1) * 18);
      expect(new Set(plain).size).toBe(1); // the second view of this very image, by one shift for all its pixels
      expect(new Set(shifted).size).toBe(1);
      expect(shifted[0]! - plain[0]!).toBeGreaterThan(0);
    }
  }
});

test('batches are the same from one thread, from three, and again, and different for another stream', async () => {
  const [one, three, again, other] = await Promise.all([
    drain(open()),
    drain(open({threads: 3})),
    drain(open({threads: 3})),
    drain(open({stream: '8/learn'})),
  ]);
  expect(three).toEqual(one);
  expect(again).toEqual(one);
  expect(other.map((batch) => numbersIn(batch))).not.toEqual(one.map((batch) => numbersIn(batch)));
});

test('epochs with a number of steps: passes continue in the next epoch, also when started in the middle', async () => {
  const options = {epochs: 3, stepsPerEpoch: 5, dropLast: true} as const;
  const feed = open(options);
  expect(feed.stepsPerEpoch).toBe(5);
  const batches = await drain(feed);
  expect(batches.map(({epoch, step}) => `${epoch}.${step}`).join(' ')).toBe(
    '0.0 0.1 0.2 0.3 0.4 1.0 1.1 1.2 1.3 1.4 2.0 2.1 2.2 2.3 2.4',
  );
  // Two batches of 4 of 10 images are a pass: none is seen twice in it, and its order and draws are its own.
  const passes = Array.from({length: 7}, (_, pass) => batches.slice(2 * pass, 2 * pass + 2));
  for (const pass of passes) expect(new Set(pass.flatMap((batch) => numbersIn(batch))).size).toBe(8);
  expect(new Set(passes.map((pass) => pass.map((batch) => numbersIn(batch)).join())).size).toBe(7);
  expect(new Set(batches.map(({images}) => images.join())).size).toBe(15);
  expect(await drain(open({...options, startEpoch: 1}))).toEqual(batches.slice(5));
});

test('an image has a new draw in every epoch, independent of its batch', async () => {
  const shifts = (batches: readonly FeedBatch[], image: number) =>
    batches.flatMap((batch) =>
      numbersIn(batch).flatMap((number, i) =>
        number === image ? [batch.images[(batch.count + i) * 18]! - batch.images[i * 18]!] : [],
      ),
    );
  const [batches, ones] = await Promise.all([drain(open()), drain(open({batch: 1}))]);
  expect(new Set(shifts(batches, 3)).size).toBe(3);
  expect(shifts(ones, 3)).toEqual(shifts(batches, 3));
});

test('a copy is an instance beside its original, made the same way in every epoch', async () => {
  const feed = open({copies: [[{type: 'shift'}]], epochs: 2});
  expect(feed.stepsPerEpoch).toBe(5);
  const batches = await drain(feed);
  const epochs = [0, 1].map((e) =>
    batches
      .filter(({epoch}) => epoch === e)
      .flatMap(({images, count}) => Array.from({length: count}, (_, i) => images[i * 18]!)),
  );
  expect(epochs[0]).not.toEqual(epochs[1]); // another order
  const [first, second] = epochs.map((values) => values.toSorted((a, b) => a - b));
  expect(first).toEqual(second);
  expect(first!.length).toBe(20);
  const originals = numbered(10).pixels.filter((_, i) => i % 6 === 0);
  for (const number of originals) expect(first).toContain(Math.fround(number / 255));
  expect(new Set(first).size).toBe(20);
});

test('a resumed feed gives the same batches as the uninterrupted one', async () => {
  const [whole, rest] = await Promise.all([drain(open()), drain(open({startEpoch: 2}))]);
  expect(rest).toEqual(whole.filter(({epoch}) => epoch === 2));
  expect(await drain(open({startEpoch: 3}))).toEqual([]);
});

test('dropLast leaves out images that do not fill a batch', async () => {
  const feed = open({dropLast: true, epochs: 1});
  expect(feed.stepsPerEpoch).toBe(2);
  expect((await drain(feed)).map(({count}) => count)).toEqual([4, 4]);
});

test('a batch does not change until the next is requested, even if the threads are ahead', async () => {
  const feed = open({threads: 2, batch: 1, epochs: 2});
  const all = await drain(open({batch: 1, epochs: 2}));
  const first = (await feed.next())!;
  const second = (await feed.next())!;
  const kept = second.images.slice();
  // Ten times the time that the threads need to fill all of their slots.
  await drain(open({epochs: 20}));
  expect(second.images).toEqual(kept);
  expect(kept).toEqual(all[1]!.images);
  expect(first.step).toBe(0);
  await feed.close();
});

test('a colour image comes as stored / 255, and pixels in shared memory are used in place', async () => {
  const pixels = new Uint8Array(new SharedArrayBuffer(12));
  pixels.set([0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]);
  const images: ImageSet = {shape: {height: 1, width: 2, channels: 3}, count: 2, pixels};
  const [batch] = await drain(open({images, learner: {type: 'picky', value: -1}, augment: [], epochs: 1}));
  const expected = numbersIn(batch!, 6).flatMap((first) => Array.from(first ? pixels.slice(6) : pixels.slice(0, 6)));
  expect(Array.from(batch!.images)).toEqual(expected.map((value) => Math.fround(value / 255)));
});

test('too few images for a batch, and a learner without views, are refused', () => {
  expect(() => open({batch: 11, dropLast: true})).toThrowErrorMatchingInlineSnapshot(
    `[Error: 10 training images do not fill a batch of 11; lower "batch" or use more images ("limit.train")]`,
  );
  expect(() => open({images: numbered(0)})).toThrowErrorMatchingInlineSnapshot(
    `[Error: 0 training images do not fill a batch of 4; lower "batch" or use more images ("limit.train")]`,
  );
  expect(() => open({learner: {type: 'untrained'}})).toThrowErrorMatchingInlineSnapshot(
    `[Error: learner "untrained" makes no views, because it does not train]`,
  );
});

test('an error in a thread reaches every next()', async () => {
  const feed = open({learner: {type: 'picky', value: 3}});
  await expect(drain(feed)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: learner "picky" failed on training image 3 in pass 0: can't stand 3]`,
  );
  await expect(feed.next()).rejects.toThrow("can't stand 3");
  const copied = open({learner: {type: 'picky', value: 13}, copies: [[{type: 'ten'}]]});
  await expect(drain(copied)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: learner "picky" failed on training image 3, copy 1 of distribution_augmentation, in pass 0: can't stand 13]`,
  );
});

test('a thread that ends or cannot start is a failure as well', async () => {
  await expect(drain(open({learner: {type: 'leaver', value: 5}}))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: an augmentation thread ended early (exit code 3)]`,
  );
  const broken = new Proxy(plugins, {
    get: (target, key) =>
      key === 'modules' ? [{url: 'file:///no/such/plug-in.js'}] : Reflect.get(target, key).bind(target),
  });
  await expect(drain(open({plugins: broken}))).rejects.toThrow("Cannot find module '/no/such/plug-in.js'");
});

test('views of changing size are refused', async () => {
  await expect(drain(open({learner: {type: 'fickle'}}))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: learner "fickle" failed on training image 9 in pass 0: expected views of 2×2×3, as for image 0, but got 1×1×3]`,
  );
});

test('close() rejects a pending next(), and may be called twice', async () => {
  const feed = open();
  const open1 = feed.next();
  const closed = feed.close();
  await expect(open1).rejects.toThrow('the feed is closed');
  await closed;
  await feed.close();
  await expect(feed.next()).rejects.toThrow('the feed is closed');
});

test('a process whose feed is closed ends by itself', async () => {
  const compiled = (path: string) =>
    JSON.stringify(compiledUrl(new URL(`../../../../src/${path}`, import.meta.url).href));
  const script = `(async () => {
    const {openFeed} = await import(${compiled('domain/learners/training/feed.ts')});
    const {loadPlugins} = await import(${compiled('core/plugin/registry.ts')});
    const plugins = await loadPlugins([{url: ${JSON.stringify(url)}}]);
    const images = {shape: {height: 2, width: 2, channels: 1}, count: 8, pixels: new Uint8Array(32)};
    const feed = openFeed({images, learner: {type: 'pair'}, augment: [], plugins,
      stream: '0', batch: 2, epochs: 1000, startEpoch: 0, dropLast: true});
    const {count} = await feed.next();
    await feed.close();
    process.stdout.write(String(count));
  })()`;
  const {stdout} = await promisify(execFile)(process.execPath, ['--eval', script]);
  expect(stdout).toBe('2');
});
