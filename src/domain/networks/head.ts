/**
 * The projection head g on the pooled feature (paper 1.2). Widths d1..dk: layers 1..k−1 are Dense (no bias) → BN → ReLU;
 * layer k is linear, with a bias only when logits follow; the logits are a Dense with bias. It serves the proxy loss and is
 * thrown away afterwards.
 */

import type {NamedArrays} from '../../core/contracts/data.ts';
import {type Tensor2D, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {
  batchNorm,
  batchNormParameters,
  dense,
  denseParameters,
  type ParameterSpec,
  type Weights,
} from '../../core/nn/layers.ts';
import {batchNormGraph, denseGraph, reluGraph} from '../../core/nn/layers-graph.ts';
import {Type} from '../../core/plugin/type.ts';

export const headOption = Type.Array(Type.Integer({minimum: 1, maximum: 65536}), {
  default: [],
  description:
    'Widths of the layers of the projection head, from input to output; all but the last have batch normalisation and ReLU. Empty: no head.',
});

/** `classes` 0: no logits layer. */
export function headParameters(features: number, widths: readonly number[], classes: number): ParameterSpec[] {
  const inputs = [features, ...widths];
  const last = widths.length - 1;
  return [
    ...widths.flatMap((width, i) =>
      i < last
        ? [
            ...denseParameters(`head/dense${i + 1}`, inputs[i]!, width, {bias: false}),
            ...batchNormParameters(`head/bn${i + 1}`, width),
          ]
        : denseParameters('head/embed', inputs[i]!, width, {bias: classes > 0}),
    ),
    ...(classes > 0 ? denseParameters('head/logits', inputs.at(-1)!, classes, {bias: true}) : []),
  ];
}

/** Multiply-accumulates of one pooled feature through head and logits. */
export const headMacs = (features: number, widths: readonly number[], classes: number): number =>
  [...widths, ...(classes > 0 ? [classes] : [])].reduce(
    ({macs, inputs}, outputs) => ({macs: macs + inputs * outputs, inputs: outputs}),
    {macs: 0, inputs: features},
  ).macs;

/** Pooled feature (n, features) → embedding (n, last width); itself when there is no head. */
export function embed(
  weights: Weights,
  widths: readonly number[],
  pooled: Tensor2D,
  options: {readonly training: boolean},
): Tensor2D {
  if (widths.length === 0) return pooled;
  let y = pooled;
  for (let i = 1; i < widths.length; i++)
    y = tf.relu(batchNorm(weights, `head/bn${i}`, dense(weights, `head/dense${i}`, y), options));
  return dense(weights, 'head/embed', y);
}

/** `embed` in inference as ONNX nodes. */
export function embedGraph(
  builder: GraphBuilder,
  weights: NamedArrays,
  widths: readonly number[],
  pooled: Value,
): Value {
  if (widths.length === 0) return pooled;
  let y = pooled;
  for (let i = 1; i < widths.length; i++) {
    const linear = denseGraph(builder, weights, `head/dense${i}`, y);
    y = reluGraph(builder, batchNormGraph(builder, weights, `head/bn${i}`, linear));
  }
  return denseGraph(builder, weights, 'head/embed', y);
}

/** `logits` as ONNX nodes. */
export const logitsGraph = (builder: GraphBuilder, weights: NamedArrays, embedded: Value): Value =>
  denseGraph(builder, weights, 'head/logits', embedded);

/** Embedding (n, d) → logits (n, classes). */
export const logits = (weights: Weights, embedded: Tensor2D): Tensor2D => dense(weights, 'head/logits', embedded);
