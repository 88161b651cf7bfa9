/** ONNX Runtime's own binding, which runs a model at once, where the package's face makes a promise of it. */
import {createRequire} from 'node:module';
import type {Tensor} from 'onnxruntime-node';

export interface Numbers {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface Session {
  /** Writes into the arrays of `fetches`; returns the shapes of what was made. `undefined`: made by the library, and dropped. */
  run(
    feeds: Readonly<Record<string, Numbers>>,
    fetches: Readonly<Record<string, Numbers | undefined>>,
  ): Readonly<Record<string, readonly number[]>>;
  dispose(): void;
}

interface Native {
  readonly binding: {
    readonly InferenceSession: new () => {
      loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
      run(
        feeds: Readonly<Record<string, Tensor>>,
        fetches: Readonly<Record<string, Tensor | null>>,
        options: object,
      ): Record<string, Tensor>;
      dispose(): void;
    };
  };
  initOrt(): void;
}

export function openSession(model: Uint8Array, threads: number): Session {
  const require = createRequire(import.meta.url);
  const {Tensor} = require('onnxruntime-node') as typeof import('onnxruntime-node');
  const {binding, initOrt} = require('onnxruntime-node/dist/binding.js') as Native;
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3, // only errors
    // More of it would put a transposition into the product after it, whose loops for that are slow.
    graphOptimizationLevel: 'basic',
    // A thread that waits for work must not take it from other processes.
    extra: {session: {intra_op: {allow_spinning: '0'}}},
  });
  const tensor = ({data, shape}: Numbers): Tensor => new Tensor('float32', data, [...shape]);
  return {
    run(feeds, fetches) {
      const given = Object.entries(feeds).map(([name, numbers]) => [name, tensor(numbers)] as const);
      const wanted = Object.entries(fetches).map(
        ([name, numbers]) => [name, numbers ? tensor(numbers) : null] as const,
      );
      const made = session.run(Object.fromEntries(given), Object.fromEntries(wanted), {});
      return Object.fromEntries(Object.entries(made).map(([name, {dims}]) => [name, dims]));
    },
    dispose: () => session.dispose(),
  };
}
