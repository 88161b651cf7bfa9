/** Pooling and its gradients against plain loops: all values. */
import type * as TF from '@tensorflow/tfjs';
import type {KernelCall} from './call.ts';
import {errorOf} from './compare.ts';
import type {Reference} from './contract.ts';
import {eachTap, type Geometry} from './loops.ts';
import {noise} from './noise.ts';

export function poolingReference(tf: typeof TF, {kernel, shapes, attrs}: KernelCall): Reference {
  const [n, h, w, c] = (shapes['x'] ?? shapes['input']) as [number, number, number, number];
  const info = tf.backend_util.computePool2DInfo(
    [n, h, w, c],
    attrs['filterSize'] as number,
    attrs['strides'] as number,
    1,
    attrs['pad'] as 'same',
    attrs['dimRoundingMode'] as 'floor',
  );
  const g: Geometry = {
    ...{n, h, w, c, f: c, p: info.outHeight, q: info.outWidth},
    ...{kh: info.filterHeight, kw: info.filterWidth, strides: [info.strideHeight, info.strideWidth]},
    ...{top: info.padInfo.top, left: info.padInfo.left},
  };
  const places = g.p * g.q;
  const [image, map] = [h * w * c, places * c];
  const x = noise(n * image, 1);
  const dy = noise(n * map, 2);
  const y = new Float32Array(n * map);
  const dx = new Float64Array(n * image);
  if (kernel.startsWith('Max')) {
    const winner = new Int32Array(n * map).fill(-1);
    for (let i = 0; i < n; i++)
      eachTap(g, (output, input) => {
        for (let channel = 0; channel < c; channel++) {
          const to = i * map + output * c + channel;
          const from = i * image + input * c + channel;
          if (winner[to]! < 0 || x[from]! > x[winner[to]!]!) winner[to] = from;
        }
      });
    for (let at = 0; at < winner.length; at++) {
      y[at] = x[winner[at]!]!;
      dx[winner[at]!]! += dy[at]!;
    }
  } else {
    // A mean over what lies inside the image.
    const inside = new Float64Array(places);
    eachTap(g, (output) => inside[output]!++);
    for (let i = 0; i < n; i++)
      eachTap(g, (output, input) => {
        for (let channel = 0; channel < c; channel++) {
          const to = i * map + output * c + channel;
          const from = i * image + input * c + channel;
          y[to]! += x[from]! / inside[output]!;
          dx[from]! += dy[to]! / inside[output]!;
        }
      });
  }
  switch (kernel) {
    case 'MaxPoolGrad':
      return {inputs: {dy, input: x, output: y}, error: ([got]) => errorOf(got!.dataSync(), dx)};
    case 'AvgPoolGrad':
      return {inputs: {dy, input: x}, error: ([got]) => errorOf(got!.dataSync(), dx)};
    default:
      return {inputs: {x}, error: ([got]) => errorOf(got!.dataSync(), y)};
  }
}
