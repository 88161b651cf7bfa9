import {createWriteStream, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {createGzip} from 'node:zlib';
import {pack} from 'tar-stream';
import {type TemporaryFolder, temporaryFolder} from './archives.ts';

/** Records of CIFAR's binary version: labels as asked for, and pixels that tell records and channels apart. */
export function cifarRecords(records: number, labelsOf: (record: number) => readonly number[]): Buffer {
  const labels = labelsOf(0).length;
  const size = labels + 3072;
  const bytes = Buffer.alloc(records * size);
  for (let i = 0; i < records; i++) {
    bytes.set(labelsOf(i), i * size);
    for (let channel = 0; channel < 3; channel++) {
      const plane = i * size + labels + channel * 1024;
      bytes.fill((i * 7 + channel * 80) % 256, plane, plane + 1024);
      bytes[plane] = i % 251; // the first pixel
      bytes[plane + 33] = (i + channel) % 251; // row 1, column 1
    }
  }
  return bytes;
}

/** A data folder with files below `subfolder`. */
export function rootWith(subfolder: string, files: {readonly [name: string]: Uint8Array}): TemporaryFolder {
  const place = temporaryFolder('cifar');
  mkdirSync(join(place.folder, subfolder), {recursive: true});
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(place.folder, subfolder, name), bytes);
  return place;
}

/** As published but for the pixels: 1000 images of each class in each file of CIFAR-10. */
export const cifar10Files = (): {readonly [name: string]: Buffer} => {
  const batch = (shift: number): Buffer => cifarRecords(10_000, (i) => [(i + shift) % 10]);
  return {
    'data_batch_1.bin': batch(1),
    'data_batch_2.bin': batch(2),
    'data_batch_3.bin': batch(3),
    'data_batch_4.bin': batch(4),
    'data_batch_5.bin': batch(5),
    'test_batch.bin': batch(6),
  };
};

/** A `.tar.gz` of the files in the order given, in a folder as the published ones have it. */
export async function packedAs(
  path: string,
  top: string,
  files: readonly (readonly [string, Buffer])[],
): Promise<void> {
  const archive = pack();
  archive.entry({name: `${top}/`, type: 'directory'});
  archive.entry({name: `${top}/readme.html`}, '<html>');
  for (const [name, bytes] of files) archive.entry({name: `${top}/${name}`}, bytes);
  archive.finalize();
  await pipeline(archive, createGzip({level: 1}), createWriteStream(path));
}

/** As published but for the pixels: 2500 + 500 images of each coarse class, 500 + 100 of each fine one. */
export const cifar100Files = (): {readonly [name: string]: Buffer} => ({
  'train.bin': cifarRecords(50_000, (i) => [Math.floor((i % 100) / 5), i % 100]),
  'test.bin': cifarRecords(10_000, (i) => [Math.floor(((i + 3) % 100) / 5), (i + 3) % 100]),
});
