/** A recording as a graph of TensorFlow. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {
  type Attribute,
  encodeSavedModel,
  type GraphNode,
  SAVED_MODEL_FILE,
  SAVED_MODEL_TAG,
} from '../../formats/tensorflow/saved-model.ts';
import {type Program, type Recording, tracer} from '../trace.ts';
import type {Binding, OpAttribute} from './binding.ts';

/** The library rewrites graphs: what it then computes is compared with the operations one by one. */
export const traceGraph = tracer((binding, recording) => {
  const {nodes, feeds, fetches} = graphOf(binding, recording);
  const session = openSession(binding, nodes);
  return {
    run: (given) => binding.runSavedModel(session, given, feeds, fetches),
    dispose: () => binding.deleteSavedModel(session),
  } satisfies Program;
});

/** Names of `feeds` and `fetches` are `node:output`, comma-separated. */
function graphOf(
  binding: Binding,
  {given, constants, steps, results}: Recording,
): {readonly nodes: readonly GraphNode[]; readonly feeds: string; readonly fetches: string} {
  const nodes: GraphNode[] = [];
  const outputs = new Map<number, {readonly name: string; readonly type: number}>();
  const add = (
    name: string,
    operation: string,
    inputs: readonly number[],
    attributes: GraphNode['attributes'],
    made: Recording['steps'][number]['outputs'],
  ): void => {
    nodes.push({name, operation, inputs: inputs.map((value) => outputs.get(value)!.name), attributes});
    for (const [i, {value, type}] of made.entries()) outputs.set(value, {name: `${name}:${i}`, type});
  };
  const type = binding.TF_FLOAT;
  for (const [i, {value, shape}] of given.entries())
    add(`given_${i}`, 'Placeholder', [], {dtype: {type}, shape: {shape}}, [{value, type}]);
  for (const {value, shape, type, content} of constants) {
    const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    add(`constant_${value}`, 'Const', [], {dtype: {type}, value: {tensor: {type, shape: [...shape], bytes}}}, [
      {value, type},
    ]);
  }
  for (const {operation, attributes, inputs, outputs: made} of steps) {
    const named = attributes.map((one) => [one.name, attributeOf(binding, operation, one)] as const);
    add(`${operation}_${nodes.length}`, operation, inputs, Object.fromEntries(named), made);
  }
  // Each result leaves behind a node of its own, as TensorFlow fuses no node that is asked for itself. Batch normalisation, whose
  // moved statistics leave, is so fused with the ReLU behind it.
  const fetches = results.map((value) => {
    const name = `result_${nodes.length}`;
    add(name, 'Identity', [value], {T: {type: outputs.get(value)!.type}}, []);
    return `${name}:0`;
  });
  return {nodes, feeds: given.map((_, i) => `given_${i}:0`).join(), fetches: fetches.join()};
}

function attributeOf(binding: Binding, operation: string, {name, type, value}: OpAttribute): Attribute {
  switch (type) {
    case binding.TF_ATTR_STRING:
      return {text: value as string};
    case binding.TF_ATTR_FLOAT:
      return {float: value as number};
    case binding.TF_ATTR_BOOL:
      return {bool: value as boolean};
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? {ints: value as number[]} : {int: value as number};
    case binding.TF_ATTR_TYPE:
      return Array.isArray(value) ? {types: value as number[]} : {type: value as number};
    default:
      throw new Error(`Internal error: attribute ${name} of ${operation} is of a kind that no graph was given yet`);
  }
}

/** The library reads the graph from a folder, once. */
function openSession(binding: Binding, nodes: readonly GraphNode[]): number {
  const folder = mkdtempSync(join(tmpdir(), `pipeline-graph-${process.pid}-`));
  try {
    writeFileSync(join(folder, SAVED_MODEL_FILE), encodeSavedModel(nodes));
    return binding.loadSavedModel(folder, SAVED_MODEL_TAG);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}
