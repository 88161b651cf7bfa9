/**
 * Makes data/fashion-mnist-small: the first 500 training and 100 test images of each class of Fashion-MNIST, in the
 * published order, as IDX files.
 *
 *   sudo apt install dataset-fashion-mnist
 *   node scripts/make-fashion-mnist-small.mjs [folder of the published files]
 */

import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gunzipSync, gzipSync} from 'node:zlib';

const from = process.argv[2] ?? '/usr/share/datasets/fashion-mnist';
const to = fileURLToPath(new URL('../data/fashion-mnist-small', import.meta.url));
const classes = 10;
const side = 28;

/** @param {string} name */
const read = (name) => gunzipSync(readFileSync(join(from, name)));

/**
 * @param {string} name
 * @param {readonly number[]} shape
 * @param {Uint8Array} data
 */
function write(name, shape, data) {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length); // 8: unsigned bytes
  shape.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  const content = Buffer.concat([header, data]);
  const packed = gzipSync(content, {level: 9});
  packed[9] = 255; // operating system: unknown. With no name and no time in it, the bytes depend on zlib alone.
  writeFileSync(join(to, name), packed);
  process.stdout.write(`${name} ${packed.length} bytes, unpacked SHA-256 ${sha256(content)}\n`);
}

/** @param {Uint8Array} data */
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

mkdirSync(to, {recursive: true});
for (const {prefix, each} of [
  {prefix: 'train', each: 500},
  {prefix: 't10k', each: 100},
]) {
  const images = read(`${prefix}-images-idx3-ubyte.gz`).subarray(16);
  const labels = read(`${prefix}-labels-idx1-ubyte.gz`).subarray(8);
  const taken = new Array(classes).fill(0);
  const kept = [...labels.keys()].filter((i) => taken[labels[i]]++ < each);
  const pixels = kept.map((i) => images.subarray(i * side * side, (i + 1) * side * side));
  write(`${prefix}-images-idx3-ubyte.gz`, [kept.length, side, side], Buffer.concat(pixels));
  write(
    `${prefix}-labels-idx1-ubyte.gz`,
    [kept.length],
    Uint8Array.from(kept, (i) => labels[i]),
  );
}
