import {createRequire} from 'node:module';
import type {EngineDefinition} from '../definition.ts';

/** A graphics card, through Dawn; what must be read at once runs on wasm. */
export const webgpu: EngineDefinition = {
  beside: 'wasm',
  readsLater: true,

  async find() {
    const {findAdapter} = await import('./webgpu.ts');
    await findAdapter();
    return {gpu: true};
  },

  async describe() {
    const {findAdapter} = await import('./webgpu.ts');
    const {version} = createRequire(import.meta.url)('@tensorflow/tfjs-backend-webgpu/package.json') as {
      version: string;
    };
    const known = {version, missing: []};
    try {
      const {name} = await findAdapter();
      return {...known, available: true, device: name, note: 'ready; "--engine webgpu" selects it'};
    } catch (error) {
      return {...known, available: false, device: 'no gpu', note: (error as Error).message};
    }
  },

  async load(tf) {
    const {loadWebgpu} = await import('./webgpu.ts');
    return await loadWebgpu(tf);
  },
};
