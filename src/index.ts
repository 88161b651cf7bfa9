/** What a user's own plug-ins are made of: `import {defineTransform, Type} from 'one-class-pipeline'`. */

export type {Rng} from './core/base/random.ts';
export type {Classifier, Scorer} from './core/contracts/classifier.ts';
export {defineClassifier} from './core/contracts/classifier.ts';
export type {FloatImage, ImageSet, Matrix, NamedArrays} from './core/contracts/data.ts';
export type {Dataset, ImageBatch} from './core/contracts/dataset.ts';
export {defineDataset} from './core/contracts/dataset.ts';
export type {Encoder, Learner} from './core/contracts/learner.ts';
export {defineLearner} from './core/contracts/learner.ts';
export type {Metric} from './core/contracts/metric.ts';
export {defineMetric} from './core/contracts/metric.ts';
export type {Network} from './core/contracts/network.ts';
export {defineNetwork} from './core/contracts/network.ts';
export type {Transform} from './core/contracts/transform.ts';
export {defineTransform} from './core/contracts/transform.ts';
export type {GraphBuilder, Value} from './core/formats/onnx/builder.ts';
export type {Picture} from './core/images/picture.ts';
export {pluginOption} from './core/plugin/registry.ts';
export {Type} from './core/plugin/type.ts';
