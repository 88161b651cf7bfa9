/** The layers of encoders as nodes of an ONNX graph. */

import type {NamedArrays} from '../../core/contracts/data.ts';
import type {Network} from '../../core/contracts/network.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {embedGraph, logitsGraph} from '../networks/head.ts';

/** A network with a head, and its weights. */
export class EncoderGraph {
  readonly builder: GraphBuilder;
  readonly #pool: NonNullable<Network['graph']>;
  readonly #levels: NonNullable<Network['levels']>;
  readonly #head: readonly number[];
  readonly #weights: NamedArrays;

  private constructor(
    builder: GraphBuilder,
    pool: NonNullable<Network['graph']>,
    {levels = {}, head}: Network,
    weights: NamedArrays,
  ) {
    this.builder = builder;
    this.#pool = pool;
    this.#levels = levels;
    this.#head = head;
    this.#weights = weights;
  }

  /** Undefined if the network has no graph. */
  static of(builder: GraphBuilder, network: Network, weights: NamedArrays): EncoderGraph | undefined {
    return network.graph && new EncoderGraph(builder, network.graph, network, weights);
  }

  /** images (n, h, w, 3) → pooled feature (n, d). */
  pool(images: Value): Value {
    return this.#pool(this.builder, this.#weights, this.#channelsFirst(images));
  }

  /** images (n, h, w, 3) → a level of the network (n, d). */
  level(name: string, images: Value): Value {
    return this.#levels[name]!.graph(this.builder, this.#weights, this.#channelsFirst(images));
  }

  /** images (n, h, w, 3) → embedding (n, d). */
  embed(images: Value): Value {
    return embedGraph(this.builder, this.#weights, this.#head, this.pool(images));
  }

  /** images (n, h, w, 3) → log-probabilities (n, classes). */
  classes(images: Value): Value {
    return this.builder.node('LogSoftmax', [logitsGraph(this.builder, this.#weights, this.embed(images))], {axis: 1});
  }

  /** `ownScoreOfViews`: images (n, h, w, 3) → (n). */
  ownScoreOfViews(images: Value): Value {
    const {builder} = this;
    const normal = builder.node('Gather', [this.classes(images), builder.integers(0)], {axis: 1});
    return builder.node('Neg', [builder.node('Squeeze', [normal, builder.integers(1)])]);
  }

  #channelsFirst(images: Value): Value {
    return this.builder.node('Transpose', [images], {perm: [0, 3, 1, 2]});
  }
}

/** `pool`, `embed` and the network's levels, for a learner that has no others. */
export function plainLayer(
  builder: GraphBuilder,
  images: Value,
  layer: string,
  network: Network,
  weights: NamedArrays,
): Value | undefined {
  const encoder = EncoderGraph.of(builder, network, weights);
  if (network.levels?.[layer]) return encoder?.level(layer, images);
  return layer === 'pool' ? encoder?.pool(images) : encoder?.embed(images);
}
