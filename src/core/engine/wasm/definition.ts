import {createRequire} from 'node:module';
import type {EngineDefinition} from '../definition.ts';

/** tfjs's WebAssembly backend. Always available. */
export const wasm: EngineDefinition = {
  standsIn: 'computing on wasm, several times slower than TensorFlow',

  find: async () => ({}),

  async describe() {
    const {version} = createRequire(import.meta.url)('@tensorflow/tfjs-backend-wasm/package.json') as {version: string};
    const note = 'always available; several times slower than TensorFlow';
    return {available: true, version, device: 'cpu', missing: [], note};
  },

  async load(tf) {
    const {loadWasm} = await import('./wasm.ts');
    return await loadWasm(tf);
  },
};
