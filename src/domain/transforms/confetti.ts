/**
 * Confetti noise of FCDD (Liznerski et al., ICLR 2021; `confetti` in its released code), which CutPaste's table 4 cites
 * (docs/paper-notes.md 13.6). Its numbers are for images of 240 pixels; here they grow with the image.
 */
import type {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import {gaussianBlur} from '../../core/images/gaussian-blur.ts';
import type {Defect} from './defects.ts';

/** Pixels of an image's side for which the numbers below are. */
const side = 240;
/** Probability that a pixel is the middle of a square of a random colour, and of a black one; each image has at least one of each. */
const density = {coloured: 1.8e-5, black: 1.2e-5} as const;
/** Sides of squares in whole pixels, and how far they are turned to either side. */
const sides = [8, 54] as const;
const turn = Math.PI / 4;
/** The noise is blurred at last: standard deviation and radius of the kernel, in pixels. */
const blur = {sigma: 5, radius: 12} as const;
/** Where the mean value of an image changes by less than this, in 0.025 of 255 levels, the noise is added, if that changes more. */
const visible = 0.025 / 255;

/**
 * One or two tinted and one or two black squares, blurred: what is taken from the image, or added where there is nothing to take. A new
 * image, clipped to [0, 1] where it has changed.
 */
export const confettiNoise: Defect = (image, _, rng) => {
  const scale = Math.min(image.height, image.width) / side;
  const noise = sum(
    squares(image, density.coloured, scale, rng, true),
    squares(image, density.black, scale, rng, false),
  );
  const radius = Math.max(1, Math.round(blur.radius * scale));
  const smooth = gaussianBlur({...image, data: noise}, blur.sigma * scale, radius).data;
  const [darker, brighter] = [-1, 1].map((sign) => combined(image, smooth, sign));
  const [less, more] = [meanChange(image, darker!), meanChange(image, brighter!)];
  return {...image, data: less < visible && more > less ? brighter! : darker!};
};

/** A layer of squares, by how much they take from each channel; a later one covers an earlier one. */
function squares(image: FloatImage, perPixel: number, scale: number, rng: Rng, coloured: boolean): Float32Array {
  const {height, width} = image;
  const layer = new Float32Array(3 * height * width);
  for (let left = drawCount(perPixel * side * side, rng); left > 0; left--) {
    const half = (scale * (sides[0] + rng.integer(sides[1] - sides[0] + 1))) / 2;
    const middle = {x: rng.integer(width), y: rng.integer(height)};
    const colour = coloured ? [rng.uniform(), rng.uniform(), rng.uniform()] : [1, 1, 1];
    const angle = rng.uniform(-turn, turn);
    fill(layer, {height, width}, {...middle, half, angle}, colour);
  }
  return layer;
}

interface Square {
  readonly x: number;
  readonly y: number;
  /** Half its side. */
  readonly half: number;
  /** Radians. */
  readonly angle: number;
}

function fill(
  layer: Float32Array,
  {height, width}: {readonly height: number; readonly width: number},
  {x, y, half, angle}: Square,
  colour: readonly number[],
): void {
  const reach = Math.ceil(Math.SQRT2 * half);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++)
    for (let column = Math.max(0, x - reach); column <= Math.min(width - 1, x + reach); column++) {
      const [right, down] = [column - x, row - y];
      if (Math.max(Math.abs(cos * right - sin * down), Math.abs(sin * right + cos * down)) > half) continue;
      layer.set(colour, 3 * (row * width + column));
    }
}

/** Poisson with this mean, but at least 1. */
function drawCount(mean: number, rng: Rng): number {
  for (;;) {
    let count = 0;
    for (let left = Math.exp(mean) * rng.uniform(); left > 1; left *= rng.uniform()) count++;
    if (count > 0) return count;
  }
}

const sum = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + b[i]!);

const combined = ({data}: FloatImage, noise: Float32Array, sign: number): Float32Array =>
  data.map((value, i) => (noise[i] === 0 ? value : Math.min(1, Math.max(0, value + sign * noise[i]!))));

const meanChange = ({data}: FloatImage, changed: Float32Array): number =>
  Math.abs(changed.reduce((total, value, i) => total + value - data[i]!, 0)) / data.length;
