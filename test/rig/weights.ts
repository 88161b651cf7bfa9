import {Rng} from '../../src/core/base/random.ts';
import type {NamedArrays} from '../../src/core/contracts/data.ts';
import {type ParameterSpec, startValues} from '../../src/core/nn/layers.ts';

/** Statistics as training leaves them, not those of the start. */
export function weightsOf(specs: readonly ParameterSpec[], seed: string): NamedArrays {
  const rng = new Rng(seed);
  return new Map(
    specs.map((spec) => {
      const stream = rng.fork('moved').fork(spec.name);
      const moved = /\/(gamma|variance)$/.test(spec.name) ? [0.5, 1.5] : [-0.2, 0.2];
      const start = startValues(spec, rng);
      const data = start.map((value) => (spec.shape.length > 1 ? value : stream.uniform(moved[0]!, moved[1]!)));
      return [spec.name, {shape: spec.shape, data}] as const;
    }),
  );
}
