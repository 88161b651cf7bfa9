/** Networks: encoders that learners train. */
import type {Tensor2D, Tensor4D} from '../engine/engine.ts';
import type {GraphBuilder, Value} from '../formats/onnx/builder.ts';
import type {ParameterSpec, Weights} from '../nn/layers.ts';
import type {TObject} from '../plugin/type.ts';
import type {NamedArrays} from './data.ts';
import type {Definition} from './definition.ts';

/** An encoder f: images → features. Pure description: its weights are passed to every call. */
export interface Network {
  /** Columns of the pooled feature. */
  readonly features: number;
  /** Widths of the projection head g asked for in the spec, input side first; empty = no head. */
  readonly head: readonly number[];
  /** For square inputs of this many pixels a side, which choose the stem. Throws for a side that it does not support. */
  parameters(side: number): readonly ParameterSpec[];
  /** Multiply-accumulates of one image of that side, forward, without the head: for estimates. Absent: not known. */
  macs?(side: number): number;
  /** x (n, h, w, 3) → the last map (n, h', w', features), whose mean over places is the pooled feature; in inference. Absent: none. */
  map?(weights: Weights, x: Tensor4D): Tensor4D;
  /** `map` as ONNX nodes: x float32 (n, 3, h, w) → (n, features, h', w'). Absent: GradCAM cannot be exported. */
  mapGraph?(builder: GraphBuilder, weights: NamedArrays, x: Value): Value;
  /** x (n, h, w, 3) → its maps (n, h', w', c) by name, first to last, in inference: features of places. Absent: none. */
  maps?(weights: Weights, x: Tensor4D): {readonly [name: string]: Tensor4D};
  /** `maps` as ONNX nodes: x float32 (n, 3, h, w) → (n, c, h', w') by name. Absent: they cannot be exported. */
  mapsGraph?(builder: GraphBuilder, weights: NamedArrays, x: Value): {readonly [name: string]: Value};
  /** The channels c of each of `maps`, by name, so that a spec that asks for others is refused. Absent: not known before it runs. */
  readonly mapChannels?: {readonly [name: string]: number};
  /** x (n, h, w, 3) → pooled feature (n, features). `training` uses and updates batch statistics. */
  pool(weights: Weights, x: Tensor4D, options: {readonly training: boolean}): Tensor2D;
  /** `pool` in inference as ONNX nodes: x float32 (n, 3, h, w) → (n, features). Absent: it cannot be exported. */
  graph?(builder: GraphBuilder, weights: NamedArrays, x: Value): Value;
  /** Inner features of the encoder, by name: every learner that trains the network has them as layers. Absent: none. */
  readonly levels?: {readonly [name: string]: Level};
  /** The name of a parameter in torchvision's state dict of the same network. Absent: torchvision has no such network. */
  torchName?(parameter: string): string;
}

/** An inner feature of an encoder, in inference. */
export interface Level {
  /** x (n, h, w, 3) → (n, d). */
  pool(weights: Weights, x: Tensor4D): Tensor2D;
  /** The same as ONNX nodes: x float32 (n, 3, h, w) → (n, d). */
  graph(builder: GraphBuilder, weights: NamedArrays, x: Value): Value;
}

export interface NetworkDefinition<O extends TObject = TObject> extends Definition<'network', O, Network> {}

// An identity function: it infers the option type from the schema, so that `create` is typed without a cast.
export const defineNetwork = <const O extends TObject>(d: Omit<NetworkDefinition<O>, 'kind'>) =>
  ({kind: 'network', ...d}) as NetworkDefinition<O>;
