/** What a user's own plug-ins are made of: `import {defineTransform, Type} from 'pipeline'`. */

export type {Picture} from './core/images.ts';
export type {
  Classifier,
  Dataset,
  Encoder,
  FloatImage,
  ImageBatch,
  ImageSet,
  Learner,
  Matrix,
  Metric,
  NamedArrays,
  Network,
  Scorer,
  Transform,
} from './core/plugin/contracts.ts';
export {
  defineClassifier,
  defineDataset,
  defineLearner,
  defineMetric,
  defineNetwork,
  defineTransform,
} from './core/plugin/define.ts';
export {pluginOption} from './core/plugin/registry.ts';
export {Type} from './core/plugin/type.ts';
export type {Rng} from './core/random.ts';
export type {GraphBuilder, Value} from './core/tensor/onnx-builder.ts';
