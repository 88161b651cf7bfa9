/** What EfficientNet-B0 to B4 are built of (Tan & Le 2019, table 1 and section 3.3): blocks, their parameters and their work. */
import {
  batchNormParameters,
  convMacs,
  convParameters,
  depthwiseParameters,
  type ParameterSpec,
} from '../../core/nn/layers.ts';

/** Factors on B0's channels and on its number of blocks. */
const scales = {b0: [1, 1], b1: [1, 1.1], b2: [1.1, 1.2], b3: [1.2, 1.4], b4: [1.4, 1.8]} as const;

export type Variant = keyof typeof scales;
export const variants = Object.keys(scales) as Variant[];

/** Stages of B0: factor of the expansion, side of the filter, stride of the first block, channels, blocks. */
const stages = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;
const stemChannels = 32;

/** An inverted residual: 1 × 1 expansion (none where it would not expand), depthwise filter, squeeze and excitation, 1 × 1 projection. */
export interface Block {
  readonly name: string;
  /** From 1. */
  readonly group: number;
  readonly inputs: number;
  readonly expanded: number;
  /** Of squeeze and excitation: a quarter of the inputs. */
  readonly squeezed: number;
  readonly outputs: number;
  /** Side of the depthwise filter. */
  readonly size: number;
  readonly stride: number;
}

export interface Plan {
  /** Channels of the 3 × 3 stem, which has stride 2. */
  readonly stem: number;
  readonly blocks: readonly Block[];
  /** Channels of the 1 × 1 convolution on top, whose mean over places is the pooled feature. */
  readonly features: number;
}

export function planOf(variant: Variant): Plan {
  const [width, depth] = scales[variant];
  const stem = multipleOf8(stemChannels * width);
  let inputs = stem;
  const blocks = stages.flatMap(([expansion, size, stride, channels, count], stage) =>
    Array.from({length: Math.ceil(count * depth)}, (_, at): Block => {
      const block = {
        name: `stage${stage + 1}/block${at + 1}`,
        group: stage + 1,
        inputs,
        expanded: expansion * inputs,
        squeezed: Math.max(1, Math.floor(inputs / 4)),
        outputs: multipleOf8(channels * width),
        size,
        stride: at === 0 ? stride : 1,
      };
      inputs = block.outputs;
      return block;
    }),
  );
  return {stem, blocks, features: 4 * inputs};
}

/** The nearest multiple of 8, or the next one where that would take more than a tenth away. */
function multipleOf8(channels: number): number {
  const nearest = Math.max(8, 8 * Math.floor(channels / 8 + 0.5));
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}

export const expands = ({inputs, expanded}: Block): boolean => expanded !== inputs;
export const skips = ({inputs, outputs, stride}: Block): boolean => stride === 1 && inputs === outputs;

// -------------------------------------------------------------------------------------------------------- parameters

export const parametersOf = ({stem, blocks, features}: Plan): ParameterSpec[] => [
  ...normalised('stem', convParameters('stem/conv', 3, 3, stem), stem),
  ...blocks.flatMap((block) => {
    const {name, inputs, expanded, squeezed, outputs, size} = block;
    return [
      ...(expands(block)
        ? normalised(`${name}/expand`, convParameters(`${name}/expand/conv`, 1, inputs, expanded), expanded)
        : []),
      ...normalised(`${name}/depthwise`, depthwiseParameters(`${name}/depthwise/conv`, size, expanded), expanded),
      ...gateParameters(`${name}/squeeze/reduce`, expanded, squeezed),
      ...gateParameters(`${name}/squeeze/restore`, squeezed, expanded),
      ...normalised(`${name}/project`, convParameters(`${name}/project/conv`, 1, expanded, outputs), outputs),
    ];
  }),
  ...normalised('top', convParameters('top/conv', 1, blocks.at(-1)!.outputs, features), features),
];

const normalised = (name: string, convolution: readonly ParameterSpec[], channels: number): ParameterSpec[] => [
  ...convolution,
  ...batchNormParameters(`${name}/bn`, channels),
];

/** A dense layer that starts as the convolutions do: the released code has 1 × 1 convolutions of one pixel there. */
const gateParameters = (name: string, inputs: number, outputs: number): ParameterSpec[] => [
  {name: `${name}/kernel`, shape: [inputs, outputs], start: 'he-normal-fan-out', trainable: true},
  {name: `${name}/bias`, shape: [outputs], start: 'zeros', trainable: true},
];

/** Multiply-accumulates of one image, without normalisation: 0.39 G of B0 at 224 pixels, 4.4 G of B4 at 380. */
export function macsOf({stem, blocks, features}: Plan, side: number): number {
  let at = Math.ceil(side / 2);
  let sum = convMacs(3, 3, stem, at);
  for (const block of blocks) {
    const {inputs, expanded, squeezed, outputs, size, stride} = block;
    if (expands(block)) sum += convMacs(1, inputs, expanded, at);
    at = Math.ceil(at / stride);
    sum += convMacs(size, expanded, 1, at) + 2 * expanded * squeezed + convMacs(1, expanded, outputs, at);
  }
  return sum + convMacs(1, blocks.at(-1)!.outputs, features, at);
}

// ------------------------------------------------------------------------------------------------ torchvision's names

/** The parts of a block in their order; the first stage's blocks lack the first of them. */
const parts = ['expand', 'depthwise', 'squeeze', 'project'];
const suffixes: {readonly [ours: string]: string} = {
  'conv/kernel': '0.weight',
  'bn/gamma': '1.weight',
  'bn/beta': '1.bias',
  'bn/mean': '1.running_mean',
  'bn/variance': '1.running_var',
  'reduce/kernel': 'fc1.weight',
  'reduce/bias': 'fc1.bias',
  'restore/kernel': 'fc2.weight',
  'restore/bias': 'fc2.bias',
};

/** `stage2/block1/expand/conv/kernel` → `features.2.0.block.0.0.weight`. */
export function torchName(parameter: string): string {
  const names = parameter.split('/');
  const suffix = suffixes[names.slice(-2).join('/')]!;
  if (names[0] === 'stem') return `features.0.${suffix}`;
  if (names[0] === 'top') return `features.${stages.length + 1}.${suffix}`;
  const [stage, block] = [names[0]!, names[1]!].map((name) => Number(/\d+$/.exec(name)![0])) as [number, number];
  const part = parts.indexOf(names[2]!) - (stages[stage - 1]![0] === 1 ? 1 : 0);
  return `features.${stage}.${block - 1}.block.${part}.${suffix}`;
}
