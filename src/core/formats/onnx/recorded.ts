/** A graph that knows its nodes: the same one is made once, and slopes can be taken through them (`slopes.ts`). */
import {createHash} from 'node:crypto';
import {type Attribute, GraphBuilder, type NodeOptions, type Numbers, type Value} from './builder.ts';

export interface Step {
  readonly operator: string;
  readonly inputs: readonly Value[];
  readonly attributes: {readonly [name: string]: Attribute};
  readonly outputs: readonly Value[];
}

export class RecordedGraph extends GraphBuilder {
  /** In the order in which they were made: a step needs only earlier ones. */
  readonly steps: Step[] = [];
  readonly #known = new Map<string, readonly Value[]>();
  readonly #makers = new Map<Value, Step>();
  readonly #integers = new Map<Value, readonly number[]>();

  override constant(data: Numbers, sizes: readonly number[] = [data.length]): Value {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const digest = createHash('sha256').update(raw).digest('base64');
    return this.#once([data.constructor.name, sizes, digest], () => {
      const made = super.constant(data, sizes);
      if (data instanceof BigInt64Array) this.#integers.set(made, Array.from(data, Number));
      return [made];
    })[0]!;
  }

  override nodes(
    operator: string,
    inputs: readonly Value[],
    attributes: {readonly [name: string]: Attribute} = {},
    more: NodeOptions = {},
  ): readonly Value[] {
    return this.#once([operator, inputs, attributes, more], () => {
      const outputs = super.nodes(operator, inputs, attributes, more);
      const step = {operator, inputs, attributes, outputs};
      this.steps.push(step);
      for (const output of outputs) this.#makers.set(output, step);
      return outputs;
    });
  }

  /** The step that made it; undefined for inputs and constants. */
  makerOf(value: Value): Step | undefined {
    return this.#makers.get(value);
  }

  /** The values of a constant of integers. */
  integersOf(value: Value): readonly number[] | undefined {
    return this.#integers.get(value);
  }

  #once(what: readonly unknown[], make: () => readonly Value[]): readonly Value[] {
    const key = JSON.stringify(what);
    const made = this.#known.get(key) ?? make();
    this.#known.set(key, made);
    return made;
  }
}
