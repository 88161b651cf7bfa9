/** Features and maps that every contestant reads: written once, from a seed. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Rng} from '../../dist/core/base/random.js';

export const sizes = {
  train: {rows: 5000, columns: 512},
  test: {rows: 10_000, columns: 512},
  /** 20 M pixels: 305 maps of 256 × 256. */
  pixels: {count: 305, height: 256, width: 256},
};

/** Rows lie about one of eight centres, as features of a network do rather than in one ball. */
function features({rows, columns}, rng) {
  const centres = Array.from({length: 8}, (_, i) => {
    const stream = new Rng(`centre-${i}`);
    return Float32Array.from({length: columns}, () => stream.normal());
  });
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const centre = centres[rng.integer(centres.length)];
    for (let i = 0; i < columns; i++) data[row * columns + i] = centre[i] + 0.7 * rng.normal();
  }
  return data;
}

/** A disc of defect in every other map, which scores higher; single-precision scores, some of them equal. */
function pixels({count, height, width}, rng) {
  const maps = new Float32Array(count * height * width);
  const masks = new Uint8Array(maps.length);
  for (let i = 0; i < maps.length; i++) maps[i] = Math.fround(Math.round(1e6 * rng.uniform()) / 1e6);
  for (let map = 0; map < count; map += 2) {
    const [y, x, radius] = [rng.integer(height), rng.integer(width), 8 + rng.integer(24)];
    for (let row = Math.max(0, y - radius); row < Math.min(height, y + radius); row++) {
      for (let column = Math.max(0, x - radius); column < Math.min(width, x + radius); column++) {
        if ((row - y) ** 2 + (column - x) ** 2 > radius ** 2) continue;
        const at = (map * height + row) * width + column;
        masks[at] = 1;
        maps[at] += 0.3;
      }
    }
  }
  return {maps, masks};
}

export function writeData(folder) {
  mkdirSync(folder, {recursive: true});
  const write = (name, data) => writeFileSync(join(folder, name), new Uint8Array(data.buffer));
  for (const name of ['train', 'test']) write(`${name}.f32`, features(sizes[name], new Rng(name)));
  const {maps, masks} = pixels(sizes.pixels, new Rng('pixels'));
  write('maps.f32', maps);
  write('masks.u8', masks);
  writeFileSync(join(folder, 'sizes.json'), JSON.stringify(sizes));
}
