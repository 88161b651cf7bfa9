/**
 * Convolution and its two gradients against plain loops in float64, without computing them: combined by random signs, the images of a
 * batch become one image, the features of a filter one feature, and because a convolution is linear in each, what must come out can
 * be computed for next to nothing. Every value of the result goes into a sum for its place, one for its channel, one for its image,
 * so that a border, the last channels or one image that is wrong shows (as in Freivalds' check of a matrix product). The long sums are
 * taken by the library (`sums.ts`), all others here. Small convolutions are computed in full.
 */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf, usualSum} from './compare.ts';
import type {Reference} from './contract.ts';
import {
  combined,
  convolve,
  convolveBack,
  correlate,
  depthwise,
  dots,
  type Geometry,
  outer,
  tapsOf,
  transposed,
} from './loops.ts';
import {noise, noiseTensor, signs} from './noise.ts';
import {sumOfRows, sumsInRows, valuesOf} from './sums.ts';

/** Up to so many products all values are computed. */
const small = 1_000_000;

type Shape4 = [number, number, number, number];

/** Undefined for layouts and dilations that nothing here uses, and for shapes that do not fit each other, which the kernel itself says. */
export function geometryOf(
  tf: typeof TF,
  {shapes, attrs}: KernelCall,
  {depthwise}: {readonly depthwise: boolean},
): Geometry | undefined {
  const input = (shapes['x'] ?? attrs['inputShape']) as Shape4;
  const filter = (shapes['filter'] ?? attrs['filterShape']) as Shape4;
  const {strides, pad, dimRoundingMode, dataFormat = 'NHWC', dilations = 1} = attrs;
  if (dataFormat !== 'NHWC' || ![dilations].flat().every((one) => one === 1)) return undefined;
  if (filter[2] !== input[3] || (depthwise && filter[3] !== 1)) return undefined;
  const info = tf.backend_util.computeConv2DInfo(
    input,
    filter,
    strides as [number, number],
    1,
    pad as 'same',
    dimRoundingMode as 'floor',
    depthwise,
  );
  const f = depthwise ? input[3] : filter[3];
  if (shapes['dy'] && String(shapes['dy']) !== String([input[0], info.outHeight, info.outWidth, f])) return undefined;
  return {
    n: input[0],
    h: input[1],
    w: input[2],
    c: input[3],
    p: info.outHeight,
    q: info.outWidth,
    f,
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
  return make?.(tf, g, tapsOf(g));
}

function forward(tf: typeof TF, g: Geometry, taps: number): Reference {
  const {n, h, w, c, p, q, f, kh, kw} = g;
  const filter = noise(kh * kw * c * f, 2);
  const [image, map] = [h * w * c, p * q * f];
  if (n * taps * c * f <= small) {
    const x = noise(n * image, 1);
    return whole({x, filter}, n, map, (i) => convolve(g, x.subarray(i * image, (i + 1) * image), filter, c, f));
  }
  const x = noiseTensor(tf, [n, h, w, c], 1) as TF.Tensor4D;
  const [ofImage, ofFeature, ofPlace] = [signs(n, 1), signs(f, 2), signs(p * q, 3)];
  const oneImage = sumOfRows(tf, x, n, ofImage);
  const oneFeature = dots(filter, kh * kw * c, f, ofFeature);
  const places = convolve(g, oneImage, oneFeature, c, 1);
  const features = combined(filter, kh * kw * c, f, correlate(g, oneImage, ofPlace, c, 1));
  const images = sumsInRows(tf, x, n, convolveBack(g, ofPlace, oneFeature, c, 1));
  const weights = outer(ofPlace, ofFeature);
  const samples = sampled(tf, g, x, filter, taps);
  return {
    inputs: {x, filter},
    error([y]) {
      const all = sumOfRows(tf, y!, n, ofImage);
      return Math.max(
        errorOf(dots(all, p * q, f, ofFeature), places, usualSum((n * f * c * taps) / (p * q))),
        errorOf(combined(all, p * q, f, ofPlace), features, usualSum(n * c * taps)),
        errorOf(sumsInRows(tf, y!, n, weights), images, usualSum(f * c * taps)),
        samples(y as TF.Tensor4D),
      );
    },
  };
}

/** Values themselves: of the first and last image, at the corners and in the middle, the first and last features. */
function sampled(
  tf: typeof TF,
  g: Geometry,
  x: TF.Tensor4D,
  filter: Float32Array,
  taps: number,
): (y: TF.Tensor4D) => number {
  const {n, c, p, q, f} = g;
  const ends = (size: number) => [...new Set([0, size >> 1, size - 1])];
  const images = (y: TF.Tensor4D) =>
    ends(n).map((image) => valuesOf(tf, () => tf.slice(y, [image, 0, 0, 0], [1, -1, -1, -1])));
  const features = [...new Set([...ends(f), Math.max(0, f - 2)])];
  const some = new Float32Array((filter.length / f) * features.length);
  for (let i = 0; i < some.length; i++)
    some[i] = filter[Math.floor(i / features.length) * f + features[i % features.length]!]!;
  const given = images(x);
  const places = ends(p).flatMap((row) => ends(q).map((column) => [row, column] as const));
  const want = places.flatMap(([row, column]) => {
    // The convolution at this place alone, of these features alone.
    const [strideHeight, strideWidth] = g.strides;
    const one = {...g, p: 1, q: 1, top: g.top - row * strideHeight, left: g.left - column * strideWidth};
    return given.flatMap((image) => [...convolve(one, image, some, c, features.length)]);
  });
  const usual = usualSum((c * taps) / (p * q));
  return (y) => {
    const found = images(y);
    const got = places.flatMap(([row, column]) =>
      found.flatMap((map) => features.map((feature) => map[(row * q + column) * f + feature]!)),
    );
    return errorOf(got, want, usual);
  };
}

function inputGradient(tf: typeof TF, g: Geometry, taps: number): Reference {
  const {n, h, w, c, p, q, f, kh, kw} = g;
  const filter = noise(kh * kw * c * f, 2);
  const [image, map] = [h * w * c, p * q * f];
  if (n * taps * c * f <= small) {
    const dy = noise(n * map, 3);
    return whole({dy, filter}, n, image, (i) => convolveBack(g, dy.subarray(i * map, (i + 1) * map), filter, c, f));
  }
  const dy = noiseTensor(tf, [n, p, q, f], 3);
  const [ofImage, ofChannel, ofPlace] = [signs(n, 1), signs(c, 2), signs(h * w, 3)];
  const oneMap = sumOfRows(tf, dy, n, ofImage);
  const ofTap = (tap: number) => filter.subarray(tap * c * f, (tap + 1) * c * f);
  const oneChannel = new Float64Array(kh * kw * f);
  for (let tap = 0; tap < kh * kw; tap++) oneChannel.set(combined(ofTap(tap), c, f, ofChannel), tap * f);
  const places = convolveBack(g, oneMap, oneChannel, 1, f);
  const slopes = correlate(g, ofPlace, oneMap, 1, f);
  const channels = new Float64Array(c);
  for (let tap = 0; tap < kh * kw; tap++) {
    const sums = dots(ofTap(tap), c, f, slopes.subarray(tap * f, (tap + 1) * f));
    for (let channel = 0; channel < c; channel++) channels[channel]! += sums[channel]!;
  }
  const images = sumsInRows(tf, dy, n, convolve(g, ofPlace, oneChannel, 1, f));
  const weights = outer(ofPlace, ofChannel);
  return {
    inputs: {dy, filter},
    error([dx]) {
      const all = sumOfRows(tf, dx!, n, ofImage);
      return Math.max(
        errorOf(dots(all, h * w, c, ofChannel), places, usualSum((n * f * c * taps) / (h * w))),
        errorOf(combined(all, h * w, c, ofPlace), channels, usualSum(n * f * taps)),
        errorOf(sumsInRows(tf, dx!, n, weights), images, usualSum(f * c * taps)),
      );
    },
  };
}

function filterGradient(tf: typeof TF, g: Geometry, taps: number): Reference {
  const {n, h, w, c, p, q, f, kh, kw} = g;
  const [image, map] = [h * w * c, p * q * f];
  if (n * taps * c * f <= small) {
    const [x, dy] = [noise(n * image, 1), noise(n * map, 3)];
    const want = new Float64Array(kh * kw * c * f);
    for (let i = 0; i < n; i++)
      correlate(g, x.subarray(i * image, (i + 1) * image), dy.subarray(i * map, (i + 1) * map), c, f, want);
    return {inputs: {x, dy}, error: ([dw]) => errorOf(dw!.dataSync(), want, usualSum((n * taps) / (kh * kw)))};
  }
  const [x, dy] = [noiseTensor(tf, [n, h, w, c], 1), noiseTensor(tf, [n, p, q, f], 3)];
  const [ofChannel, ofFeature, ofTap] = [signs(c, 1), signs(f, 2), signs(kh * kw, 3)];
  // The images of a batch, each now of one channel, are taken as the channels of one.
  const images = {...g, c: n};
  const there = transposed(sumsInRows(tf, x, n * h * w, ofChannel), n);
  const here = transposed(sumsInRows(tf, dy, n * p * q, ofFeature), n);
  const everyTap = outer(ofTap, new Float64Array(n).fill(1));
  const tapSums = dots(depthwise(images, 'tap', there, here), kh * kw, n, new Float64Array(n).fill(1));
  const behind = transposed(depthwise(images, 'input', here, everyTap), h * w);
  const ahead = transposed(depthwise(images, 'output', there, everyTap), p * q);
  const channels = sumOfRows(tf, x, n * h * w, behind);
  const features = sumOfRows(tf, dy, n * p * q, ahead);
  return {
    inputs: {x, dy},
    error([gradient]) {
      const dw = gradient!.dataSync() as Float32Array;
      const rows = dots(dw, kh * kw * c, f, ofFeature);
      const ofRow = outer(ofTap, ofChannel);
      return Math.max(
        errorOf(dots(rows, kh * kw, c, ofChannel), tapSums, usualSum((n * f * c * taps) / (kh * kw))),
        errorOf(combined(rows, kh * kw, c, ofTap), channels, usualSum(n * f * taps)),
        errorOf(combined(dw, kh * kw * c, f, ofRow), features, usualSum(n * c * taps)),
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
  return {inputs, error: ([got]) => errorOf(got!.dataSync(), want)};
}
