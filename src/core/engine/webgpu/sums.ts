/** Sums on WebGPU, in an order that depends only on the shapes: equal inputs give equal bits. */
import type * as TF from '@tensorflow/tfjs';
import {componentsOf, groupIndex, runShader, type Shader, sizeOf, spreadGroups, type WebgpuBackend} from './program.ts';

const threads = 256;

/** One launch over `count` elements: the code's function `element(index: u32)` is called for each. */
export function elementwise(
  backend: WebgpuBackend,
  shader: Omit<Shader, 'threads' | 'code'> & {readonly element: string},
  inputs: readonly TF.TensorInfo[],
  shape: readonly number[],
  uniforms: readonly number[] = [],
): TF.TensorInfo {
  const count = sizeOf(shape) / shader.output;
  const code = () => `
fn main() {
  let index = ${groupIndex} * ${threads}u + localIndex;
  if (index < u32(uniforms.count)) { ${shader.element} }
}`;
  return runShader(
    backend,
    {...shader, threads, uniforms: ['count', ...shader.uniforms], code},
    inputs,
    shape,
    spreadGroups(Math.ceil(count / threads)),
    [count, ...uniforms],
  );
}

/** (parts, …) → (…): the sum over the first axis. Takes the tensor: its memory is freed or becomes the result's. */
export function sumParts(backend: WebgpuBackend, {dataId, shape, dtype}: TF.TensorInfo): TF.TensorInfo {
  const [parts, ...rest] = shape as [number, ...number[]];
  if (parts === 1) return {dataId, dtype, shape: rest};
  const components = componentsOf(sizeOf(rest));
  const sum = elementwise(
    backend,
    {
      key: `sumParts ${components}`,
      inputs: {x: components},
      output: components,
      uniforms: ['parts'],
      element: `
    var sum = x[index];
    for (var part = 1u; part < u32(uniforms.parts); part++) { sum += x[part * u32(uniforms.count) + index]; }
    result[index] = sum;`,
    },
    [{dataId, dtype, shape}],
    rest,
    [parts],
  );
  backend.disposeData(dataId);
  return sum;
}
