import {readFileSync} from 'node:fs';
import {expect} from 'vitest';
import type {FloatImage} from '../../../src/core/contracts/data.ts';

/** What TensorFlow makes of one small image: `scripts/make-transform-fixtures.py`. */
export interface Fixtures {
  readonly height: number;
  readonly width: number;
  readonly image: readonly number[];
  readonly crop: readonly {
    readonly window: {readonly top: number; readonly left: number; readonly height: number; readonly width: number};
    readonly to: readonly [number, number];
    readonly out: readonly number[];
  }[];
  readonly turn: readonly {readonly k: number; readonly out: readonly number[]}[];
  readonly flipHorizontal: readonly number[];
  readonly flipVertical: readonly number[];
  readonly brightness: readonly {readonly by: number; readonly out: readonly number[]}[];
  readonly contrast: Fixtures['brightness'];
  readonly saturation: Fixtures['brightness'];
  readonly hue: Fixtures['brightness'];
  readonly grey: readonly number[];
  readonly blur: readonly {readonly sigma: number; readonly radius: number; readonly out: readonly number[]}[];
}

export const fixtures = JSON.parse(
  readFileSync(new URL('../../fixtures/transforms.json', import.meta.url), 'utf8'),
) as Fixtures;

export const reference: FloatImage = {
  height: fixtures.height,
  width: fixtures.width,
  channels: 3,
  data: Float32Array.from(fixtures.image),
};

/** Equal but for float32 rounding; the message names the first value that is not. */
export function expectClose(actual: Float32Array, expected: readonly number[], tolerance = 2e-6): void {
  expect(actual.length).toBe(expected.length);
  const at = expected.findIndex((value, i) => !(Math.abs(Math.fround(value) - actual[i]!) <= tolerance));
  expect(at === -1 ? 'close' : `value ${at} is ${actual[at]}, expected ${expected[at]}`).toBe('close');
}

/** A (height, width, 3) image whose channels are all `values`. */
export const greyImage = (height: number, width: number, values: ArrayLike<number>): FloatImage => ({
  height,
  width,
  channels: 3,
  data: Float32Array.from({length: height * width * 3}, (_, i) => values[Math.floor(i / 3)]!),
});
