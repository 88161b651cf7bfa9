/** The shapes that TensorFlow 2.21 was seen to compute wrong on one processor or another, through the engine. */
import {describe, expect, test} from 'vitest';
import {type Tensor, type Tensor4D, tf} from '../../../../src/core/engine/engine.ts';
import {compile} from '../../../../src/core/nn/compile.ts';
import {conv2d} from '../../../../src/core/nn/convolution.ts';
import {convolution, convolutionInputs, relativeError} from '../../../rig/convolution-loops.js';
import {onEachEngine} from '../../../rig/tensors.ts';

const shape = (n: number, h: number, w: number, c: number, f: number, k: number, stride: number) => ({
  ...{n, h, w, c, f, k, stride},
});

const shapes = {
  'input gradient, AVX-512': [
    shape(2, 8, 8, 40, 24, 1, 1),
    shape(2, 8, 8, 80, 24, 1, 2),
    shape(1, 4, 4, 320, 16, 1, 1),
    shape(2, 7, 5, 33, 12, 1, 1),
    shape(2, 8, 8, 48, 16, 3, 2),
    shape(1, 9, 7, 144, 8, 3, 2),
    shape(1, 8, 8, 40, 8, 5, 2),
    shape(2, 17, 1, 80, 24, 5, 1),
  ],
  'input gradient, AVX2': [shape(1, 6, 6, 65, 8, 3, 1), shape(1, 6, 6, 100, 8, 3, 1), shape(1, 5, 5, 240, 8, 3, 1)],
  'filter gradient': [
    shape(2, 16, 16, 3, 40, 1, 2),
    shape(2, 16, 16, 8, 16, 1, 2),
    shape(2, 8, 8, 1, 4, 1, 2),
    shape(2, 8, 8, 4, 40, 1, 2),
  ],
};

onEachEngine(() => {
  for (const [kind, all] of Object.entries(shapes))
    describe(`${kind}: the shapes that were wrong equal float64 loops`, () => {
      test.for(all)('$n × $h × $w × $c, $f filters $k × $k, stride $stride', async (one) => {
        const {n, h, w, c, f, k, stride} = one;
        const given = convolutionInputs(one);
        const want = convolution(one, given);
        const inputs: Tensor[] = [
          tf.tensor(given.x, [n, h, w, c]),
          tf.tensor(given.filter, [k, k, c, f]),
          tf.tensor(given.dy, [n, Math.ceil(h / stride), Math.ceil(w / stride), f]),
        ];
        const body = ([x, filter, dy]: readonly Tensor[]): Tensor[] => {
          const convolve = (a: Tensor, b: Tensor): Tensor => conv2d(a as Tensor4D, b as Tensor4D, stride);
          const {value, grads} = tf.valueAndGrads(convolve)([x!, filter!], dy!);
          return [value, ...grads];
        };
        const graph = compile([], body);
        for (const results of [tf.tidy(() => body(inputs)), graph.run(inputs)]) {
          const [y, dx, dfilter] = await Promise.all(results.map((result) => result.data()));
          expect(relativeError(y!, want.y), 'value').toBeLessThan(1e-5);
          expect(relativeError(dx!, want.dx), 'input gradient').toBeLessThan(1e-5);
          expect(relativeError(dfilter!, want.dfilter), 'filter gradient').toBeLessThan(1e-5);
          tf.dispose(results);
        }
        graph.dispose();
        tf.dispose(inputs);
      });
    });
});
