/**
 * Reads an ONNX file without running it: enough of its protocol-buffer form (onnx.proto3) to know its outputs and the files beside
 * it that hold its weights.
 */
import {readFileSync} from 'node:fs';
import {attribute, entry, graph as graphOf, model, node, tensor, valueInfo} from './fields.ts';

export interface OnnxOutline {
  /** Declared outputs, in order. */
  readonly outputs: readonly string[];
  /** Every tensor that a node of the graph makes. */
  readonly tensors: readonly string[];
  /** Files with weights, relative to the model's folder, each once. */
  readonly outside: readonly string[];
}

/** Throws if it is not an ONNX model. */
export function readOnnx(path: string): OnnxOutline {
  const outside = new Set<string>();
  const outputs: string[] = [];
  const tensors: string[] = [];
  const graphs = parts(readFileSync(path), model.graph);
  if (graphs.length === 0) throw new Error('it has no graph');
  for (const graph of graphs) {
    for (const value of parts(graph, graphOf.output)) outputs.push(...texts(value, valueInfo.name));
    for (const one of parts(graph, graphOf.node)) tensors.push(...texts(one, node.output));
    collectOutside(graph, outside);
  }
  if (outputs.length === 0) throw new Error('its graph has no output');
  return {outputs, tensors, outside: [...outside]};
}

/** The model with one of its inner tensors as a further output: messages written one behind the other are merged. */
export function appendOutput(bytes: Uint8Array, name: string): Uint8Array {
  const output = message(graphOf.output, message(valueInfo.name, Buffer.from(name)));
  return Buffer.concat([bytes, message(model.graph, output)]);
}

function collectOutside(graph: Uint8Array, found: Set<string>): void {
  const attributes = parts(graph, graphOf.node).flatMap((one) => parts(one, node.attribute));
  const tensors = [
    ...parts(graph, graphOf.initializer),
    ...attributes.flatMap((one) => [...parts(one, attribute.tensor), ...parts(one, attribute.tensors)]),
  ];
  for (const one of tensors)
    for (const pair of parts(one, tensor.outside))
      if (texts(pair, entry.key)[0] === 'location') found.add(texts(pair, entry.value)[0] ?? '');
  for (const one of attributes)
    for (const inner of [...parts(one, attribute.graph), ...parts(one, attribute.graphs)]) collectOutside(inner, found);
}

const texts = (bytes: Uint8Array, field: number): readonly string[] =>
  parts(bytes, field).map((part) => Buffer.from(part).toString());

/**
 * All values of a field of a message that have a length: texts, bytes and messages. Written by hand, because every command loads
 * this file, and a library for these lines would take as long to load as everything else.
 */
function parts(bytes: Uint8Array, field: number): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 2 ** 63) throw new Error('it ends within a number');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const wire = tag % 8;
    if (wire === 0) number();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = number();
      if (at + length > bytes.length) throw new Error('it is incomplete');
      if ((tag - wire) / 8 === field) found.push(bytes.subarray(at, at + length));
      at += length;
    } else throw new Error('it is of another format');
  }
  return found;
}

function message(field: number, content: Uint8Array): Uint8Array {
  const head: number[] = [];
  for (let rest of [field * 8 + 2, content.length]) {
    for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) + 128);
    head.push(rest);
  }
  return Buffer.concat([Uint8Array.from(head), content]);
}
