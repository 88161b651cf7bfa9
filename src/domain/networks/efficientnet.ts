/**
 * EfficientNet as torchvision builds it: padding by half the filter, and the epsilon of batch normalisation that all networks here
 * have, 1e-5. The released code has `same` padding and 1e-3, so that its own weights would not do. What is dropped at random in
 * training from scratch (whole blocks, features below the classes) is not here: CutPaste's paper does not speak of it.
 */

import type {NamedArrays} from '../../core/contracts/data.ts';
import type {Level, Network} from '../../core/contracts/network.ts';
import {defineNetwork} from '../../core/contracts/network.ts';
import {type Tensor4D, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {batchNorm, conv, dense, depthwise, globalAveragePool, swish, type Weights} from '../../core/nn/layers.ts';
import {
  batchNormGraph,
  convGraph,
  denseGraph,
  depthwiseGraph,
  globalAveragePoolGraph,
  swishGraph,
} from '../../core/nn/layers-graph.ts';
import {Type} from '../../core/plugin/type.ts';
import {
  type Block,
  expands,
  macsOf,
  parametersOf,
  planOf,
  skips,
  torchName,
  type Variant,
  variants,
} from './efficientnet-blocks.ts';
import {headOption} from './head.ts';

/** Taken out of the colours first, as with the weights that are to be had for it: mean and deviation of ImageNet's. */
const mean = [0.485, 0.456, 0.406] as const;
const deviation = [0.229, 0.224, 0.225] as const;

type Mode = {readonly training: boolean};
const inference: Mode = {training: false};

export const efficientnet = defineNetwork({
  name: 'efficientnet',
  version: 2,
  summary:
    'EfficientNet-B0 to B4, for images of any size. The same architecture as in torchvision, whose ImageNet weights can be used (option "pretrained_weights" of a learner).',
  paper: 'Tan & Le 2019; Li et al. 2021 (CutPaste), table 3: B4',
  options: Type.Object(
    {
      variant: Type.Union(
        variants.map((name) => Type.Literal(name)),
        {default: 'b4', description: 'Size of the network: b0 has 4 million parameters, b4 17.5 million.'},
      ),
      head: headOption,
    },
    {additionalProperties: false},
  ),
  create({variant, head}): Network {
    const plan = planOf(variant as Variant);
    const {blocks} = plan;
    const map = (weights: Weights, x: Tensor4D, mode: Mode): Tensor4D =>
      swish(normalisedConv(weights, 'top', trunk(blocks, weights, x, mode), 1, mode));
    const mapGraph = (builder: GraphBuilder, weights: NamedArrays, x: Value): Value =>
      swishGraph(builder, normalisedConvGraph(builder, weights, 'top', trunkGraph(blocks, builder, weights, x), 1));
    return {
      features: plan.features,
      head,
      parameters: () => parametersOf(plan),
      macs: (side) => macsOf(plan, side),
      map: (weights, x) => map(weights, x, inference),
      pool: (weights, x, mode) => globalAveragePool(map(weights, x, mode)),
      mapGraph,
      graph: (builder, weights, x) => globalAveragePoolGraph(builder, mapGraph(builder, weights, x)),
      maps(weights, x) {
        const maps: {[level: string]: Tensor4D} = {};
        trunk(blocks, weights, x, inference, ({group}, y) => {
          maps[`level-${group}`] = y;
        });
        return maps;
      },
      mapsGraph(builder, weights, x) {
        const maps: {[level: string]: Value} = {};
        trunkGraph(blocks, builder, weights, x, ({group}, y) => {
          maps[`level-${group}`] = y;
        });
        return maps;
      },
      mapChannels: Object.fromEntries(blocks.map(({group, outputs}) => [`level-${group}`, outputs])),
      levels: levelsOf(blocks),
      torchName,
    };
  },
});

/**
 * `level-1` to `level-7`: the map after each group of blocks, averaged over its places, which is a guess. CutPaste's "level 7" is the 6th or
 * the 7th group (docs/paper-notes.md 3.4, 13.5).
 */
function levelsOf(blocks: readonly Block[]): NonNullable<Network['levels']> {
  const last = Math.max(...blocks.map(({group}) => group));
  return Object.fromEntries(
    Array.from({length: last}, (_, i) => {
      const until = blocks.filter(({group}) => group <= i + 1);
      const level: Level = {
        pool: (weights, x) => globalAveragePool(trunk(until, weights, x, inference)),
        graph: (builder, weights, x) => globalAveragePoolGraph(builder, trunkGraph(until, builder, weights, x)),
      };
      return [`level-${i + 1}`, level];
    }),
  );
}

/** x (n, h, w, 3) in [0, 1] → the last block's map (n, ⌈h / 32⌉, ⌈w / 32⌉, c). */
function trunk(
  blocks: readonly Block[],
  weights: Weights,
  x: Tensor4D,
  mode: Mode,
  visit?: (block: Block, y: Tensor4D) => void,
): Tensor4D {
  const stem = tf.tidy(() => {
    const centred: Tensor4D = tf.div(tf.sub(x, tf.tensor1d([...mean])), tf.tensor1d([...deviation]));
    return swish(normalisedConv(weights, 'stem', centred, 2, mode));
  });
  // A scope a block frees the six times wider maps within it, in inference.
  return blocks.reduce((x, block) => {
    const y = tf.tidy(() => invertedResidual(block, weights, x, mode));
    visit?.(block, y);
    return y;
  }, stem);
}

function invertedResidual(block: Block, weights: Weights, x: Tensor4D, mode: Mode): Tensor4D {
  const {name, stride} = block;
  const wide = expands(block) ? swish(normalisedConv(weights, `${name}/expand`, x, 1, mode)) : x;
  const filtered = depthwise(weights, `${name}/depthwise/conv`, wide, stride);
  const gated = excited(weights, `${name}/squeeze`, swish(batchNorm(weights, `${name}/depthwise/bn`, filtered, mode)));
  const y = normalisedConv(weights, `${name}/project`, gated, 1, mode); // linear: no activation follows
  return skips(block) ? tf.add(y, x) : y;
}

/** Each channel times a factor in (0, 1) that the means of all channels say (Hu et al. 2018). */
function excited(weights: Weights, name: string, x: Tensor4D): Tensor4D {
  const [n, , , channels] = x.shape;
  const reduced = swish(dense(weights, `${name}/reduce`, globalAveragePool(x)));
  return tf.mul(x, tf.reshape(tf.sigmoid(dense(weights, `${name}/restore`, reduced)), [n, 1, 1, channels]));
}

const normalisedConv = (weights: Weights, name: string, x: Tensor4D, stride: number, mode: Mode): Tensor4D =>
  batchNorm(weights, `${name}/bn`, conv(weights, `${name}/conv`, x, stride), mode);

// -------------------------------------------------------------------------------------------------------------- graph

/** `trunk` in inference. */
function trunkGraph(
  blocks: readonly Block[],
  builder: GraphBuilder,
  weights: NamedArrays,
  x: Value,
  visit?: (block: Block, y: Value) => void,
): Value {
  const channels = (values: readonly number[]): Value => builder.constant(Float32Array.from(values), [1, 3, 1, 1]);
  const centred = builder.node('Div', [builder.node('Sub', [x, channels(mean)]), channels(deviation)]);
  const stem = swishGraph(builder, normalisedConvGraph(builder, weights, 'stem', centred, 2));
  return blocks.reduce((x, block) => {
    const y = invertedResidualGraph(block, builder, weights, x);
    visit?.(block, y);
    return y;
  }, stem);
}

function invertedResidualGraph(block: Block, builder: GraphBuilder, weights: NamedArrays, x: Value): Value {
  const {name, stride} = block;
  const wide = expands(block) ? swishGraph(builder, normalisedConvGraph(builder, weights, `${name}/expand`, x, 1)) : x;
  const filtered = depthwiseGraph(builder, weights, `${name}/depthwise/conv`, wide, stride);
  const active = swishGraph(builder, batchNormGraph(builder, weights, `${name}/depthwise/bn`, filtered));
  const gated = excitedGraph(builder, weights, `${name}/squeeze`, active);
  const y = normalisedConvGraph(builder, weights, `${name}/project`, gated, 1);
  return skips(block) ? builder.node('Add', [y, x]) : y;
}

function excitedGraph(builder: GraphBuilder, weights: NamedArrays, name: string, x: Value): Value {
  const means = globalAveragePoolGraph(builder, x);
  const reduced = swishGraph(builder, denseGraph(builder, weights, `${name}/reduce`, means));
  const factors = builder.node('Sigmoid', [denseGraph(builder, weights, `${name}/restore`, reduced)]);
  return builder.node('Mul', [x, builder.node('Unsqueeze', [factors, builder.integers(2, 3)])]);
}

const normalisedConvGraph = (
  builder: GraphBuilder,
  weights: NamedArrays,
  name: string,
  x: Value,
  stride: number,
): Value => batchNormGraph(builder, weights, `${name}/bn`, convGraph(builder, weights, `${name}/conv`, x, stride));
