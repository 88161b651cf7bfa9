/**
 * The native engine: the node backend of tfjs over TensorFlow's C library, both loaded from the provisioned folders, with
 * no start-up text; and TensorFlow's fused kernels for what tfjs composes of many small ops.
 */
import {createRequire} from 'node:module';
import {join} from 'node:path';
import type * as TF from '@tensorflow/tfjs';
import {Checker} from '../check/checker.ts';
import {interceptKernels} from '../check/intercept.ts';
import {openVerdicts} from '../check/verdicts.ts';
import type {EngineInfo, ResolvedEngine} from '../contract.ts';
import {RELU_GRAD, TRAIN_BATCH_NORM, TRAIN_BATCH_NORM_GRAD} from '../gradients.ts';
import {loadBackend} from '../install/tfjs-node.ts';
import type {Binding, NodeBackend, OpAttribute} from './binding.ts';

/** Name of the compiled binding in the provisioned folder. */
export const BINDING_FILE = 'tfjs_binding.node';

export function loadTensorflow(tf: typeof TF, engine: ResolvedEngine): EngineInfo {
  if (engine.library === undefined) throw new Error('the tensorflow engine needs a library; run "pipeline setup"');
  const require = createRequire(import.meta.url);
  restoreRemovedUtilities(require);
  // Read by the library when it starts. What the environment says of threads does not count: two machines, or two shells, would
  // compute other numbers under one key.
  process.env['TF_NUM_INTRAOP_THREADS'] = String(engine.threads);
  process.env['TF_NUM_INTEROP_THREADS'] = String(engine.threads);
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  const binding = require(join(engine.library, BINDING_FILE)) as Binding;
  const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  const backend = loadBackend(tf, engine.library, binding);
  tf.registerBackend('tensorflow', () => backend);
  registerFusedKernels(tf);
  // A GPU's memory is one process's: there is none left for a second one that would try them.
  if (device === 'cpu' && !engine.unchecked) {
    const file = openVerdicts(binding.TF_Version);
    interceptKernels(tf, 'tensorflow', new Checker({engine, file}));
  }
  return {
    name: 'tensorflow',
    version: binding.TF_Version,
    device,
    threads: engine.threads,
  };
}

/** tfjs-node calls two functions of node:util that Node 23 removed; before that it warned of them. */
function restoreRemovedUtilities(require: NodeJS.Require): void {
  const util = require('node:util') as {isNullOrUndefined?: unknown; isArray?: unknown};
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  util.isArray = Array.isArray;
}

function registerFusedKernels(tf: typeof TF): void {
  const backendName = 'tensorflow';
  const register = (
    kernelName: string,
    run: (backend: NodeBackend, inputs: Inputs, attrs: Attrs) => TF.Tensor | TF.Tensor[],
  ) =>
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({inputs, backend, attrs}) =>
        run(backend as NodeBackend, inputs as unknown as Inputs, (attrs ?? {}) as Attrs),
    });

  register(TRAIN_BATCH_NORM, (backend, {x, gamma, beta, mean, variance}, {epsilon, momentum}) => {
    const attributes = [
      ...normAttributes(backend.binding, epsilon),
      floatAttribute(backend.binding, 'exponential_avg_factor', 1 - momentum!),
    ];
    return backend.executeMultipleOutputs('FusedBatchNormV3', attributes, [x!, gamma!, beta!, mean!, variance!], 6);
  });
  register(TRAIN_BATCH_NORM_GRAD, (backend, {dy, x, gamma, a, b, c}, {epsilon}) => {
    const inputs = [dy!, x!, gamma!, a!, b!, c!];
    const all = backend.executeMultipleOutputs(
      'FusedBatchNormGradV3',
      normAttributes(backend.binding, epsilon),
      inputs,
      5,
    );
    tf.dispose(all.slice(3)); // two empty placeholders
    return all.slice(0, 3);
  });
  register(RELU_GRAD, (backend, {dy, y}) =>
    backend.executeSingleOutput(RELU_GRAD, [typeAttribute(backend.binding, 'T')], [dy!, y!]),
  );
}

type Inputs = Readonly<Record<string, TF.Tensor>>;
type Attrs = {readonly epsilon: number; readonly momentum?: number};

function normAttributes(binding: Binding, epsilon: number): OpAttribute[] {
  return [
    typeAttribute(binding, 'T'),
    typeAttribute(binding, 'U'),
    floatAttribute(binding, 'epsilon', epsilon),
    {name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC'},
    {name: 'is_training', type: binding.TF_ATTR_BOOL, value: true},
  ];
}

function typeAttribute(binding: Binding, name: string): OpAttribute {
  return {name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT};
}

function floatAttribute(binding: Binding, name: string, value: number): OpAttribute {
  return {name, type: binding.TF_ATTR_FLOAT, value};
}
