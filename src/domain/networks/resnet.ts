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

interface Convolution {
  /** Side of the filter. */
  readonly size: 1 | 3;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

interface Block {
  readonly name: string;
  /** `stage1` to `stage4`. */
  readonly stage: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
  /** One after the other, each with batch normalisation, and ReLU between them. */
  readonly convolutions: readonly Convolution[];
}

/** Channels of a block's last convolution beside those of the stage. */
const expansion = {basic: 1, bottleneck: 4} as const;
type Kind = keyof typeof expansion;

interface Family {
  readonly name: string;
  readonly version: number;
  readonly summary: string;
  readonly kind: Kind;
  /** Blocks of each stage. */
  readonly blocks: readonly [number, number, number, number];
}

const defineResnet = ({kind, blocks: counts, ...about}: Family) =>
  defineNetwork({
    ...about,
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
      const blocks = blocksOf(kind, counts, stages);
      return {
        features: blocks.at(-1)!.outputs,
        head,
        parameters: (side) => parameters(blocks, stemOf(about.name, side)),
        macs: (side) => macs(blocks, stemOf(about.name, side), side),
        map: (weights, x) => map(blocks, weights, x, {training: false}),
        maps(weights, x) {
          const maps: {[stage: string]: Tensor4D} = {};
          map(blocks, weights, x, {training: false}, ({stage}, y) => {
            maps[stage]?.dispose();
            maps[stage] = tf.clone(y);
          });
          return maps;
        },
        mapChannels: Object.fromEntries(blocks.map(({stage, outputs}) => [stage, outputs])),
        pool: (weights, x, options) => globalAveragePool(map(blocks, weights, x, options)),
        mapGraph: (builder, weights, x) => mapGraph(blocks, builder, weights, x),
        graph: (builder, weights, x) => globalAveragePoolGraph(builder, mapGraph(blocks, builder, weights, x)),
        mapsGraph(builder, weights, x) {
          const maps: {[stage: string]: Value} = {};
          mapGraph(blocks, builder, weights, x, ({stage}, y) => {
            maps[stage] = y;
          });
          return maps;
        },
      };
    },
  });

const anySide = 'whose stem follows the image side (32, 64, 128 or 256 pixels)';

export const resnet10 = defineResnet({
  name: 'resnet10',
  version: 1,
  summary: `ResNet-10, ${anySide}: one block a stage.`,
  kind: 'basic',
  blocks: [1, 1, 1, 1],
});

export const resnet18 = defineResnet({
  name: 'resnet18',
  version: 2,
  summary: `The papers' encoder: ResNet-18 ${anySide}.`,
  kind: 'basic',
  blocks: [2, 2, 2, 2],
});

export const resnet34 = defineResnet({
  name: 'resnet34',
  version: 1,
  summary: `ResNet-34, ${anySide}.`,
  kind: 'basic',
  blocks: [3, 4, 6, 3],
});

export const resnet50 = defineResnet({
  name: 'resnet50',
  version: 1,
  summary: `ResNet-50, ${anySide}: bottlenecks of three convolutions, 2048 features; the 3 × 3 one has the stride, as in PyTorch.`,
  kind: 'bottleneck',
  blocks: [3, 4, 6, 3],
});

function blocksOf(kind: Kind, counts: Family['blocks'], stages: readonly number[]): Block[] {
  let inputs = stemChannels;
  return stages.flatMap((channels, stage) =>
    Array.from({length: counts[stage]!}, (_, at): Block => {
      const stride = stage > 0 && at === 0 ? 2 : 1;
      const outputs = channels * expansion[kind];
      const convolutions: readonly Convolution[] =
        kind === 'basic'
          ? [
              {size: 3, outputs, stride},
              {size: 3, outputs, stride: 1},
            ]
          : [
              {size: 1, outputs: channels, stride: 1},
              {size: 3, outputs: channels, stride},
              {size: 1, outputs, stride: 1},
            ];
      const own = `stage${stage + 1}`;
      const block = {name: `${own}/block${at + 1}`, stage: own, inputs, outputs, stride, convolutions} as const;
      inputs = outputs;
      return block;
    }),
  );
}

function stemOf(network: string, side: number): 3 | 7 {
  const stem = stemBySide.get(side);
  if (!stem)
    throw new Error(
      `${network} takes images of ${[...stemBySide.keys()].join(', ')} pixels a side, but these have ${side}. ` +
        "Set the dataset's image size to one of them.",
    );
  return stem;
}

