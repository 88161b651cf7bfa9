import type {NamedArrays} from '../../core/contracts/data.ts';
import type {Network} from '../../core/contracts/network.ts';
import {defineNetwork} from '../../core/contracts/network.ts';
import {type Tensor4D, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {
  batchNorm,
  batchNormParameters,
  conv,
  convMacs,
  convParameters,
  globalAveragePool,
  maxPool,
  type ParameterSpec,
  type Weights,
} from '../../core/nn/layers.ts';
import {
  batchNormGraph,
  convGraph,
  globalAveragePoolGraph,
  maxPoolGraph,
  reluGraph,
} from '../../core/nn/layers-graph.ts';
import {Type} from '../../core/plugin/type.ts';
import {headOption} from './head.ts';

const stemChannels = 64;
/** Stem's filter side by input side (paper 1.1); the 7 × 7 one has stride 2 and a max-pool behind it. */
const stemBySide: ReadonlyMap<number, 3 | 7> = new Map([
  [32, 3],
  [64, 3],
  [128, 7],
  [256, 7],
]);

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
}

export const resnet18 = defineNetwork({
  name: 'resnet18',
  version: 2,
  summary: "The papers' encoder: ResNet-18 whose stem follows the image side (32, 64, 128 or 256 pixels).",
  paper: 'He et al. 2016; Sohn et al. 2021, released code',
  options: Type.Object(
    {
      width: Type.Number({
        exclusiveMinimum: 0,
        maximum: 4,
        default: 1,
        description: 'Factor on the channels of the four stages (64, 128, 256, 512); the stem keeps its 64.',
      }),
      head: headOption,
    },
    {additionalProperties: false},
  ),
  create: ({width, head}): Network => {
    const stages = [64, 128, 256, 512].map((channels) => Math.max(1, Math.round(channels * width)));
    const blocks = basicBlocks(stages);
    return {
      features: stages.at(-1)!,
      head,
      parameters: (side) => parameters(blocks, side),
      macs: (side) => macs(blocks, side),
      map: (weights, x) => map(blocks, weights, x, {training: false}),
      pool: (weights, x, options) => globalAveragePool(map(blocks, weights, x, options)),
      graph: (builder, weights, x) => globalAveragePoolGraph(builder, mapGraph(blocks, builder, weights, x)),
    };
  },
});

function basicBlocks(stages: readonly number[]): Block[] {
  let inputs = stemChannels;
  return stages.flatMap((outputs, stage) =>
    [1, 2].map((block) => {
      const made = {name: `stage${stage + 1}/block${block}`, inputs, outputs, stride: stage > 0 && block === 1 ? 2 : 1};
      inputs = outputs;
      return made;
    }),
  );
}

function stemOf(side: number): 3 | 7 {
  const stem = stemBySide.get(side);
  if (!stem)
    throw new Error(
      `resnet18 takes images of ${[...stemBySide.keys()].join(', ')} pixels a side, but these have ${side}. ` +
        "Set the dataset's image size to one of them.",
    );
  return stem;
}

/** Of the convolutions; paper 9: 0.555 G at 32 pixels, 2.222 G at 64, 2.369 G at 256. */
function macs(blocks: readonly Block[], side: number): number {
  const stem = stemOf(side);
  const large = stem === 7;
  let at = large ? side / 2 : side;
  let sum = convMacs(stem, 3, stemChannels, at);
  if (large) at /= 2;
  for (const block of blocks) {
    at = Math.ceil(at / block.stride);
    sum += convMacs(3, block.inputs, block.outputs, at) + convMacs(3, block.outputs, block.outputs, at);
    if (projects(block)) sum += convMacs(1, block.inputs, block.outputs, at);
  }
  return sum;
}

function parameters(blocks: readonly Block[], side: number): ParameterSpec[] {
  const stem = stemOf(side);
  return [
    ...convParameters('stem/conv', stem, 3, stemChannels),
    ...batchNormParameters('stem/bn', stemChannels),
    ...blocks.flatMap((block) => [
      ...convParameters(`${block.name}/conv1`, 3, block.inputs, block.outputs),
      ...batchNormParameters(`${block.name}/bn1`, block.outputs),
      ...convParameters(`${block.name}/conv2`, 3, block.outputs, block.outputs),
      ...batchNormParameters(`${block.name}/bn2`, block.outputs),
      ...(projects(block)
        ? [
            ...convParameters(`${block.name}/shortcut/conv`, 1, block.inputs, block.outputs),
            ...batchNormParameters(`${block.name}/shortcut/bn`, block.outputs),
          ]
        : []),
    ]),
  ];
}

/** x (n, s, s, 3) → the last map (n, h, w, features). The stem is told by its filter, so that weights of one side run on crops of another. */
function map(blocks: readonly Block[], weights: Weights, x: Tensor4D, options: {readonly training: boolean}): Tensor4D {
  const large = weights.get('stem/conv/kernel')?.shape[0] === 7;
  // A scope a block: without one, inference would hold the activations of all blocks until the end.
  let y = tf.tidy(() => {
    const stem = tf.relu(batchNorm(weights, 'stem/bn', conv(weights, 'stem/conv', x, large ? 2 : 1), options));
    return large ? maxPool(stem) : stem;
  });
  for (const block of blocks) {
    const input = y;
    y = tf.tidy(() => residual(block, weights, input, options));
    if (!options.training) input.dispose();
  }
  return y;
}

/** relu(F(x) + x), post-activation (ResNet v1). */
function residual(block: Block, weights: Weights, x: Tensor4D, options: {readonly training: boolean}): Tensor4D {
  const {name, stride} = block;
  const first = tf.relu(batchNorm(weights, `${name}/bn1`, conv(weights, `${name}/conv1`, x, stride), options));
  const second = batchNorm(weights, `${name}/bn2`, conv(weights, `${name}/conv2`, first, 1), options);
  const shortcut = projects(block)
    ? batchNorm(weights, `${name}/shortcut/bn`, conv(weights, `${name}/shortcut/conv`, x, stride), options)
    : x;
  return tf.relu(tf.add(second, shortcut));
}

/** `map` in inference. */
function mapGraph(blocks: readonly Block[], builder: GraphBuilder, weights: NamedArrays, x: Value): Value {
  const normalised = (conv: string, bn: string, input: Value, stride: number): Value =>
    batchNormGraph(builder, weights, bn, convGraph(builder, weights, conv, input, stride));
  const large = weights.get('stem/conv/kernel')?.shape[0] === 7;
  const stem = reluGraph(builder, normalised('stem/conv', 'stem/bn', x, large ? 2 : 1));
  let y = large ? maxPoolGraph(builder, stem) : stem;
  for (const block of blocks) {
    const {name, stride} = block;
    const first = reluGraph(builder, normalised(`${name}/conv1`, `${name}/bn1`, y, stride));
    const second = normalised(`${name}/conv2`, `${name}/bn2`, first, 1);
    const shortcut = projects(block) ? normalised(`${name}/shortcut/conv`, `${name}/shortcut/bn`, y, stride) : y;
    y = reluGraph(builder, builder.node('Add', [second, shortcut]));
  }
  return y;
}

const projects = ({inputs, outputs, stride}: Block): boolean => stride !== 1 || inputs !== outputs;
