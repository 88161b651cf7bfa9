/** Other ways to compute what a kernel computes, for where it is wrong. Which of them is right there is tried (`trial.ts`). */
import type * as TF from '@tensorflow/tfjs';
import {
  type ConvolutionAttributes,
  composedBatchNorm,
  composedBatchNormGradient,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  filterGradient,
  infoOf,
  inputGradient,
  padSides,
  spreadOut,
} from '../composed.ts';
import type {NodeBackend, OpAttribute} from '../tensorflow/binding.ts';

/** The kernel by itself, as the library has it. */
export const ITSELF = 'itself';

/** Kernels called in here are the library's own. */
type Compute = () => TF.Tensor | TF.Tensor[];
type Inputs = Readonly<Record<string, TF.Tensor>>;
type Shape4 = [number, number, number, number];
interface Attributes extends ConvolutionAttributes {
  readonly inputShape: Shape4;
  readonly filterShape: Shape4;
}

/** By name, the one to be preferred first. The names depend on kernel, shapes and attributes alone. */
export function waysOf(tf: typeof TF, kernel: string, inputs: Inputs, attrs: unknown): ReadonlyMap<string, Compute> {
  return new Map(makers[kernel]?.(tf, inputs, attrs as never) ?? []);
}

type Ways = readonly (readonly [name: string, compute: Compute])[];

