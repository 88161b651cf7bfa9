/** What a function has a library compute through tfjs-node's backend, recorded once; and run by the library by one call from then on. */
import {noteRefusedGraph} from './check/findings.ts';
import type {Body, Graph, Trace} from './definition.ts';
import {type Tensor, tf, type Variable} from './running.ts';
import type {Binding, Handle, NodeBackend, OpAttribute} from './tensorflow/binding.ts';

/** The operations of a function, on values that are counted from 0. */
export interface Recording {
  /** Number of values. */
  readonly values: number;
  /** Of float32: the inputs, then the variables. */
  readonly given: readonly {readonly value: number; readonly shape: readonly number[]}[];
  readonly constants: readonly Constant[];
  readonly steps: readonly Step[];
  /** What is asked for: the results, then what the variables become. */
  readonly results: readonly number[];
  /** Which of `given`, a variable, becomes which of `results`. */
  readonly moves: readonly (readonly [number, number])[];
}

interface Constant {
  readonly value: number;
  readonly shape: readonly number[];
  /** A `TF_FLOAT` … of the binding. */
  readonly type: number;
  readonly content: ArrayBufferView;
}

interface Step {
  readonly operation: string;
  readonly attributes: readonly OpAttribute[];
  readonly inputs: readonly number[];
  readonly outputs: readonly {readonly value: number; readonly type: number}[];
}

/** A recording in the library. */
export interface Program {
  /** Ids of what is given → the results, which are the caller's. `free`: which of these values nobody needs afterwards. */
  run(given: readonly number[], free: readonly boolean[]): Handle[];
  dispose(): void;
}

/**
 * Calls `body` once on `inputs`, without effect on `variables`, to see what it does; see `compile`. `open` gives the recording to the
 * library. What that makes of checked kernels is not checked: undefined where it then computes otherwise than `body` did.
 */
export const tracer =
  (open: (binding: Binding, recording: Recording) => Program): Trace =>
  (variables: readonly Variable[], body: Body, inputs: readonly Tensor[]): Graph | undefined => {
    const backend = tf.backend() as unknown as NodeBackend;
    const idsOf = (tensors: readonly Tensor[]): number[] => backend.getInputTensorIds(tensors);
    const recorder = new Recorder(backend.binding);
    for (const tensor of [...inputs, ...variables]) recorder.give(idsOf([tensor])[0]!, tensor.shape);

    const before = idsOf(variables);
    const values = variables.map((variable) => tf.clone(variable));
    let moved: readonly Variable[] = [];
    let recording: Recording;
    let expected: Tensor[] = [];
    backend.binding = recorder.binding;
    try {
      const results = tf.tidy(() => [...body(inputs)]);
      const after = idsOf(variables);
      moved = variables.filter((_, i) => after[i] !== before[i]);
      const moves = moved.map(
        (variable, i) => [inputs.length + variables.indexOf(variable), results.length + i] as const,
      );
      recording = recorder.end([...idsOf(results), ...idsOf(moved)], moves);
      expected = [...results.map((result) => tf.clone(result)), ...moved.map((variable) => tf.clone(variable))];
      tf.dispose(results);
    } finally {
      backend.binding = recorder.real;
      for (const [i, variable] of variables.entries()) variable.assign(values[i]!);
      tf.dispose(values);
    }
    const program = open(backend.binding, recording);
    const moving = new Set(moved);
    // A variable that moves leaves its value behind; a clone of it, or a tensor of another shape, may still have it.
    const isFree = (variable: Variable): boolean => moving.has(variable) && backend.refCount(variable.dataId) === 1;
    const compute = (given: readonly Tensor[], free: readonly boolean[]): Tensor[] =>
      program
        .run(idsOf([...given, ...variables]), [...given.map(() => false), ...free])
        .map((handle) => backend.createOutputTensor(handle));
    const computed = compute(
      inputs,
      variables.map(() => false),
    );
    const equal = isClose(computed, expected, moved);
    tf.dispose([computed, expected]);
    if (!equal) {
      program.dispose();
      noteRefusedGraph();
      return undefined;
    }
    return {
      run(given) {
        const tensors = compute(given, variables.map(isFree));
        const results = tensors.slice(0, tensors.length - moved.length);
        for (const [i, variable] of moved.entries()) {
          const value = tensors[results.length + i]!;
          variable.assign(value);
          value.dispose();
        }
        return results;
      },
      dispose: () => program.dispose(),
    };
  };

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

/** Stands in for the library's binding, passes on what is asked of it, and keeps it. */
class Recorder {
  readonly real: Binding;
  readonly #given: {readonly value: number; readonly shape: readonly number[]}[] = [];
  readonly #constants: Constant[] = [];
  readonly #steps: Step[] = [];
  /** Of a tensor's id, the value that it is. */
  readonly #values = new Map<number, number>();
  #count = 0;

  constructor(real: Binding) {
    this.real = real;
  }

  /** A tensor of float32 that exists before. */
  give(id: number, shape: readonly number[]): void {
    this.#given.push({value: this.#add(id), shape: [...shape]});
  }

  end(ids: readonly number[], moves: Recording['moves']): Recording {
    const results = ids.map((id) => this.#valueOf(id));
    // Of what no result comes from, such as maps above those that are asked for, nothing is computed again.
    const read = new Set(results);
    const steps = this.#steps.toReversed().filter(({inputs, outputs}) => {
      if (!outputs.some(({value}) => read.has(value))) return false;
      for (const value of inputs) read.add(value);
      return true;
    });
    const constants = this.#constants.filter(({value}) => read.has(value));
    return {values: this.#count, given: this.#given, constants, steps: steps.toReversed(), results, moves};
  }

  get binding(): Binding {
    const {real} = this;
    const own: Pick<Binding, 'createTensor' | 'executeOp' | 'tensorDataSync'> = {
      createTensor: (shape, type, values) => {
        const id = real.createTensor(shape, type, values);
        const content = (values as Float32Array).slice();
        this.#constants.push({value: this.#add(id), shape: [...shape], type, content});
        return id;
      },
      executeOp: (operation, attributes, inputs, count) => {
        const read = inputs.map((id) => this.#valueOf(id));
        const made: Handle[] = real.executeOp(operation, attributes, inputs, count);
        const outputs = made.map(({id, dtype}) => ({value: this.#add(id), type: dtype}));
        this.#steps.push({operation, attributes, inputs: read, outputs});
        return made;
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

  #add(id: number): number {
    this.#values.set(id, this.#count);
    return this.#count++;
  }

  #valueOf(id: number): number {
    const value = this.#values.get(id);
    if (value === undefined)
      throw new Error(
        'Internal error: a compiled function uses a tensor that is neither an input nor a variable of it',
      );
    return value;
  }
}
