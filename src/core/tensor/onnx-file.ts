/**
 * What an ONNX file says of itself without being run: enough of its protocol-buffer form (onnx.proto3) to tell its outputs
 * and the files beside it that hold its weights.
 */
import {readFileSync} from 'node:fs';
import {
  attribute,
  encode,
  entry,
  graph as graphOf,
  model,
  node,
  parts,
  tensor,
  texts,
  valueInfo,
} from './onnx-proto.ts';

export interface OnnxOutline {
  /** Declared outputs, in order. */
  readonly outputs: readonly string[];
  /** Every tensor that a node of the graph makes. */
  readonly tensors: readonly string[];
  /** Files with weights, relative to the model's folder, each once. */
  readonly outside: readonly string[];
}

/** Throws for what is no ONNX model. */
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
  return Buffer.concat([bytes, encode([[model.graph, encode([[graphOf.output, encode([[valueInfo.name, name]])]])]])]);
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
