/** Weights of PyTorch's networks in our layout. */

import type {NamedArrays} from '../../contracts/data.ts';
import type {ParameterSpec} from '../../nn/layers.ts';

/**
 * Values of parameters from a state dict: filters (out, in, h, w), or (c, 1, h, w) of depthwise ones, and dense kernels
 * (out, in) or (out, in, 1, 1) become (h, w, in, out), (h, w, c, 1) and (in, out). Throws an `Error` that names what is missing
 * or of another shape.
 */
export function fromTorch(
  specs: readonly ParameterSpec[],
  torchName: (parameter: string) => string,
  stored: NamedArrays,
): NamedArrays {
  return new Map(
    specs.map(({name, shape}) => {
      const theirs = torchName(name);
      const found = stored.get(theirs);
      if (!found) throw new Error(`it has no "${theirs}"`);
      const [outputs = 1, inputs = 1, ...sides] =
        shape.length > 1 ? [...shape.slice(-2).reverse(), ...shape.slice(0, -2)] : shape;
      if (String(found.shape.filter(isMany)) !== String([outputs, inputs, ...sides].filter(isMany)))
        throw new Error(`"${theirs}" is [${found.shape.join(', ')}], not one for [${shape.join(', ')}]`);
      const data = outputsLast(found.data, outputs, inputs);
      return [name, {shape, data}] as const;
    }),
  );
}

/** Sides of 1 differ between layouts. */
const isMany = (side: number): boolean => side !== 1;

/**
 * (outputs, inputs, places) → (places, inputs, outputs). A depthwise filter, (c, 1, places), is (1, c, places) in memory as well.
 */
function outputsLast(kernel: Float32Array, outputs: number, inputs: number): Float32Array {
  const turned = new Float32Array(kernel.length);
  const places = kernel.length / (outputs * inputs);
  for (let output = 0, from = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      for (let place = 0; place < places; place++)
        turned[(place * inputs + input) * outputs + output] = kernel[from++]!;
  return turned;
}
