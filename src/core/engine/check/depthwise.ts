/** Depthwise convolution and its gradients, checked as in `convolutions.ts`; channels stay apart here, so that all of them are compared. */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf, usualSum} from './compare.ts';
import type {Reference} from './contract.ts';
import {geometryOf} from './convolutions.ts';
import {depthwise, type Geometry, tapsOf} from './loops.ts';
import {noise, noiseTensor, signs} from './noise.ts';
import {sumOfRows, sumsInRows} from './sums.ts';

export function depthwiseReference(tf: typeof TF, call: KernelCall): Reference | undefined {
  const g = geometryOf(tf, call, {depthwise: true});
  if (g === undefined) return undefined;
  const taps = tapsOf(g);
  const {n, h, w, c, p, q, kh, kw} = g;
  switch (call.kernel) {
    case 'DepthwiseConv2dNative':
      return linear(tf, g, taps, 'x', [n, h, w, c], 'output', p * q * c, 'input');
    case 'DepthwiseConv2dNativeBackpropInput':
      return linear(tf, g, taps, 'dy', [n, p, q, c], 'input', h * w * c, 'output');
    default: {
      // Not linear in the two together: each image is one image times a number of its own.
      const [one, slope] = [noise(h * w * c, 1), noise(p * q * c, 3)];
      const [a, b] = [factors(n, 4), factors(n, 5)];
      const sum = a.reduce((total, factor, i) => total + factor * b[i]!, 0);
      const want = depthwise(g, 'tap', one, slope).map((value) => value * sum);
      return {
        inputs: {x: scaled(tf, one, [h, w, c], a), dy: scaled(tf, slope, [p, q, c], b)},
        error: ([dw]) => errorOf(dw!.dataSync(), want, usualSum((n * taps) / (kh * kw))),
      };
    }
  }
}

/** The two that are linear in the images: those, combined by signs, give a result of which all values are compared. */
function linear(
  tf: typeof TF,
  g: Geometry,
  taps: number,
  name: 'x' | 'dy',
  from: readonly [number, number, number, number],
  of: 'output' | 'input',
  to: number,
  back: 'output' | 'input',
): Reference {
  const {n, c, kh, kw} = g;
  const [given, filter] = [noiseTensor(tf, from, 1), noise(kh * kw * c, 2)];
  const [ofImage, ofValue] = [signs(n, 1), signs(to, 2)];
  const sums = depthwise(g, of, sumOfRows(tf, given, n, ofImage), filter);
  const images = sumsInRows(tf, given, n, depthwise(g, back, ofValue, filter));
  return {
    inputs: {[name]: given, filter},
    error: ([got]) =>
      Math.max(
        errorOf(sumOfRows(tf, got!, n, ofImage), sums, usualSum((n * taps * c) / to)),
        errorOf(sumsInRows(tf, got!, n, ofValue), images, usualSum(c * taps)),
      ),
  };
}

/** Powers of two and their negatives, so that products are exact. */
function factors(n: number, seed: number): Float64Array {
  return signs(n, seed).map((sign, i) => sign * [0.5, 1, 2][(i * seed) % 3]!);
}

const scaled = (tf: typeof TF, image: Float32Array, shape: [number, number, number], by: Float64Array): TF.Tensor =>
  tf.tidy(() => tf.mul(tf.tensor4d(Float32Array.from(by), [by.length, 1, 1, 1]), tf.tensor3d(image, shape)));
