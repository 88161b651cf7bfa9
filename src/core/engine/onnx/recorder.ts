/** Which kernels a function of tensors runs, seen while it runs once. */
import {type Tensor, tf, type Variable} from '../running.ts';

/** A tensor by what is in it: a reshaped one, or a variable to which it was assigned, has the same data. */
export interface Place {
  readonly data: object;
  readonly shape: readonly number[];
}

export interface Call {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, Place>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly outputs: readonly Place[];
}

export interface Constant {
  readonly data: object;
  readonly dtype: string;
  readonly values: Float32Array | Int32Array | Uint8Array;
}

export interface Recording {
  readonly calls: readonly Call[];
  /** Tensors that the function made from numbers only. */
  readonly constants: readonly Constant[];
  readonly results: readonly Place[];
  /** What variables hold afterwards, of those that were assigned to. */
  readonly moved: readonly {readonly variable: Variable; readonly value: Place}[];
}

interface Engine {
  runKernel(name: string, inputs: Readonly<Record<string, Tensor>>, attrs?: object): Tensor | Tensor[];
}

/** Calls `body` once on `inputs`, without effect on `variables`. */
export function record(
  variables: readonly Variable[],
  body: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
): Recording {
  const engine = tf.engine() as unknown as Engine;
  const recorder = new Recorder([...inputs, ...variables]);
  const before = variables.map(idOf);
  const values = variables.map((variable) => tf.clone(variable));
  const run = engine.runKernel;
  // Kernels that are composed of others run those within: only the outermost are kept.
  let within = false;
  engine.runKernel = (name, given, attrs) => {
    if (name === 'Identity') {
      const clone = run.call(engine, name, given, attrs) as Tensor;
      recorder.alias(clone, given['x']!);
      return clone;
    }
    if (within) {
      const made = run.call(engine, name, given, attrs);
      recorder.addInner(made);
      return made;
    }
    within = true;
    try {
      const made = run.call(engine, name, given, attrs);
      recorder.add(name, given, attrs, made);
      return made;
    } finally {
      within = false;
    }
  };
  // A step may only depend on shapes: a decision by values would be recorded once and repeated for ever.
  const backend = tf.backend() as unknown as Reader;
  const readSync = backend.readSync;
  backend.readSync = (...args) => {
    if (!within && !recorder.reads) throw new Error('Internal error: a compiled function looks at values');
    return readSync.apply(backend, args);
  };
  try {
    let results: readonly Place[] = [];
    // Nothing is returned from within: `tidy` would look for tensors in every element of the constants.
    tf.tidy(() => {
      const made = [...body(inputs)];
      results = made.map((tensor) => recorder.read(tensor));
      tf.dispose(made); // kept ones too
    });
    const moved = variables
      .filter((variable, i) => idOf(variable) !== before[i])
      .map((variable) => ({variable, value: recorder.read(variable)}));
    return {calls: recorder.calls, constants: recorder.constants, results, moved};
  } finally {
    engine.runKernel = run;
    backend.readSync = readSync;
    for (const [i, variable] of variables.entries()) variable.assign(values[i]!);
    tf.dispose(values);
  }
}

export const idOf = (tensor: Tensor): object => tensor.dataId;

interface Reader {
  readSync(...args: unknown[]): unknown;
}

class Recorder {
  /** While it takes the values of a constant. */
  reads = false;
  readonly calls: Call[] = [];
  readonly constants: Constant[] = [];
  readonly #known: Set<object>;
  /** Made within a kernel: nobody outside it may use them. */
  readonly #inner = new WeakSet<object>();
  /** Of a clone, what it is of: the engine clones what it keeps for gradients, before the kernel that makes it has returned. */
  readonly #originals = new Map<object, object>();
  /** Of the newest tensor that was there before. */
  readonly #newest: number;

  constructor(given: readonly Tensor[]) {
    this.#known = new Set(given.map(idOf));
    const probe = tf.scalar(0);
    this.#newest = probe.id;
    probe.dispose();
  }

  alias(clone: Tensor, original: Tensor): void {
    if (idOf(clone) !== idOf(original)) this.#originals.set(idOf(clone), idOf(original));
  }

  addInner(made: Tensor | Tensor[]): void {
    for (const tensor of [made].flat()) this.#inner.add(this.#dataOf(tensor));
  }

  add(kernel: string, given: Readonly<Record<string, Tensor>>, attrs: object | undefined, made: Tensor | Tensor[]) {
    const named = Object.entries(given).filter(([, tensor]) => tensor !== undefined && tensor !== null);
    const inputs = Object.fromEntries(named.map(([name, tensor]) => [name, this.read(tensor)]));
    const outputs = [made].flat().map((tensor) => ({data: this.#dataOf(tensor), shape: [...tensor.shape]}));
    // What has its input's data is that input: a reshaped tensor, a clone.
    if (outputs.every(({data}) => this.#known.has(data))) return;
    for (const {data} of outputs) this.#known.add(data);
    this.calls.push({kernel, inputs, attrs: (attrs ?? {}) as Call['attrs'], outputs});
  }

  read(tensor: Tensor): Place {
    const data = this.#dataOf(tensor);
    if (!this.#known.has(data)) {
      if (this.#inner.has(data)) throw new Error('Internal error: a tensor from within a kernel is used outside it');
      if (tensor.id < this.#newest)
        throw new Error(
          'Internal error: a compiled function uses a tensor that is neither an input nor a variable of it',
        );
      this.#known.add(data);
      this.reads = true;
      const values = tensor.dataSync() as Constant['values'];
      this.reads = false;
      this.constants.push({data, dtype: tensor.dtype, values});
    }
    return {data, shape: [...tensor.shape]};
  }

  #dataOf(tensor: Tensor): object {
    let data = idOf(tensor);
    for (let of = this.#originals.get(data); of !== undefined; of = this.#originals.get(data)) data = of;
    return data;
  }
}
