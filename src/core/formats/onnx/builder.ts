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
import type {GraphPart, OnnxNetwork} from './network.ts';

/** The release of the operators: of December 2022, known to ONNX Runtime from 1.14 on. */
const opset = 18;
const irVersion = 8;

/** A tensor of the graph, by its name. */
export type Value = string & {readonly brand: 'onnx value'};

/** An integer, a list of integers, a float, or a text. */
export type Attribute = number | readonly number[] | {readonly float: number} | {readonly text: string};

export type Numbers = Float32Array | Float64Array | BigInt64Array;

/** Names stand for sizes that are open, such as `N`. */
type Shape = readonly (number | string)[];

export interface NodeOptions {
  /** How many it has. */
  readonly outputs?: number;
  readonly domain?: string;
}

export interface Described {
  /** Who wrote it: `producer_name` and `producer_version`. */
  readonly producer: string;
  readonly version: string;
  readonly doc: string;
  readonly metadata: {readonly [key: string]: string};
}

export class GraphBuilder {
  readonly #nodes: GraphPart[] = [];
  readonly #constants: GraphPart[] = [];
  readonly #functions: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];
  readonly #outputNames: string[] = [];
  /** Other than the default one, with their versions. */
  readonly #domains = new Map<string, number>();
  #opset = opset;
  #irVersion = irVersion;
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
    const bytes = encode([
      ...sizes.map((side): Field => [tensor.dims, side]),
      [tensor.type, kind],
      [tensor.name, name],
      [tensor.raw, raw],
    ]);
    this.#constants.push({needs: [], makes: [name], bytes});
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

  /** An operator's first output. */
  node(
    operator: string,
    inputs: readonly Value[],
    attributes: {readonly [name: string]: Attribute} = {},
    more: NodeOptions = {},
  ): Value {
    return this.nodes(operator, inputs, attributes, more)[0]!;
  }

  /** All outputs of an operator. */
  nodes(
    operator: string,
    inputs: readonly Value[],
    attributes: {readonly [name: string]: Attribute} = {},
    {outputs = 1, domain = ''}: NodeOptions = {},
  ): readonly Value[] {
    if (domain !== '') this.#domains.set(domain, 1);
    const made = Array.from({length: outputs}, () => this.#name(operator));
    const bytes = encode([
      ...inputs.map((name): Field => [node.input, name]),
      ...made.map((name): Field => [node.output, name]),
      [node.name, made[0]!],
      [node.type, operator],
      ...(domain === '' ? [] : [[node.domain, domain] satisfies Field]),
      ...Object.entries(attributes).map(([name, value]): Field => [node.attribute, attributeOf(name, value)]),
    ]);
    this.#nodes.push({needs: inputs, makes: made, bytes});
    return made as Value[];
  }

  /** The largest along axes, whose place in the node depends on the version of the operators. */
  largest(x: Value, axes: readonly number[], {keep = false} = {}): Value {
    const keepdims = keep ? 1 : 0;
    return this.#opset < 18
      ? this.node('ReduceMax', [x], {axes, keepdims})
      : this.node('ReduceMax', [x, this.integers(...axes)], {keepdims});
  }

  /** Makes a network from a file a part of this graph, whose operators then have its version; once at most, and before `largest`. */
  splice(network: OnnxNetwork, x: Value, wanted: readonly string[]): readonly Value[] {
    this.#opset = network.opset;
    this.#irVersion = Math.max(irVersion, network.irVersion);
    for (const [domain, version] of network.domains) this.#domains.set(domain, version);
    this.#functions.push(...network.functions);
    this.#identity(x, network.input);
    this.#constants.push(...network.constants);
    this.#nodes.push(...network.nodes);
    return wanted.map((name) => network.named(name) as Value);
  }

  toFloat(value: Value): Value {
    return this.node('Cast', [value], {to: dataTypes.float});
  }

  toDouble(value: Value): Value {
    return this.node('Cast', [value], {to: dataTypes.double});
  }

  /** Makes a float32 tensor an output with this name. */
  output(name: string, value: Value, sizes: Shape, doc: string): void {
    this.#identity(value, name);
    this.#outputNames.push(name);
    this.#outputs.push(described(name, sizes, doc));
  }

  #identity(from: string, to: string): void {
    const bytes = encode([
      [node.input, from],
      [node.output, to],
      [node.name, to],
      [node.type, 'Identity'],
    ]);
    this.#nodes.push({needs: [from], makes: [to], bytes});
  }

  /** Bytes of its nodes and constants in the file. */
  get size(): number {
    const {nodes, constants} = this.#needed();
    return [...nodes, ...constants].reduce((sum, {length}) => sum + length, 0);
  }

  /** The messages of what an output needs. */
  #needed() {
    const needed = new Set(this.#outputNames);
    const isNeeded = ({makes}: GraphPart): boolean => makes.some((name) => needed.has(name));
    const nodes: Uint8Array[] = [];
    for (const part of this.#nodes.toReversed()) {
      if (!isNeeded(part)) continue;
      for (const name of part.needs) needed.add(name);
      nodes.push(part.bytes);
    }
    return {nodes: nodes.toReversed(), constants: this.#constants.filter(isNeeded).map(({bytes}) => bytes)};
  }

  /** The file's bytes: nodes and constants that no output needs are left out. */
  finish({producer, version, doc, metadata}: Described): Uint8Array {
    const all = (field: number, messages: readonly Uint8Array[]) => messages.map((one): Field => [field, one]);
    const {nodes, constants} = this.#needed();
    const whole = encode([
      ...all(graph.node, nodes),
      [graph.name, producer],
      ...all(graph.initializer, constants),
      ...all(graph.input, this.#inputs),
      ...all(graph.output, this.#outputs),
    ]);
    return encode([
      [model.irVersion, this.#irVersion],
      [model.producerName, producer],
      [model.producerVersion, version],
      [model.doc, doc],
      [model.graph, whole],
      [
        model.opset,
        encode([
          [opsetId.domain, ''],
          [opsetId.version, this.#opset],
        ]),
      ],
      ...[...this.#domains].map(
        ([domain, version]): Field => [
          model.opset,
          encode([
            [opsetId.domain, domain],
            [opsetId.version, version],
          ]),
        ],
      ),
      ...all(model.functions, this.#functions),
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
        : 'text' in value
          ? [
              [attribute.text, value.text],
              [attribute.type, attributeTypes.text],
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
