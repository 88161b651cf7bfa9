/**
 * The native engine: the node backend of tfjs over TensorFlow's C library, both loaded from the provisioned folders, with
 * no start-up text.
 */
import {createRequire} from 'node:module';
import {join} from 'node:path';
import type * as TF from '@tensorflow/tfjs';
import {Checker} from '../check/checker.ts';
import {interceptKernels} from '../check/intercept.ts';
import {openVerdicts} from '../check/verdicts.ts';
import type {EngineInfo, ResolvedEngine} from '../contract.ts';
import {loadBackend} from '../install/tfjs-node.ts';
import type {Binding} from './binding.ts';
import {registerFusedKernels} from './fused.ts';

/** Name of the compiled binding in the provisioned folder. */
export const BINDING_FILE = 'tfjs_binding.node';

export function loadTensorflow(tf: typeof TF, engine: ResolvedEngine): EngineInfo {
  if (engine.library === undefined) throw new Error('the tensorflow engine needs a library; run "pipeline setup"');
  const require = createRequire(import.meta.url);
  // Read by the library when it starts. What the environment says of threads does not count: two machines, or two shells, would
  // compute other numbers under one key.
  process.env['TF_NUM_INTRAOP_THREADS'] = String(engine.threads);
  process.env['TF_NUM_INTEROP_THREADS'] = String(engine.threads);
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  const binding = require(join(engine.library, BINDING_FILE)) as Binding;
  const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  const backend = loadBackend(tf, engine.library, binding);
  // Another engine over tfjs-node's backend may have taken this name, as that backend asks for it.
  if (tf.findBackendFactory('tensorflow')) tf.removeBackend('tensorflow');
  tf.registerBackend('tensorflow', () => backend);
  registerFusedKernels(tf, 'tensorflow');
  // A GPU's memory is one process's: there is none left for a second one that would try them.
  if (device === 'cpu' && !engine.unchecked) {
    const file = openVerdicts(binding.TF_Version);
    const checker = new Checker({engine, file});
    checker.prepare();
    interceptKernels(tf, 'tensorflow', checker);
  }
  return {
    name: 'tensorflow',
    version: binding.TF_Version,
    device,
    threads: engine.threads,
  };
}
