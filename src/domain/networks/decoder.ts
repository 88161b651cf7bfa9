/**
 * From a code back to an image: the encoder mirrored. A dense layer makes a map of at most 4 × 4, then each step doubles the
 * side (nearest neighbour) and halves the channels by a 3 × 3 convolution with batch normalisation and ReLU; a last 3 × 3
 * convolution, linear and with a bias, makes the colours. Our choice: the papers do not describe theirs (paper 2.6).
 */
import {type Tensor2D, type Tensor4D, tf} from '../../core/engine/engine.ts';
import {
  batchNorm,
  batchNormParameters,
  conv,
  convParameters,
  dense,
  denseParameters,
  type ParameterSpec,
  type Weights,
} from '../../core/nn/layers.ts';

/** No convolution has fewer: the last ones of a large image would have a handful otherwise. */
const fewestChannels = 16;

/** Sides of the maps from the innermost to the image: 28 → 4, 7, 14, 28. */
function sidesOf(side: number): readonly number[] {
  const sides = [side];
  while (sides[0]! > 4) sides.unshift(Math.ceil(sides[0]! / 2));
  return sides;
}

const channelsOf = (columns: number, step: number): number => Math.max(fewestChannels, columns >> step);

/** For codes of so many columns and square images of `side` pixels. */
export function decoderParameters(columns: number, side: number): ParameterSpec[] {
  const [first, ...rest] = sidesOf(side) as [number, ...number[]];
  const start = channelsOf(columns, 0);
  return [
    ...denseParameters('decoder/dense', columns, first * first * start, {bias: false}),
    ...batchNormParameters('decoder/bn0', start),
    ...rest.flatMap((_, i) => [
      ...convParameters(`decoder/conv${i + 1}`, 3, channelsOf(columns, i), channelsOf(columns, i + 1)),
      ...batchNormParameters(`decoder/bn${i + 1}`, channelsOf(columns, i + 1)),
    ]),
    // Not scaled by its few outputs, as the others are: colours would start far outside [0, 1].
    {
      name: 'decoder/image/kernel',
      shape: [3, 3, channelsOf(columns, rest.length), 3],
      start: 'glorot-uniform',
      trainable: true,
    },
    {name: 'decoder/image/bias', shape: [3], start: 'zeros', trainable: true},
  ];
}

/** Multiply-accumulates of one image, without normalisation. */
export function decoderMacs(columns: number, side: number): number {
  const [first, ...rest] = sidesOf(side) as [number, ...number[]];
  const dense = columns * first ** 2 * channelsOf(columns, 0);
  const ups = rest.map((next, i) => 9 * next ** 2 * channelsOf(columns, i) * channelsOf(columns, i + 1));
  return ups.reduce((sum, macs) => sum + macs, dense) + 27 * side ** 2 * channelsOf(columns, rest.length);
}

/** Codes (n, columns) → images (n, side, side, 3), not bounded to [0, 1]. */
export function decode(
  weights: Weights,
  code: Tensor2D,
  side: number,
  options: {readonly training: boolean},
): Tensor4D {
  const [first, ...rest] = sidesOf(side) as [number, ...number[]];
  const grown = dense(weights, 'decoder/dense', code);
  let y: Tensor4D = tf.reshape(grown, [code.shape[0], first, first, -1]);
  y = tf.relu(batchNorm(weights, 'decoder/bn0', y, options));
  for (const [i, next] of rest.entries())
    y = tf.relu(
      batchNorm(weights, `decoder/bn${i + 1}`, conv(weights, `decoder/conv${i + 1}`, doubled(y, next), 1), options),
    );
  return tf.add(conv(weights, 'decoder/image', y, 1), weights.get('decoder/image/bias')!);
}

/** Every pixel four times, cut to (side, side). By concatenation: the wasm engine has no gradient of a resize. */
function doubled(x: Tensor4D, side: number): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const pixels: Tensor2D = tf.reshape(x, [n * height * width, channels]);
  const rows: Tensor2D = tf.reshape(tf.concat([pixels, pixels], 1), [n * height, 2 * width * channels]);
  const all: Tensor4D = tf.reshape(tf.concat([rows, rows], 1), [n, 2 * height, 2 * width, channels]);
  return side === 2 * height ? all : tf.slice(all, [0, 0, 0, 0], [-1, side, side, -1]);
}
