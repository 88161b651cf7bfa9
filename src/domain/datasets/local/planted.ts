/** Puts defects of simple shapes onto an image (CutPaste, table 6). Results depend only on the image and the random generator. */
import type {Rng} from '../../../core/base/random.ts';

/** Whether a point of the square [-1, 1] × [-1, 1], y downwards, is inside the shape. */
export type Outline = (x: number, y: number) => boolean;

/** The shapes of dSprites. The paper names them, but does not draw them to scale. */
export const outlines = {
  square: () => true,
  ellipse: (x, y) => x ** 2 + (y / 0.6) ** 2 <= 1,
  /** (x² + y² − 1)³ ≤ x² y³, y upwards. It reaches about 1.15 in each direction and is scaled to fit. */
  heart: (x, y) => {
    const [right, up] = [1.15 * x, 0.12 - 1.12 * y];
    return (right ** 2 + up ** 2 - 1) ** 3 <= right ** 2 * up ** 3;
  },
} as const satisfies {readonly [name: string]: Outline};

/** Makes an outline of a grey picture (side, side): pixels above 127 are inside. */
export function outlineOf(picture: Uint8Array, side: number): Outline {
  const at = (along: number): number => Math.min(side - 1, Math.floor(((along + 1) / 2) * side));
  return (x, y) => picture[at(y) * side + at(x)]! > 127;
}

/** `colour`: one colour; `natural`: pixels from another place of the image. */
export type Fill = 'colour' | 'natural';

export interface Planting {
  readonly outline: Outline;
  readonly fill: Fill;
  /** Range of the side of the shape's square, divided by the image's side. At most 0.7, so that it fits into the image at any angle. */
  readonly sizes: readonly [low: number, high: number];
}

/**
 * Changes a square image (side, side, 3): fills a shape of random size and angle, which lies wholly inside. Sets `mask` (side, side) to
 * 1 where the shape is. Outline and fill do not change the random numbers, so size, angle and place are the same for all of them.
 */
export function plant(
  image: Uint8Array,
  mask: Uint8Array,
  side: number,
  {outline, fill, sizes}: Planting,
  rng: Rng,
): void {
  const half = (side * rng.uniform(...sizes)) / 2;
  const radius = half * Math.SQRT2;
  const [x, y] = [rng.uniform(radius, side - radius), rng.uniform(radius, side - radius)];
  const turn = rng.uniform(0, 2 * Math.PI);
  const [right, down] = [x, y].map((centre) => {
    const [least, most] = [Math.ceil(radius - centre), Math.floor(side - radius - centre)];
    return least + rng.integer(most - least + 1);
  }) as [number, number];
  const colour = [rng.integer(256), rng.integer(256), rng.integer(256)];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const before = image.slice();
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const [dx, dy] = [(column + 0.5 - x) / half, (row + 0.5 - y) / half];
      const [u, v] = [cos * dx + sin * dy, cos * dy - sin * dx];
      if (Math.max(Math.abs(u), Math.abs(v)) > 1 || !outline(u, v)) continue;
      const at = row * side + column;
      mask[at] = 1;
      const from = 3 * (at + down * side + right);
      image.set(fill === 'colour' ? colour : before.subarray(from, from + 3), 3 * at);
    }
}
