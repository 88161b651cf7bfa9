/** The graph that is being written, and its tensors in two layouts. */
import {GraphBuilder, type Value} from '../../formats/onnx/builder.ts';

/** ONNX Runtime's own operators on images in blocks of channels. */
export const BLOCKED = 'com.microsoft.nchwc';

/**
 * A tensor of the step. `plain`: as tfjs has it, the channels last. `blocked`, of images (n, h, w, c) alone: as
 * (n, c / block, h, w, block), which ONNX Runtime's fast convolutions take; channels are filled up with zeros to whole blocks.
 */
export interface LaidOutTensor {
  readonly shape: readonly number[];
  plain?: Value;
  blocked?: Value;
}

export class LayoutGraph {
  readonly builder = new GraphBuilder();
  /** Channels of a block, by the processor's vectors. */
  readonly block: number;
  readonly #noted = new Map<string, Value>();

  constructor(block: number) {
    this.block = block;
  }

  node(operator: string, inputs: readonly Value[], attributes = {}): Value {
    return this.builder.node(operator, inputs, attributes);
  }

  blockedNode(operator: string, inputs: readonly Value[], attributes = {}): Value {
    return this.builder.node(operator, inputs, attributes, {domain: BLOCKED});
  }

  integers(...values: readonly number[]): Value {
    return this.once(`i${values}`, () => this.builder.integers(...values));
  }

  /** A vector of one number, which broadcasts like a scalar. */
  number(value: number): Value {
    return this.once(`f${value}`, () => this.builder.constant(Float32Array.of(value)));
  }

  /** What has been made before under this key, or now. */
  once(key: string, make: () => Value): Value {
    let made = this.#noted.get(key);
    if (made === undefined) {
      made = make();
      this.#noted.set(key, made);
    }
    return made;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return this.node('Reshape', [x, this.integers(...shape)]);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.node('Transpose', [x], {perm});
  }

  /** Zeros before and after, for each axis. */
  pad(x: Value, sides: readonly (readonly [number, number])[]): Value {
    if (sides.every(([before, after]) => before === 0 && after === 0)) return x;
    return this.node('Pad', [x, this.integers(...sides.map(([before]) => before), ...sides.map(([, after]) => after))]);
  }

  slice(
    x: Value,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps = axes.map(() => 1),
  ): Value {
    return this.node('Slice', [
      x,
      this.integers(...starts),
      this.integers(...ends),
      this.integers(...axes),
      this.integers(...steps),
    ]);
  }

  /** Channels filled up to whole blocks. */
  whole(channels: number): number {
    return Math.ceil(channels / this.block) * this.block;
  }

  plain(x: LaidOutTensor): Value {
    x.plain ??= this.blockedNode('ReorderOutput', [x.blocked!], {channels: x.shape[3]!, channels_last: 1});
    return x.plain;
  }

  blocked(x: LaidOutTensor): Value {
    if (x.blocked === undefined) {
      const channels = x.shape[3]!;
      const filled = this.pad(x.plain!, [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, this.whole(channels) - channels],
      ]);
      x.blocked = this.blockedNode('ReorderInput', [filled], {channels_last: 1});
    }
    return x.blocked;
  }

  /** Images in blocks as (…, h, w, block), for what is done to rows and columns; `shape`: of all that comes of it. */
  within(x: LaidOutTensor, shape: readonly number[], make: (x: Value) => Value): Value {
    const [n, height, width, channels] = x.shape as [number, number, number, number];
    const whole = this.whole(channels);
    const apart = this.reshape(x.blocked!, [(n * whole) / this.block, height, width, this.block]);
    return this.reshape(make(apart), [n, whole, shape[1]!, shape[2]!]);
  }

  /** A vector (c), filled up with zeros to whole blocks. */
  filled(x: LaidOutTensor): Value {
    const [channels] = x.shape as [number];
    return this.once(`filled ${this.plain(x)}`, () => this.pad(this.plain(x), [[0, this.whole(channels) - channels]]));
  }

  /** The first values of a vector that was filled up. */
  cut(x: Value, channels: number): Value {
    return this.whole(channels) === channels ? x : this.slice(x, [0], [channels], [0]);
  }

  sum(a: Value, b: Value): Value {
    return this.node('Add', [a, b]);
  }

  product(a: Value, b: Value): Value {
    return this.node('Mul', [a, b]);
  }
}
