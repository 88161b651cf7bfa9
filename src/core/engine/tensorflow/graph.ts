/** What a function has TensorFlow's library compute, recorded once and run as one graph from then on. */
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
import {noteRefusedGraph} from '../check/findings.ts';
import type {Body, Graph} from '../definition.ts';
import {type Tensor, tf, type Variable} from '../running.ts';
import type {Binding, Handle, NodeBackend, OpAttribute} from './binding.ts';

/**
 * Calls `body` once on `inputs`, without effect on `variables`, to see what it does; see `compile`. The library rewrites graphs, and
 * what it makes of checked kernels is not checked: undefined where its graph then computes otherwise than `body` did.
 */
export function traceGraph(variables: readonly Variable[], body: Body, inputs: readonly Tensor[]): Graph | undefined {
  const backend = tf.backend() as unknown as NodeBackend;
  const idsOf = (tensors: readonly Tensor[]): number[] => backend.getInputTensorIds(tensors);
  const recorder = new Recorder(backend.binding);
  for (const [i, tensor] of [...inputs, ...variables].entries())
    recorder.give(placeholderName(i), idsOf([tensor])[0]!, tensor.shape);
  const feeds = [...inputs, ...variables].map((_, i) => `${placeholderName(i)}:0`).join();

  const before = idsOf(variables);
  const values = variables.map((variable) => tf.clone(variable));
  let moved: readonly Variable[] = [];
  let fetches: string;
  let expected: Tensor[] = [];
  backend.binding = recorder.binding;
  try {
    const results = tf.tidy(() => [...body(inputs)]);
    const after = idsOf(variables);
    moved = variables.filter((_, i) => after[i] !== before[i]);
    fetches = [...idsOf(results), ...idsOf(moved)].map((id) => recorder.result(id)).join();
    expected = [...results.map((result) => tf.clone(result)), ...moved.map((variable) => tf.clone(variable))];
    tf.dispose(results);
  } finally {
    backend.binding = recorder.real;
    for (const [i, variable] of variables.entries()) variable.assign(values[i]!);
    tf.dispose(values);
  }
  const session = openSession(backend.binding, recorder.nodes);
  const compute = (given: readonly Tensor[]): Tensor[] =>
    backend.binding
      .runSavedModel(session, idsOf([...given, ...variables]), feeds, fetches)
      .map((handle) => backend.createOutputTensor(handle));
  const computed = compute(inputs);
  const equal = isClose(computed, expected, moved);
  tf.dispose([computed, expected]);
  if (!equal) {
    backend.binding.deleteSavedModel(session);
    noteRefusedGraph();
    return undefined;
  }
  return {
    run(given) {
      const tensors = compute(given);
      const results = tensors.slice(0, tensors.length - moved.length);
      for (const [i, variable] of moved.entries()) {
        const value = tensors[results.length + i]!;
        variable.assign(value);
        value.dispose();
      }
      return results;
    },
    dispose: () => backend.binding.deleteSavedModel(session),
  };
}

/** Of a result's norm. */
const resultTolerance = 1e-3;
/** Of how far a variable moves: gradients of early layers lose digits to cancellation, in another order of sums other ones. */
const moveTolerance = 2e-2;
/** Of a variable's norm: what is below is the rounding of the sum with the move. */
const rounding = 1e-6;

/** Whether results, and behind them the values to which variables moved, are equal but for rounding. */
function isClose(got: readonly Tensor[], want: readonly Tensor[], moved: readonly Variable[]): boolean {
  const results = want.length - moved.length;
  const norms = tf.tidy(() => {
    const norm = (x: Tensor) => tf.sqrt(tf.sum(tf.square(tf.cast(x, 'float32'))));
    const triples = want.map((expected, i) => {
      const variable = moved[i - results];
      const move = variable === undefined ? expected : tf.sub(expected, variable);
      return tf.stack([norm(tf.sub(got[i]!, expected)), norm(move), variable === undefined ? 0 : norm(variable)]);
    });
    return triples.length === 0 ? [] : (tf.stack(triples).arraySync() as [number, number, number][]);
  });
  return norms.every(([difference, size, weight], i) => {
    // Nothing can be held against what is not finite.
    if (!Number.isFinite(size)) return true;
    return difference <= (i < results ? resultTolerance : moveTolerance) * size + rounding * weight + 1e-12;
  });
}

const placeholderName = (i: number): string => `given_${i}`;

/** Stands in for the library's binding, passes on what is asked of it, and keeps it as nodes of a graph. */
class Recorder {
  readonly real: Binding;
  readonly nodes: GraphNode[] = [];
  /** Of a tensor's id, the output that it is, and its element type. */
  readonly #outputs = new Map<number, {readonly name: string; readonly type: number}>();

  constructor(real: Binding) {
    this.real = real;
  }

  /** A tensor of float32 that exists before. */
  give(name: string, id: number, shape: readonly number[]): void {
    const type = this.real.TF_FLOAT;
    this.#add(name, 'Placeholder', [], {dtype: {type}, shape: {shape}}, [{id, dtype: type}]);
  }

  /**
   * The output under which this tensor leaves the graph: behind a node of its own, as TensorFlow fuses no node that is asked for
   * itself. Batch normalisation, whose moved statistics leave, is so fused with the ReLU behind it.
   */
  result(id: number): string {
    const {name, type} = this.#outputOf(id);
    const node = `result_${this.nodes.length}`;
    this.#add(node, 'Identity', [name], {T: {type}}, []);
    return `${node}:0`;
  }

  #outputOf(id: number): {readonly name: string; readonly type: number} {
    const output = this.#outputs.get(id);
    if (output === undefined)
      throw new Error(
        'Internal error: a compiled function uses a tensor that is neither an input nor a variable of it',
      );
    return output;
  }

  get binding(): Binding {
    const {real} = this;
    const own: Pick<Binding, 'createTensor' | 'executeOp' | 'tensorDataSync'> = {
      createTensor: (shape, type, values) => {
        const id = real.createTensor(shape, type, values);
        const bytes = Uint8Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
        const value = {tensor: {type, shape: [...shape], bytes}};
        this.#add(`constant_${id}`, 'Const', [], {dtype: {type}, value}, [{id, dtype: type}]);
        return id;
      },
      executeOp: (operation, attributes, inputs, count) => {
        const names = inputs.map((id) => this.#outputOf(id).name);
        const outputs: Handle[] = real.executeOp(operation, attributes, inputs, count);
        const told = attributes.map((one) => [one.name, attributeOf(real, operation, one)] as const);
        this.#add(`${operation}_${this.nodes.length}`, operation, names, Object.fromEntries(told), outputs);
        return outputs;
      },
      tensorDataSync: () => {
        throw new Error('Internal error: a compiled function looks at values');
      },
    };
    // The binding's own properties can't be overridden by inheriting from it: they are not writable.
    return new Proxy(own, {
      get: (_, name) => own[name as keyof typeof own] ?? Reflect.get(real, name),
    }) as Binding;
  }

  #add(
    name: string,
    operation: string,
    inputs: readonly string[],
    attributes: GraphNode['attributes'],
    outputs: readonly Pick<Handle, 'id' | 'dtype'>[],
  ): void {
    this.nodes.push({name, operation, inputs, attributes});
    for (const [i, {id, dtype}] of outputs.entries()) this.#outputs.set(id, {name: `${name}:${i}`, type: dtype});
  }
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
