/** Which engine computes in which precision. Loads no engine. */
import type {Precision, ResolvedEngine} from './contract.ts';
import {engineNamed} from './engines.ts';

/** Why this engine cannot compute in `precision`, and what to do; undefined: it can. */
export function whyNotIn(
  precision: Precision,
  {name, gpu}: Pick<ResolvedEngine, 'name' | 'gpu'>,
): {readonly message: string; readonly hint: string} | undefined {
  const others = engineNamed(name)?.precisions?.({...(gpu && {gpu})}) ?? [];
  if (precision === 'float32' || others.includes(precision)) return undefined;
  const there = ['float32', ...others].join(' and ');
  return {
    message: `"precision" asks for ${precision}, but the engine ${name} computes in ${there}${others.length > 0 ? ' on this machine' : ''}`,
    hint:
      others.length > 0
        ? 'tf32 needs an NVIDIA GPU. Choose another precision.'
        : 'Use --engine torch ("pipeline setup --engine torch" sets it up), or remove "precision".',
  };
}