const makers: {readonly [kernel: string]: (tf: typeof TF, inputs: Inputs, attrs: never) => Ways} = {
  Conv2D: (tf, inputs, attrs: Attributes) => {
    const {x, filter} = inputs as Record<'x' | 'filter', TF.Tensor4D>;
    const info = infoOf(tf, x.shape, filter.shape, attrs);
    const [height, width, channels, features] = filter.shape;
    const product: Compute = () => {
      const used = strided(tf, x, info);
      const rows = tf.reshape(used, [used.size / channels, channels]);
      return tf.reshape(tf.matMul(rows, tf.reshape(filter, [channels, features])), info.outShape);
    };
    return [
      ...(height * width === 1 && unpadded(info) ? [['product', product] as const] : []),
      ...blocksAbove(channels).map((block) => {
        const more = (y: TF.Tensor4D, axis: number) => grown(tf, y, axis, block);
        return [
          `${block} channels`,
          () => tf.engine().runKernel('Conv2D', {x: more(x, 3), filter: more(filter, 2)}, attrs as never),
        ] as const;
      }),
      ['without oneDNN', () => plain(tf, 'Conv2D', [x, filter], info)],
    ] as Ways;
  },

  Conv2DBackpropInput: (tf, inputs, attrs: Attributes) => {
    const {dy, filter} = inputs as Record<'dy' | 'filter', TF.Tensor4D>;
    const {inputShape} = attrs;
    const info = infoOf(tf, inputShape, filter.shape, attrs);
    const [height, width, channels, features] = filter.shape;
    const [n, rows, columns] = inputShape;
    const product: Compute = () => {
      const flat = tf.matMul(
        tf.reshape(dy, [dy.size / features, features]),
        tf.reshape(filter, [channels, features]),
        false,
        true,
      );
      const {strideHeight, strideWidth, outHeight, outWidth} = info;
      const spread = spreadOut(tf, tf.reshape(flat, [n, outHeight, outWidth, channels]), strideHeight, strideWidth);
      return padSides(tf, spread, [0, rows - spread.shape[1]], [0, columns - spread.shape[2]]);
    };
    return [
      ...(height * width === 1 && unpadded(info) ? [['product', product] as const] : []),
      ...blocksAbove(channels).map((block) => {
        const compute: Compute = () => {
          const shapes = {inputShape: [n, rows, columns, block]};
          const all = tf.engine().runKernel('Conv2DBackpropInput', {dy, filter: grown(tf, filter, 2, block)}, {
            ...attrs,
            ...shapes,
          } as never);
          return tf.slice(all as TF.Tensor4D, [0, 0, 0, 0], [-1, -1, -1, channels]);
        };
        return [`${block} channels`, compute] as const;
      }),
      ['convolution', () => inputGradient(tf, dy, filter, inputShape, attrs)],
      ['without oneDNN', () => plain(tf, 'Conv2DBackpropInput', [tf.tensor1d(inputShape, 'int32'), filter, dy], info)],
    ] as Ways;
  },

  Conv2DBackpropFilter: (tf, inputs, attrs: Attributes) => {
    const {x, dy} = inputs as Record<'x' | 'dy', TF.Tensor4D>;
    const {filterShape} = attrs;
    const info = infoOf(tf, x.shape, filterShape, attrs);
    const [height, width, channels, features] = filterShape;
    const product: Compute = () => {
      const used = strided(tf, x, info);
      const rows = used.size / channels;
      const flat = tf.matMul(tf.reshape(used, [rows, channels]), tf.reshape(dy, [rows, features]), true);
      return tf.reshape(flat, filterShape);
    };
    return [
      ...(height * width === 1 && unpadded(info) ? [['product', product] as const] : []),
      ...blocksAbove(channels).map((block) => {
        const compute: Compute = () => {
          const shapes = {filterShape: [height, width, block, features]};
          const all = tf
            .engine()
            .runKernel('Conv2DBackpropFilter', {x: grown(tf, x, 3, block), dy}, {...attrs, ...shapes} as never);
          return tf.slice(all as TF.Tensor4D, [0, 0, 0, 0], [-1, -1, channels, -1]);
        };
        return [`${block} channels`, compute] as const;
      }),
      ['convolution', () => filterGradient(tf, x, dy, filterShape, attrs)],
      ['without oneDNN', () => plain(tf, 'Conv2DBackpropFilter', [x, tf.tensor1d(filterShape, 'int32'), dy], info)],
    ] as Ways;
  },

  DepthwiseConv2dNative: (tf, inputs, attrs: Attributes) => {
    const {x, filter} = inputs as Record<'x' | 'filter', TF.Tensor4D>;
    const info = infoOf(tf, x.shape, filter.shape, attrs, {depthwise: true});
    return [['without oneDNN', () => plain(tf, 'DepthwiseConv2dNative', [x, filter], info)]];
  },

  DepthwiseConv2dNativeBackpropInput: (tf, inputs, attrs: Attributes) => {
    const {dy, filter} = inputs as Record<'dy' | 'filter', TF.Tensor4D>;
    const {inputShape} = attrs;
    const info = infoOf(tf, inputShape, filter.shape, attrs, {depthwise: true});
    const sizes = () => tf.tensor1d(inputShape, 'int32');
    return [
      ['convolution', () => depthwiseInputGradient(tf, dy, filter, inputShape, attrs)],
      ['without oneDNN', () => plain(tf, 'DepthwiseConv2dNativeBackpropInput', [sizes(), filter, dy], info)],
    ];
  },

  DepthwiseConv2dNativeBackpropFilter: (tf, inputs, attrs: Attributes) => {
    const {x, dy} = inputs as Record<'x' | 'dy', TF.Tensor4D>;
    const {filterShape} = attrs;
    const info = infoOf(tf, x.shape, filterShape, attrs, {depthwise: true});
    const sizes = () => tf.tensor1d(filterShape, 'int32');
    return [
      ['sums', () => depthwiseFilterGradient(tf, x, dy, filterShape, attrs, (y) => means(tf, y))],
      ['without oneDNN', () => plain(tf, 'DepthwiseConv2dNativeBackpropFilter', [x, sizes(), dy], info)],
    ];
  },

  TrainBatchNorm: (tf, inputs, attrs: {epsilon: number; momentum: number}) => [
    ['sums', () => composedBatchNorm(tf, inputs, attrs, (y) => means(tf, y))],
  ],

  TrainBatchNormGrad: (tf, inputs, attrs: {epsilon: number}) => [
    ['sums', () => composedBatchNormGradient(tf, inputs, attrs, (y) => means(tf, y))],
  ],

  FusedBatchNorm: (tf, {x, mean, variance, scale, offset}, {varianceEpsilon}: {varianceEpsilon: number}) => [
    [
      'sums',
      () => {
        const slope = tf.mul(scale!, tf.rsqrt(tf.add(variance!, varianceEpsilon)));
        return tf.add(tf.mul(x!, slope), tf.sub(offset!, tf.mul(mean!, slope)));
      },
    ],
  ],

  BatchMatMul: (tf, {a, b}, {transposeA, transposeB}: {transposeA: boolean; transposeB: boolean}) => {
    const turned = (x: TF.Tensor) => {
      const axes = x.shape.map((_, axis) => axis);
      return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
    };
    const block = (side: number) => Math.ceil(side / 16) * 16;
    const blocks: Compute = () => {
      const [left, right] = [a!, b!].map((x) => {
        const axes = x.shape.map((_, axis) => axis).slice(-2);
        return axes.reduce((y, axis) => grown(tf, y, axis, block(y.shape[axis]!)), x);
      }) as [TF.Tensor, TF.Tensor];
      const whole = tf.matMul(left, right, transposeA, transposeB);
      const [rows, columns] = [a!.shape.at(transposeA ? -1 : -2)!, b!.shape.at(transposeB ? -2 : -1)!];
      return tf.slice(
        whole,
        whole.shape.map(() => 0),
        [...whole.shape.slice(0, -2), rows, columns],
      );
    };
    return [
      ['transposed first', () => tf.matMul(transposeA ? turned(a!) : a!, transposeB ? turned(b!) : b!)],
      ['whole blocks', blocks],
    ];
  },
};

