import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import type {FloatImage} from '../../../src/core/contracts/data.ts';
import {cut} from '../../../src/domain/transforms/patch.ts';
import {seamless, solvePoisson} from '../../../src/domain/transforms/poisson.ts';
import {expectClose} from '../../rig/tensors.ts';
import {pattern} from '../networks/pattern.ts';

/** A direct solve in NumPy: `scripts/make-nsa-fixtures.py`. */
const {cloning} = JSON.parse(readFileSync(new URL('../../fixtures/nsa.json', import.meta.url), 'utf8')) as {
  readonly cloning: {
    readonly side: number;
    readonly height: number;
    readonly width: number;
    readonly top: number;
    readonly left: number;
    readonly normal: readonly number[];
    readonly mixed: readonly number[];
  };
};

const made = (height: number, width: number, salt: number, contrast = 0.5): FloatImage => ({
  height,
  width,
  channels: 3,
  data: Float32Array.from(pattern(height * width * 3, salt), (u) => 0.5 + contrast * u),
});
const {side, height, width, top, left} = cloning;
const image = made(side, side, 41);

test.each(['normal', 'mixed'] as const)('%s cloning is that of a direct solve, and changes nothing else', (blend) => {
  const blended = seamless(image, made(height, width, 42, 0.3), {top, left}, blend);
  expectClose(cut(blended, {height, width}, {top, left}).data, cloning[blend], {absolute: 1e-6});
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const isInside = y > top && y < top + height - 1 && x > left && x < left + width - 1;
      const at = (y * side + x) * 3;
      if (!isInside) expect(blended.data.subarray(at, at + 3)).toEqual(image.data.subarray(at, at + 3));
    }
});

test('a patch that differs from the image by a constant leaves it as it is: only gradients count', () => {
  const own = cut(image, {height, width}, {top, left});
  const lighter = {...own, data: own.data.map((value) => value + 0.25)};
  expectClose(seamless(image, lighter, {top, left}, 'normal').data, image.data, {absolute: 1e-6});
});

test('a patch without an inside changes nothing', () => {
  expect(seamless(image, made(2, 9, 43), {top: 0, left: 0}, 'normal')).toEqual(image);
});

test('the solution fulfils its equation', () => {
  const [rows, columns] = [9, 14];
  const right = pattern(rows * columns, 44);
  const f = solvePoisson(right, rows, columns);
  const at = (y: number, x: number): number => (y < 0 || x < 0 || y >= rows || x >= columns ? 0 : f[y * columns + x]!);
  const back = Float64Array.from({length: rows * columns}, (_, i) =>
    ((y, x) => 4 * at(y, x) - at(y - 1, x) - at(y + 1, x) - at(y, x - 1) - at(y, x + 1))(
      Math.floor(i / columns),
      i % columns,
    ),
  );
  expectClose(back, right, {relative: 0, absolute: 1e-12});
});
