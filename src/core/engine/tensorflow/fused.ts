/** TensorFlow's fused kernels for what tfjs composes of many small ops. */
import type * as TF from '@tensorflow/tfjs';
import {RELU_GRAD, TRAIN_BATCH_NORM, TRAIN_BATCH_NORM_GRAD} from '../gradients.ts';
import type {Binding, NodeBackend, OpAttribute} from './binding.ts';

/** For an engine over tfjs-node's backend. */
export function registerFusedKernels(tf: typeof TF, backendName: string): void {
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
