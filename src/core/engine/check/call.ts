/** What a kernel is asked for, as plain data: its name, the shapes of its inputs, its attributes. */
import type {NamedTensorInfoMap} from '@tensorflow/tfjs';
import type {Json} from '../../base/canonical.ts';

export interface KernelCall {
  /** As tfjs calls it, such as `Conv2DBackpropInput`. */
  readonly kernel: string;
  readonly shapes: {readonly [input: string]: readonly number[]};
  readonly attrs: {readonly [name: string]: Json};
}

/** One text for all calls that the library computes by the same code. Made at every call of a kernel: it must be cheap. */
export function keyOf(kernel: string, inputs: NamedTensorInfoMap, attrs: unknown): string {
  let key = kernel;
  for (const name in inputs) key += ` ${name}[${inputs[name]!.shape}]`;
  return `${key} ${JSON.stringify(attrs)}`;
}

export function callOf(kernel: string, inputs: NamedTensorInfoMap, attrs: unknown): KernelCall {
  return {
    kernel,
    shapes: Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, [...info!.shape]])),
    attrs: JSON.parse(JSON.stringify(attrs ?? {})) as KernelCall['attrs'],
  };
}

/** `x 16×32×32×80 · filter 1×1×80×24 · stride 1`, for people. */
export function describeCall({shapes, attrs}: KernelCall): string {
  const sides = (shape: readonly number[]) => shape.join('×');
  const parts = Object.entries(shapes)
    .filter(([name, shape]) => shape.length > 1 || name === 'x')
    .map(([name, shape]) => `${name} ${sides(shape)}`);
  for (const name of ['inputShape', 'filterShape', 'filterSize'] as const)
    if (Array.isArray(attrs[name])) parts.push(`${name.slice(0, -5)} ${sides(attrs[name] as number[])}`);
  const {strides} = attrs;
  if (strides !== undefined) parts.push(`stride ${Array.isArray(strides) ? strides[0] : strides}`);
  for (const name of ['transposeA', 'transposeB']) if (attrs[name] === true) parts.push(name);
  return parts.join(' · ');
}
