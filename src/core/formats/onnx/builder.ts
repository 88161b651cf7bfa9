/** An ONNX model, node by node. Operators are those of the specification's default domain. */

import {encode, type Field} from '../protobuf.ts';
import {
  attribute,
  attributeTypes,
  dataTypes,
  dimension,
  entry,
  graph,
  model,
  node,
  opsetId,
  shape,
  tensor,
  tensorType,
  type,
  valueInfo,
} from './fields.ts';

/** The release of the operators: of December 2022, known to ONNX Runtime from 1.14 on. */
const opset = 18;
const irVersion = 8;

/** A tensor of the graph, by its name. */
export type Value = string & {readonly brand: 'onnx value'};

/** An integer, a list of integers, or a float. */
export type Attribute = number | readonly number[] | {readonly float: number};

type Numbers = Float32Array | Float64Array | BigInt64Array;

/** Names stand for sizes that are open, such as `N`. */
type Shape = readonly (number | string)[];

export interface Described {
  /** Who wrote it: `producer_name` and `producer_version`. */
  readonly producer: string;
  readonly version: string;
  readonly doc: string;
  readonly metadata: {readonly [key: string]: string};
}

export class GraphBuilder {
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];
  /** Other than the default one; of each, version 1. */
  readonly #domains = new Set<string>();
  #count = 0;

  /** A float32 input. */
  input(name: string, sizes: Shape, doc: string): Value {
    this.#inputs.push(described(name, sizes, doc));
    return name as Value;
  }

  /** Numbers within the file: float32, float64 or int64, as they come. Shape [] is a scalar. */
  constant(data: Numbers, sizes: readonly number[] = [data.length]): Value {
    const name = this.#name('constant');
    const kind =
      data instanceof Float32Array
        ? dataTypes.float
        : data instanceof Float64Array
          ? dataTypes.double
          : dataTypes.int64;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.push(
      encode([
        ...sizes.map((side): Field => [tensor.dims, side]),
        [tensor.type, kind],
        [tensor.name, name],
        [tensor.raw, raw],
      ]),
    );
    return name as Value;
  }

  /** Axes, shapes and places, which are int64 in ONNX. */
  integers(...values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt));
  }

  /** A float64 scalar. */
  double(value: number): Value {
    return this.constant(Float64Array.of(value), []);
  }

  /** An operator's first output. `outputs`: how many it has. */
  node(
    operator: string,
    inputs: readonly Value[],
    attributes: {readonly [name: string]: Attribute} = {},
    {outputs = 1, domain = ''}: {readonly outputs?: number; readonly domain?: string} = {},
  ): Value {
    if (domain !== '') this.#domains.add(domain);
    const made = Array.from({length: outputs}, () => this.#name(operator));
    this.#nodes.push(
      encode([
        ...inputs.map((name): Field => [node.input, name]),
        ...made.map((name): Field => [node.output, name]),
        [node.name, made[0]!],
        [node.type, operator],
        ...(domain === '' ? [] : [[node.domain, domain] satisfies Field]),
        ...Object.entries(attributes).map(([name, value]): Field => [node.attribute, attributeOf(name, value)]),
      ]),
    );
    return made[0] as Value;
  }

  toFloat(value: Value): Value {
    return this.node('Cast', [value], {to: dataTypes.float});
  }

  toDouble(value: Value): Value {
    return this.node('Cast', [value], {to: dataTypes.double});
  }

  /** Makes a float32 tensor an output with this name. */
  output(name: string, value: Value, sizes: Shape, doc: string): void {
    this.#nodes.push(
      encode([
        [node.input, value],
        [node.output, name],
        [node.name, name],
        [node.type, 'Identity'],
      ]),
    );
    this.#outputs.push(described(name, sizes, doc));
  }

  /** The file's bytes. */
  finish({producer, version, doc, metadata}: Described): Uint8Array {
    const all = (field: number, messages: readonly Uint8Array[]) => messages.map((one): Field => [field, one]);
    const whole = encode([
      ...all(graph.node, this.#nodes),
      [graph.name, producer],
      ...all(graph.initializer, this.#initializers),
      ...all(graph.input, this.#inputs),
      ...all(graph.output, this.#outputs),
    ]);
    return encode([
      [model.irVersion, irVersion],
      [model.producerName, producer],
      [model.producerVersion, version],
      [model.doc, doc],
      [model.graph, whole],
      [
        model.opset,
        encode([
          [opsetId.domain, ''],
          [opsetId.version, opset],
        ]),
      ],
      ...[...this.#domains].map(
        (domain): Field => [
          model.opset,
          encode([
            [opsetId.domain, domain],
            [opsetId.version, 1],
          ]),
        ],
      ),
      ...Object.entries(metadata).map(
        ([key, value]): Field => [
          model.metadata,
          encode([
            [entry.key, key],
            [entry.value, value],
          ]),
        ],
      ),
    ]);
  }

  #name(what: string): string {
    return `${what.toLowerCase()}_${this.#count++}`;
  }
}

function attributeOf(name: string, value: Attribute): Uint8Array {
  const told: readonly Field[] =
    typeof value === 'number'
      ? [
          [attribute.int, value],
          [attribute.type, attributeTypes.int],
        ]
      : 'float' in value
        ? [
            [attribute.float, value],
            [attribute.type, attributeTypes.float],
          ]
        : [...value.map((one): Field => [attribute.ints, one]), [attribute.type, attributeTypes.ints]];
  return encode([[attribute.name, name], ...told]);
}

function described(name: string, sizes: Shape, doc: string): Uint8Array {
  const dimensions = sizes.map(
    (size): Field => [
      shape.dimension,
      encode([typeof size === 'number' ? [dimension.value, size] : [dimension.parameter, size]]),
    ],
  );
  const inner = encode([
    [tensorType.element, dataTypes.float],
    [tensorType.shape, encode(dimensions)],
  ]);
  return encode([
    [valueInfo.name, name],
    [valueInfo.type, encode([[type.tensor, inner]])],
    [valueInfo.doc, doc],
  ]);
}
