/** What a user's own plug-ins are made of: `import {defineTransform, Type} from 'pipeline'`. */

export type {Rng} from './core/base/random.ts';
export type {GraphBuilder, Value} from './core/formats/onnx/builder.ts';
export type {Picture} from './core/images/picture.ts';
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
