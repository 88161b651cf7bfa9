/**
 * Convolution and its two gradients against plain loops in float64, without computing them: combined by random signs, the images of a
 * batch become one image, the features of a filter one feature, and because a convolution is linear in each, what must come out can
 * be computed for next to nothing. Every value of the result goes into a sum for its place, one for its channel, one for its image,
 * so that a border, the last channels or one image that is wrong shows (as in Freivalds' check of a matrix product). Small ones are
 * computed in full.
 */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf, usualSum} from './compare.ts';
import type {Reference} from './contract.ts';
import {combined, convolve, convolveBack, correlate, dots, type Geometry, outer, tapsOf} from './loops.ts';
import {noise, signs} from './noise.ts';

/** Up to so many products all values are computed. */
const small = 1_000_000;

type Shape4 = [number, number, number, number];

/** Undefined for layouts and dilations that nothing here uses. */
export function geometryOf(
  tf: typeof TF,
  {shapes, attrs}: KernelCall,
  {depthwise}: {readonly depthwise: boolean},
): Geometry | undefined {
  const input = (shapes['x'] ?? attrs['inputShape']) as Shape4;
  const filter = (shapes['filter'] ?? attrs['filterShape']) as Shape4;
  const {strides, pad, dimRoundingMode, dataFormat = 'NHWC', dilations = 1} = attrs;
  if (dataFormat !== 'NHWC' || ![dilations].flat().every((one) => one === 1)) return undefined;
  if (depthwise && filter[3] !== 1) return undefined;
  const info = tf.backend_util.computeConv2DInfo(
    input,
    filter,
    strides as [number, number],
    1,
    pad as 'same',
    dimRoundingMode as 'floor',
    depthwise,
  );
  return {
    n: input[0],
    h: input[1],
    w: input[2],
    c: input[3],
    p: info.outHeight,
    q: info.outWidth,
    f: depthwise ? input[3] : filter[3],
    kh: filter[0],
    kw: filter[1],
    strides: [info.strideHeight, info.strideWidth],
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}

export function convolutionReference(tf: typeof TF, call: KernelCall): Reference | undefined {
  const g = geometryOf(tf, call, {depthwise: false});
  if (g === undefined) return undefined;
  const make = {Conv2D: forward, Conv2DBackpropInput: inputGradient, Conv2DBackpropFilter: filterGradient}[call.kernel];
  return make?.(g, tapsOf(g));
}

function forward(g: Geometry, taps: number): Reference {
  const {n, h, w, c, p, q, f, kh, kw} = g;
  const inputs = {x: noise(n * h * w * c, 1), filter: noise(kh * kw * c * f, 2)};
  const {x, filter} = inputs;
  const [image, map] = [h * w * c, p * q * f];
  if (n * taps * c * f <= small)
    return whole(inputs, n, map, (i) => convolve(g, x.subarray(i * image, (i + 1) * image), filter, c, f));
  const [ofImage, ofFeature, ofPlace] = [signs(n, 1), signs(f, 2), signs(p * q, 3)];
  const oneImage = combined(x, n, image, ofImage);
  const oneFeature = dots(filter, kh * kw * c, f, ofFeature);
  const places = convolve(g, oneImage, oneFeature, c, 1);
  const features = combined(filter, kh * kw * c, f, correlate(g, oneImage, ofPlace, c, 1));
  const images = dots(x, n, image, convolveBack(g, ofPlace, oneFeature, c, 1));
  const weights = outer(ofPlace, ofFeature);
  const samples = sampled(g, inputs, taps);
  return {
    inputs,
    error([y]) {
      const all = combined(y!, n, map, ofImage);
      return Math.max(
        errorOf(dots(all, p * q, f, ofFeature), places, usualSum((n * f * c * taps) / (p * q))),
        errorOf(combined(all, p * q, f, ofPlace), features, usualSum(n * c * taps)),
        errorOf(dots(y!, n, map, weights), images, usualSum(f * c * taps)),
        samples(y!),
      );
    },
  };
}

/** Values themselves: of the first and last image, at the corners and in the middle, the first and last features. */
function sampled(
  g: Geometry,
  {x, filter}: {readonly x: Float32Array; readonly filter: Float32Array},
  taps: number,
): (y: Float32Array) => number {
  const {n, h, w, c, p, q, f} = g;
  const ends = (size: number) => [...new Set([0, size >> 1, size - 1])];
  const at: number[] = [];
  const want: number[] = [];
  for (const row of ends(p))
    for (const column of ends(q)) {
      // The convolution at this place alone.
      const [strideHeight, strideWidth] = g.strides;
      const one = {...g, p: 1, q: 1, top: g.top - row * strideHeight, left: g.left - column * strideWidth};
      for (const image of ends(n)) {
        const values = convolve(one, x.subarray(image * h * w * c, (image + 1) * h * w * c), filter, c, f);
        for (const feature of [...ends(f), Math.max(0, f - 2)]) {
          at.push(((image * p + row) * q + column) * f + feature);
          want.push(values[feature]!);
        }
      }
    }
  const usual = usualSum((c * taps) / (p * q));
  return (y) =>
    errorOf(
      at.map((i) => y[i]!),
      want,
      usual,
    );
}

function inputGradient(g: Geometry, taps: number): Reference {
  const {n, h, w, c, p, q, f, kh, kw} = g;
  const inputs = {dy: noise(n * p * q * f, 3), filter: noise(kh * kw * c * f, 2)};
  const {dy, filter} = inputs;
  const [image, map] = [h * w * c, p * q * f];
  if (n * taps * c * f <= small)
    return whole(inputs, n, image, (i) => convolveBack(g, dy.subarray(i * map, (i + 1) * map), filter, c, f));
  const [ofImage, ofChannel, ofPlace] = [signs(n, 1), signs(c, 2), signs(h * w, 3)];
  const oneMap = combined(dy, n, map, ofImage);
  const oneChannel = new Float64Array(kh * kw * f);
  for (let tap = 0; tap < kh * kw; tap++)
    oneChannel.set(combined(filter.subarray(tap * c * f, (tap + 1) * c * f), c, f, ofChannel), tap * f);
  const places = convolveBack(g, oneMap, oneChannel, 1, f);
  const slopes = correlate(g, ofPlace, oneMap, 1, f);
  const channels = new Float64Array(c);
  for (let tap = 0; tap < kh * kw; tap++) {
    const sums = dots(filter.subarray(tap * c * f, (tap + 1) * c * f), c, f, slopes.subarray(tap * f, (tap + 1) * f));
    for (let channel = 0; channel < c; channel++) channels[channel]! += sums[channel]!;
  }
  const images = dots(dy, n, map, convolve(g, ofPlace, oneChannel, 1, f));
  const weights = outer(ofPlace, ofChannel);
  return {
    inputs,
    error([dx]) {
      const all = combined(dx!, n, image, ofImage);
      return Math.max(
        errorOf(dots(all, h * w, c, ofChannel), places, usualSum((n * f * c * taps) / (h * w))),
        errorOf(combined(all, h * w, c, ofPlace), channels, usualSum(n * f * taps)),
        errorOf(dots(dx!, n, image, weights), images, usualSum(f * c * taps)),
      );
    },
  };
}

function filterGradient(g: Geometry, taps: number): Reference {
  const {n, h, w, c, p, q, f, kh, kw} = g;
  const inputs = {x: noise(n * h * w * c, 1), dy: noise(n * p * q * f, 3)};
  const {x, dy} = inputs;
  const [image, map] = [h * w * c, p * q * f];
  if (n * taps * c * f <= small) {
    const want = new Float64Array(kh * kw * c * f);
    for (let i = 0; i < n; i++)
      correlate(g, x.subarray(i * image, (i + 1) * image), dy.subarray(i * map, (i + 1) * map), c, f, want);
    return {inputs, error: ([dw]) => errorOf(dw!, want, usualSum((n * taps) / (kh * kw)))};
  }
  const [ofChannel, ofFeature, ofTap] = [signs(c, 1), signs(f, 2), signs(kh * kw, 3)];
  const oneChannel = dots(x, n * h * w, c, ofChannel);
  const oneFeature = dots(dy, n * p * q, f, ofFeature);
  const tapSums = new Float64Array(kh * kw);
  const behind = new Float64Array(n * h * w);
  const ahead = new Float64Array(n * p * q);
  for (let i = 0; i < n; i++) {
    const [here, there] = [
      oneChannel.subarray(i * h * w, (i + 1) * h * w),
      oneFeature.subarray(i * p * q, (i + 1) * p * q),
    ];
    correlate(g, here, there, 1, 1, tapSums);
    behind.set(convolveBack(g, there, ofTap, 1, 1), i * h * w);
    ahead.set(convolve(g, here, ofTap, 1, 1), i * p * q);
  }
  const channels = combined(x, n * h * w, c, behind);
  const features = combined(dy, n * p * q, f, ahead);
  return {
    inputs,
    error([dw]) {
      const rows = dots(dw!, kh * kw * c, f, ofFeature);
      const ofRow = outer(ofTap, ofChannel);
      return Math.max(
        errorOf(dots(rows, kh * kw, c, ofChannel), tapSums, usualSum((n * f * c * taps) / (kh * kw))),
        errorOf(combined(rows, kh * kw, c, ofTap), channels, usualSum(n * f * taps)),
        errorOf(combined(dw!, kh * kw * c, f, ofRow), features, usualSum(n * c * taps)),
      );
    },
  };
}

/** All values of all images. */
function whole(
  inputs: Reference['inputs'],
  images: number,
  size: number,
  compute: (image: number) => Float64Array,
): Reference {
  const want = new Float64Array(images * size);
  for (let i = 0; i < images; i++) want.set(compute(i), i * size);
  return {inputs, error: ([got]) => errorOf(got!, want)};
}
