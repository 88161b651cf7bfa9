/** Where an engine's time goes, kernel by kernel: every kernel of the running backend is called through a stopwatch. */
import {performance} from 'node:perf_hooks';
import {tf} from './engine.ts';

export interface KernelTime {
  readonly kernel: string;
  readonly calls: number;
  /** Its own: without that of kernels that it calls itself. */
  readonly seconds: number;
}

export interface Profile {
  /** Since the last call, most expensive first. */
  take(): readonly KernelTime[];
  /** The kernels are called directly again. */
  stop(): void;
}

let profiles = 0;

/** Whether kernels are timed one by one. */
export const kernelsAreProfiled = (): boolean => profiles > 0;

/**
 * Times every kernel of the engine that runs. Kernels compute before they return on a CPU; on a GPU what is timed is the call, and
 * the wait is where values are read.
 */
export function profileKernels(): Profile {
  const backend = tf.getBackend();
  const times = new Map<string, {calls: number; seconds: number}>();
  const originals = tf.getKernelsForBackend(backend);
  /** Milliseconds spent in kernels that the kernel on this level has called. */
  const inner: number[] = [];
  profiles++;
  for (const original of originals) {
    const {kernelName, kernelFunc} = original;
    tf.unregisterKernel(kernelName, backend);
    tf.registerKernel({
      ...original,
      kernelFunc: (parameters) => {
        inner.push(0);
        const began = performance.now();
        try {
          return kernelFunc(parameters);
        } finally {
          const whole = performance.now() - began;
          const own = whole - inner.pop()!;
          if (inner.length > 0) inner[inner.length - 1]! += whole;
          const time = times.get(kernelName) ?? {calls: 0, seconds: 0};
          times.set(kernelName, {calls: time.calls + 1, seconds: time.seconds + own / 1000});
        }
      },
    });
  }
  return {
    take() {
      const taken = [...times].map(([kernel, time]) => ({kernel, ...time}));
      times.clear();
      return taken.sort((a, b) => b.seconds - a.seconds);
    },
    stop() {
      profiles--;
      for (const original of originals) {
        tf.unregisterKernel(original.kernelName, backend);
        tf.registerKernel(original);
      }
    },
  };
}
