import type {KernelCall} from './call.ts';

/**
 * Why a kernel is not used whatever a trial says; undefined: for no reason. One of TensorFlow 2.21's oneDNN writes outside its memory,
 * to places that depend on what was allocated before: a trial, with the C library's guards, saw it for 16 of 21 shapes on AVX-512.
 */
export function suspicionOf({kernel, attrs}: KernelCall): string | undefined {
  if (kernel !== 'Conv2DBackpropFilter') return undefined;
  const [height, width, channels] = attrs['filterShape'] as [number, number, number];
  const strided = [attrs['strides']].flat().some((stride) => stride !== 1);
  return height * width === 1 && strided && channels < 16
    ? 'writes outside its memory (uxlfoundation/oneDNN#6035)'
    : undefined;
}
