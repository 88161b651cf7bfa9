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
import type {KernelCall} from './call.ts';

/** The kernel by itself, as the library has it. */
export const ITSELF = 'itself';

/** Computes what a kernel does. Kernels called in here are the library's own. */
export type Way = (inputs: Inputs) => TF.Tensor | TF.Tensor[];
type Inputs = Readonly<Record<string, TF.Tensor>>;
type Images<Name extends string> = Readonly<Record<Name, TF.Tensor4D>>;
type Shapes = KernelCall['shapes'];
type Shape4 = [number, number, number, number];
interface Attributes extends ConvolutionAttributes {
  readonly inputShape: Shape4;
  readonly filterShape: Shape4;
}

/** By name, the one to be preferred first. */
export function waysOf(tf: typeof TF, {kernel, shapes, attrs}: KernelCall): ReadonlyMap<string, Way> {
  return new Map((makers[kernel]?.(tf, shapes, attrs as never) ?? []) as [string, Way][]);
}

type Ways = readonly (readonly [name: string, compute: (inputs: never) => TF.Tensor | TF.Tensor[]])[];

const makers: {readonly [kernel: string]: (tf: typeof TF, shapes: Shapes, attrs: never) => Ways} = {
  Conv2D: (tf, shapes, attrs: Attributes) => {
    const filterShape = shapes['filter'] as Shape4;
    const info = infoOf(tf, shapes['x'] as Shape4, filterShape, attrs);
    const [height, width, channels, features] = filterShape;
    const product = ({x, filter}: Images<'x' | 'filter'>) => {
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
          ({x, filter}: Images<'x' | 'filter'>) =>
            tf.engine().runKernel('Conv2D', {x: more(x, 3), filter: more(filter, 2)}, attrs as never),
        ] as const;
      }),
      ['without oneDNN', ({x, filter}: Images<'x' | 'filter'>) => plain(tf, 'Conv2D', [x, filter], info)],
    ] as Ways;
  },

  Conv2DBackpropInput: (tf, shapes, attrs: Attributes) => {
    type Given = Images<'dy' | 'filter'>;
    const {inputShape} = attrs;
    const filterShape = shapes['filter'] as Shape4;
    const info = infoOf(tf, inputShape, filterShape, attrs);
    const [height, width, channels, features] = filterShape;
    const [n, rows, columns] = inputShape;
    const product = ({dy, filter}: Given) => {
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
        const compute = ({dy, filter}: Given) => {
          const all = tf.engine().runKernel('Conv2DBackpropInput', {dy, filter: grown(tf, filter, 2, block)}, {
            ...attrs,
            inputShape: [n, rows, columns, block],
          } as never);
          return tf.slice(all as TF.Tensor4D, [0, 0, 0, 0], [-1, -1, -1, channels]);
        };
        return [`${block} channels`, compute] as const;
      }),
      ['convolution', ({dy, filter}: Given) => inputGradient(tf, dy, filter, inputShape, attrs)],
      [
        'without oneDNN',
        ({dy, filter}: Given) => plain(tf, 'Conv2DBackpropInput', [tf.tensor1d(inputShape, 'int32'), filter, dy], info),
      ],
    ] as Ways;
  },

  Conv2DBackpropFilter: (tf, shapes, attrs: Attributes) => {
    type Given = Images<'x' | 'dy'>;
    const {filterShape} = attrs;
    const info = infoOf(tf, shapes['x'] as Shape4, filterShape, attrs);
    const [height, width, channels, features] = filterShape;
    const product = ({x, dy}: Given) => {
      const used = strided(tf, x, info);
      const rows = used.size / channels;
      const flat = tf.matMul(tf.reshape(used, [rows, channels]), tf.reshape(dy, [rows, features]), true);
      return tf.reshape(flat, filterShape);
    };
    return [
      ...(height * width === 1 && unpadded(info) ? [['product', product] as const] : []),
      ...blocksAbove(channels).map((block) => {
        const compute = ({x, dy}: Given) => {
          const all = tf.engine().runKernel('Conv2DBackpropFilter', {x: grown(tf, x, 3, block), dy}, {
            ...attrs,
            filterShape: [height, width, block, features],
          } as never);
          return tf.slice(all as TF.Tensor4D, [0, 0, 0, 0], [-1, -1, channels, -1]);
        };
        return [`${block} channels`, compute] as const;
      }),
      ['convolution', ({x, dy}: Given) => filterGradient(tf, x, dy, filterShape, attrs)],
      [
        'without oneDNN',
        ({x, dy}: Given) => plain(tf, 'Conv2DBackpropFilter', [x, tf.tensor1d(filterShape, 'int32'), dy], info),
      ],
    ] as Ways;
  },

  DepthwiseConv2dNative: (tf, shapes, attrs: Attributes) => {
    const info = infoOf(tf, shapes['x'] as Shape4, shapes['filter'] as Shape4, attrs, {depthwise: true});
    const compute = ({x, filter}: Images<'x' | 'filter'>) => plain(tf, 'DepthwiseConv2dNative', [x, filter], info);
    return [['without oneDNN', compute]];
  },

  DepthwiseConv2dNativeBackpropInput: (tf, shapes, attrs: Attributes) => {
    type Given = Images<'dy' | 'filter'>;
    const {inputShape} = attrs;
    const info = infoOf(tf, inputShape, shapes['filter'] as Shape4, attrs, {depthwise: true});
    const sizes = () => tf.tensor1d(inputShape, 'int32');
    return [
      ['convolution', ({dy, filter}: Given) => depthwiseInputGradient(tf, dy, filter, inputShape, attrs)],
      [
        'without oneDNN',
        ({dy, filter}: Given) => plain(tf, 'DepthwiseConv2dNativeBackpropInput', [sizes(), filter, dy], info),
      ],
    ];
  },

  DepthwiseConv2dNativeBackpropFilter: (tf, shapes, attrs: Attributes) => {
    type Given = Images<'x' | 'dy'>;
    const {filterShape} = attrs;
    const info = infoOf(tf, shapes['x'] as Shape4, filterShape, attrs, {depthwise: true});
    const sizes = () => tf.tensor1d(filterShape, 'int32');
    return [
      ['sums', ({x, dy}: Given) => depthwiseFilterGradient(tf, x, dy, filterShape, attrs, (y) => means(tf, y))],
      ['without oneDNN', ({x, dy}: Given) => plain(tf, 'DepthwiseConv2dNativeBackpropFilter', [x, sizes(), dy], info)],
    ];
  },

  TrainBatchNorm: (tf, _, attrs: {epsilon: number; momentum: number}) => [
    ['sums', (inputs: Inputs) => composedBatchNorm(tf, inputs, attrs, (y) => means(tf, y))],
  ],

  TrainBatchNormGrad: (tf, _, attrs: {epsilon: number}) => [
    ['sums', (inputs: Inputs) => composedBatchNormGradient(tf, inputs, attrs, (y) => means(tf, y))],
  ],

  FusedBatchNorm: (tf, _, {varianceEpsilon}: {varianceEpsilon: number}) => [
    [
      'sums',
      ({x, mean, variance, scale, offset}: Inputs) => {
        const slope = tf.mul(scale!, tf.rsqrt(tf.add(variance!, varianceEpsilon)));
        return tf.add(tf.mul(x!, slope), tf.sub(offset!, tf.mul(mean!, slope)));
      },
    ],
  ],

  BatchMatMul: (tf, _, {transposeA, transposeB}: {transposeA: boolean; transposeB: boolean}) => {
    const turned = (x: TF.Tensor) => {
      const axes = x.shape.map((_, axis) => axis);
      return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
    };
    const block = (side: number) => Math.ceil(side / 16) * 16;
    const blocks = ({a, b}: Inputs) => {
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
      ['transposed first', ({a, b}: Inputs) => tf.matMul(transposeA ? turned(a!) : a!, transposeB ? turned(b!) : b!)],
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
