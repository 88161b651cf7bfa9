/** A graph of TensorFlow operations as a SavedModel, the form in which TensorFlow's library takes one from a file. */
import {encode, type Field} from '../protobuf.ts';

/** A text, an integer, a 32-bit float, a truth, an element type, a shape, or a list of integers or types. */
export type Attribute =
  | {readonly text: string}
  | {readonly int: number}
  | {readonly float: number}
  | {readonly bool: boolean}
  | {readonly type: number}
  | {readonly shape: readonly number[]}
  | {readonly tensor: Constant}
  | {readonly ints: readonly number[]}
  | {readonly types: readonly number[]};

export interface Constant {
  /** TensorFlow's number of the element type. */
  readonly type: number;
  readonly shape: readonly number[];
  /** The elements, row-major and little-endian. */
  readonly bytes: Uint8Array;
}

export interface GraphNode {
  readonly name: string;
  readonly operation: string;
  /** Names of nodes; `name:1` is a node's second output. */
  readonly inputs: readonly string[];
  readonly attributes: {readonly [name: string]: Attribute};
}

/** By this tag the model is loaded. */
export const SAVED_MODEL_TAG = 'serve';
export const SAVED_MODEL_FILE = 'saved_model.pb';

/** Version of the graph's producer. This one is of 2023; operations have not changed since long before. */
const producer = 1395;

// Field numbers of TensorFlow's messages: saved_model.proto, meta_graph.proto, graph.proto, node_def.proto, attr_value.proto,
// tensor.proto and tensor_shape.proto under https://github.com/tensorflow/tensorflow/tree/v2.21.0/tensorflow/core.
const savedModel = {schema: 1, metaGraphs: 2};
const metaGraph = {info: 1, graph: 2};
const metaInfo = {tags: 4};
const graph = {node: 1, versions: 4};
const versions = {producer: 1};
const node = {name: 1, operation: 2, input: 3, attribute: 5};
const entry = {key: 1, value: 2};
const attribute = {list: 1, text: 2, int: 3, float: 4, bool: 5, type: 6, shape: 7, tensor: 8};
const list = {int: 3, type: 6};
const tensor = {type: 1, shape: 2, content: 4};
const shape = {dimension: 2};
const dimension = {size: 1};

/** The bytes of `saved_model.pb`. */
export function encodeSavedModel(nodes: readonly GraphNode[]): Uint8Array {
  const whole = encode([
    ...nodes.map((one): Field => [graph.node, nodeOf(one)]),
    [graph.versions, encode([[versions.producer, producer]])],
  ]);
  const meta = encode([
    [metaGraph.info, encode([[metaInfo.tags, SAVED_MODEL_TAG]])],
    [metaGraph.graph, whole],
  ]);
  return encode([
    [savedModel.schema, 1],
    [savedModel.metaGraphs, meta],
  ]);
}

function nodeOf({name, operation, inputs, attributes}: GraphNode): Uint8Array {
  return encode([
    [node.name, name],
    [node.operation, operation],
    ...inputs.map((input): Field => [node.input, input]),
    ...Object.entries(attributes).map(
      ([key, value]): Field => [
        node.attribute,
        encode([
          [entry.key, key],
          [entry.value, encode([attributeOf(value)])],
        ]),
      ],
    ),
  ]);
}

function attributeOf(value: Attribute): Field {
  if ('text' in value) return [attribute.text, value.text];
  if ('int' in value) return [attribute.int, value.int];
  if ('float' in value) return [attribute.float, {float: value.float}];
  if ('bool' in value) return [attribute.bool, value.bool ? 1 : 0];
  if ('type' in value) return [attribute.type, value.type];
  if ('shape' in value) return [attribute.shape, shapeOf(value.shape)];
  if ('tensor' in value) return [attribute.tensor, tensorOf(value.tensor)];
  if ('ints' in value) return [attribute.list, encode(value.ints.map((int): Field => [list.int, int]))];
  return [attribute.list, encode(value.types.map((type): Field => [list.type, type]))];
}

const shapeOf = (sides: readonly number[]): Uint8Array =>
  encode(sides.map((side): Field => [shape.dimension, encode([[dimension.size, side]])]));

const tensorOf = (constant: Constant): Uint8Array =>
  encode([
    [tensor.type, constant.type],
    [tensor.shape, shapeOf(constant.shape)],
    [tensor.content, constant.bytes],
  ]);
