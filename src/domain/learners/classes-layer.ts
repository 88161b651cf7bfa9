/** The layer `classes` of learners that tell what was made of an image: log-probabilities (n, classes), that of normal first. */
import type {NamedArrays} from '../../core/contracts/data.ts';
import type {Encoder} from '../../core/contracts/learner.ts';
import type {Network} from '../../core/contracts/network.ts';
import {type Tensor2D, tf} from '../../core/engine/engine.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {embed, logits} from '../networks/head.ts';
import {ownScoreOfViews} from './classify-views.ts';
import {openEncoder, poolAndEmbed} from './encoder.ts';
import {EncoderGraph, plainLayer} from './encoder-graph.ts';
import {partsOf} from './explain.ts';

/** An encoder with the layers `pool`, `embed` and `classes`. */
export function encoderWithClasses(saved: NamedArrays, network: Network): Encoder {
  const layers = poolAndEmbed(network);
  const probabilities = (weights: Weights, embedded: Tensor2D): Tensor2D => tf.logSoftmax(logits(weights, embedded));
  return openEncoder(
    saved,
    {...layers, classes: (weights, x) => probabilities(weights, layers.embed(weights, x))},
    partsOf(network, {
      own: ownScoreOfViews(network),
      ofPooled: {
        classes: (weights, pooled) => probabilities(weights, embed(weights, network.head, pooled, {training: false})),
      },
    }),
  );
}

/** One of its layers as ONNX nodes. */
export const graphWithClasses = (
  builder: GraphBuilder,
  images: Value,
  layer: string,
  network: Network,
  weights: NamedArrays,
): Value | undefined =>
  layer === 'classes'
    ? EncoderGraph.of(builder, network, weights)?.classes(images)
    : plainLayer(builder, images, layer, network, weights);
