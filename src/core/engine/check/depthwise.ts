/** Depthwise convolution and its gradients, checked as in `convolutions.ts`; channels stay apart here, so that all of them are compared. */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf, usualSum} from './compare.ts';
import type {Reference} from './contract.ts';
import {geometryOf} from './convolutions.ts';
import {combined, depthwise, dots, type Geometry, tapsOf} from './loops.ts';
import {noise, signs} from './noise.ts';

export function depthwiseReference(tf: typeof TF, call: KernelCall): Reference | undefined {
  const g = geometryOf(tf, call, {depthwise: true});
  if (g === undefined) return undefined;
  const taps = tapsOf(g);
  const {n, h, w, c, p, q, kh, kw} = g;
  const [image, map] = [h * w * c, p * q * c];
  switch (call.kernel) {
    case 'DepthwiseConv2dNative':
      return linear(g, taps, 'x', image, 'output', map, 'input');
    case 'DepthwiseConv2dNativeBackpropInput':
      return linear(g, taps, 'dy', map, 'input', image, 'output');
    default: {
      // Not linear in the two together: each image is one image times a number of its own.
      const [one, slope] = [noise(image, 1), noise(map, 3)];
      const [a, b] = [factors(n, 4), factors(n, 5)];
      const sum = a.reduce((total, factor, i) => total + factor * b[i]!, 0);
      const want = depthwise(g, 'tap', one, slope).map((value) => value * sum);
      return {
        inputs: {x: scaled(one, a), dy: scaled(slope, b)},
        error: ([dw]) => errorOf(dw!, want, usualSum((n * taps) / (kh * kw))),
      };
    }
  }
}

/** The two that are linear in the images: those, combined by signs, give a result of which all values are compared. */
function linear(
  g: Geometry,
  taps: number,
  name: 'x' | 'dy',
  from: number,
  of: 'output' | 'input',
  to: number,
  back: 'output' | 'input',
): Reference {
  const {n, c, kh, kw} = g;
  const [given, filter] = [noise(n * from, 1), noise(kh * kw * c, 2)];
  const [ofImage, ofValue] = [signs(n, 1), signs(to, 2)];
  const sums = depthwise(g, of, combined(given, n, from, ofImage), filter);
  const images = dots(given, n, from, depthwise(g, back, ofValue, filter));
  return {
    inputs: {[name]: given, filter},
    error: ([got]) =>
      Math.max(
        errorOf(combined(got!, n, to, ofImage), sums, usualSum((n * taps * c) / to)),
        errorOf(dots(got!, n, to, ofValue), images, usualSum(c * taps)),
      ),
  };
}

/** Powers of two and their negatives, so that products are exact. */
function factors(n: number, seed: number): Float64Array {
  return signs(n, seed).map((sign, i) => sign * [0.5, 1, 2][(i * seed) % 3]!);
}

function scaled(image: Float32Array, by: Float64Array): Float32Array {
  const all = new Float32Array(by.length * image.length);
  for (let i = 0, at = 0; i < by.length; i++) for (let j = 0; j < image.length; j++, at++) all[at] = by[i]! * image[j]!;
  return all;
}