/** Of the convolutions; of ResNet-18 0.555 G at 32 pixels, 2.222 G at 64, 2.369 G at 256 (paper 9). */
function macs(blocks: readonly Block[], stem: 3 | 7, side: number): number {
  const large = stem === 7;
  let at = large ? side / 2 : side;
  let sum = convMacs(stem, 3, stemChannels, at);
  if (large) at /= 2;
  for (const block of blocks) {
    const before = at;
    let inputs = block.inputs;
    for (const {size, outputs, stride} of block.convolutions) {
      at = Math.ceil(at / stride);
      sum += convMacs(size, inputs, outputs, at);
      inputs = outputs;
    }
    if (projects(block)) sum += convMacs(1, block.inputs, block.outputs, Math.ceil(before / block.stride));
  }
  return sum;
}

function parameters(blocks: readonly Block[], stem: 3 | 7): ParameterSpec[] {
  const specs = [
    ...convParameters('stem/conv', stem, 3, stemChannels),
    ...batchNormParameters('stem/bn', stemChannels),
  ];
  for (const block of blocks) {
    let inputs = block.inputs;
    for (const [i, {size, outputs}] of block.convolutions.entries()) {
      specs.push(...convParameters(`${block.name}/conv${i + 1}`, size, inputs, outputs));
      specs.push(...batchNormParameters(`${block.name}/bn${i + 1}`, outputs));
      inputs = outputs;
    }
    if (!projects(block)) continue;
    specs.push(...convParameters(`${block.name}/shortcut/conv`, 1, block.inputs, block.outputs));
    specs.push(...batchNormParameters(`${block.name}/shortcut/bn`, block.outputs));
  }
  return specs;
}

/** x (n, s, s, 3) → the last map (n, h, w, features); `visit` gets each block's, which may be disposed of afterwards. The stem is told by its filter, so that weights of one side run on crops of another. */
function map(
  blocks: readonly Block[],
  weights: Weights,
  x: Tensor4D,
  options: {readonly training: boolean},
  visit?: (block: Block, y: Tensor4D) => void,
): Tensor4D {
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
    visit?.(block, y);
  }
  return y;
}

/** relu(F(x) + x), post-activation (ResNet v1). */
function residual(block: Block, weights: Weights, x: Tensor4D, options: {readonly training: boolean}): Tensor4D {
  const {name, stride, convolutions} = block;
  const normalised = (conv_: string, bn: string, input: Tensor4D, by: number): Tensor4D =>
    batchNorm(weights, `${name}/${bn}`, conv(weights, `${name}/${conv_}`, input, by), options);
  let y = x;
  for (const [i, convolution] of convolutions.entries()) {
    y = normalised(`conv${i + 1}`, `bn${i + 1}`, y, convolution.stride);
    if (i + 1 < convolutions.length) y = tf.relu(y);
  }
  const shortcut = projects(block) ? normalised('shortcut/conv', 'shortcut/bn', x, stride) : x;
  return tf.relu(tf.add(y, shortcut));
}

/** `map` in inference. */
function mapGraph(
  blocks: readonly Block[],
  builder: GraphBuilder,
  weights: NamedArrays,
  x: Value,
  visit?: (block: Block, y: Value) => void,
): Value {
  const normalised = (conv: string, bn: string, input: Value, stride: number): Value =>
    batchNormGraph(builder, weights, bn, convGraph(builder, weights, conv, input, stride));
  const large = weights.get('stem/conv/kernel')?.shape[0] === 7;
  const stem = reluGraph(builder, normalised('stem/conv', 'stem/bn', x, large ? 2 : 1));
  let y = large ? maxPoolGraph(builder, stem) : stem;
  for (const block of blocks) {
    const {name, stride, convolutions} = block;
    const shortcut = projects(block) ? normalised(`${name}/shortcut/conv`, `${name}/shortcut/bn`, y, stride) : y;
    for (const [i, convolution] of convolutions.entries()) {
      y = normalised(`${name}/conv${i + 1}`, `${name}/bn${i + 1}`, y, convolution.stride);
      if (i + 1 < convolutions.length) y = reluGraph(builder, y);
    }
    y = reluGraph(builder, builder.node('Add', [y, shortcut]));
    visit?.(block, y);
  }
  return y;
}

const projects = ({inputs, outputs, stride}: Block): boolean => stride !== 1 || inputs !== outputs;