/** The next whole blocks of a vector register, of four, and a power of two. */
function blocksAbove(channels: number): readonly number[] {
  const above = [16, 32, 64].map((block) => Math.ceil(channels / block) * block);
  return [...new Set([...above, 2 ** Math.ceil(Math.log2(channels))])]
    .filter((block) => block > channels)
    .sort((a, b) => a - b);
}

/** With zeros behind, up to `size`. */
function grown<T extends TF.Tensor>(tf: typeof TF, x: T, axis: number, size: number): T {
  return tf.pad(
    x,
    x.shape.map((side, i) => [0, i === axis ? size - side : 0] as [number, number]),
  );
}

type Info = ReturnType<typeof infoOf>;

const unpadded = ({padInfo: {top, bottom, left, right}}: Info): boolean => top + bottom + left + right === 0;

/** What a 1 × 1 filter sees. */
const strided = (tf: typeof TF, x: TF.Tensor4D, {strideHeight, strideWidth}: Info): TF.Tensor4D =>
  strideHeight * strideWidth === 1
    ? x
    : (tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, strideHeight, strideWidth, 1]) as TF.Tensor4D);

const means = (tf: typeof TF, x: TF.Tensor): TF.Tensor1D =>
  tf.mean(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis),
  );

/** The library's own convolutions leave explicit padding to its older kernels, those without oneDNN. */
function plain(tf: typeof TF, op: string, inputs: readonly TF.Tensor[], info: Info): TF.Tensor {
  const backend = tf.backend() as unknown as NodeBackend;
  const {TF_ATTR_TYPE, TF_ATTR_INT, TF_ATTR_STRING, TF_FLOAT} = backend.binding;
  const {top, bottom, left, right} = info.padInfo;
  const ints = (name: string, value: readonly number[]): OpAttribute => ({name, type: TF_ATTR_INT, value});
  const text = (name: string, value: string): OpAttribute => ({name, type: TF_ATTR_STRING, value});
  return backend.executeSingleOutput(
    op,
    [
      {name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT},
      ints('strides', [1, info.strideHeight, info.strideWidth, 1]),
      text('padding', 'EXPLICIT'),
      ints('explicit_paddings', [0, 0, top, bottom, left, right, 0, 0]),
      text('data_format', 'NHWC'),
      ints('dilations', [1, 1, 1, 1]),
    ],
    inputs,
  );
}
