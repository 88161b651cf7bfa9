/**
 * What a user's own plug-ins are made of, and the built-in ones as well: `import {defineTransform, Type} from 'one-class-pipeline'`.
 * Loads no tfjs: `tf` is there once a stage runs, not yet when a module is loaded.
 */

export type {Rng} from './core/base/random.ts';
export {fail, type Result, succeed} from './core/base/result.ts';
export type {Classifier, ClassifierDefinition, Scorer} from './core/contracts/classifier.ts';
export {defineClassifier} from './core/contracts/classifier.ts';
export type {FloatImage, ImageSet, ImageShape, Matrix, NamedArrays} from './core/contracts/data.ts';
export type {
  DataRoots,
  Dataset,
  DatasetDefinition,
  DatasetProblem,
  ImageBatch,
  SourceFile,
  Split,
} from './core/contracts/dataset.ts';
export {defineDataset} from './core/contracts/dataset.ts';
export type {PluginRef} from './core/contracts/definition.ts';
export type {
  Attribution,
  Checkpoints,
  CopyRef,
  CurvePoint,
  Encoder,
  Explained,
  FitContext,
  FitResult,
  Learner,
  LearnerDefinition,
  LearnProgress,
  PluginFactory,
  PretextContext,
  Work,
} from './core/contracts/learner.ts';
export {defineLearner} from './core/contracts/learner.ts';
export type {
  AgreementMetric,
  AgreementMetricDefinition,
  FeatureMetric,
  FeatureMetricDefinition,
  FeatureSample,
  LearnerMetric,
  LearnerMetricDefinition,
  Metric,
  MetricDefinition,
  PixelMetric,
  PixelMetricDefinition,
  PixelSample,
  PretextSample,
  RefinementMetric,
  RefinementMetricDefinition,
  RefinementSample,
} from './core/contracts/metric.ts';
export {
  defineAgreementMetric,
  defineFeatureMetric,
  defineLearnerMetric,
  defineMetric,
  definePixelMetric,
  defineRefinementMetric,
} from './core/contracts/metric.ts';
export type {Level, Network, NetworkDefinition} from './core/contracts/network.ts';
export {defineNetwork} from './core/contracts/network.ts';
export type {Transform, TransformDefinition} from './core/contracts/transform.ts';
export {defineTransform} from './core/contracts/transform.ts';
export {type Tensor, type Tensor2D, type Tensor4D, tf} from './core/engine/running.ts';
export type {GraphBuilder, Value} from './core/formats/onnx/builder.ts';
export {decodeImage} from './core/images/codec.ts';
export {type Interpolation, type Picture, resized} from './core/images/picture.ts';
export type {Step} from './core/images/preparation.ts';
export {
  batchNorm,
  batchNormParameters,
  conv,
  convMacs,
  convParameters,
  dense,
  denseParameters,
  depthwise,
  depthwiseParameters,
  globalAveragePool,
  maxPool,
  type ParameterSpec,
  swish,
  type Weights,
} from './core/nn/layers.ts';
export {
  batchNormGraph,
  convGraph,
  denseGraph,
  depthwiseGraph,
  globalAveragePoolGraph,
  maxPoolGraph,
  reluGraph,
  swishGraph,
} from './core/nn/layers-graph.ts';
export {pathOption, pluginOption} from './core/plugin/registry.ts';
export {type Static, Type} from './core/plugin/type.ts';
export {bandwidthOptions, layerOption, trainLimitOption} from './domain/classifiers/features.ts';
export {DatasetError} from './domain/datasets/dataset-error.ts';
export {oneVersusRest} from './domain/datasets/one-class.ts';
export {imagesIn, type LabelledFile, readImageFiles} from './domain/datasets/readers/image-files.ts';
export {classifyViews, inference, type Normalising, ownScoreOfViews} from './domain/learners/classify-views.ts';
export {cropPatch, patchOption, trainingSide} from './domain/learners/crop-patch.ts';
export {openEncoder, ownLayers, poolAndEmbed} from './domain/learners/encoder.ts';
export {EncoderGraph, plainLayer} from './domain/learners/encoder-graph.ts';
export {type Parts, partsOf} from './domain/learners/explain.ts';
export type {Layer} from './domain/learners/layer.ts';
export {cutPasteAugmentation, paperAugmentation} from './domain/learners/training/augmentation.ts';
export {classification, infoNce} from './domain/learners/training/losses.ts';
export {type OptimizerOptions, optimizerOption} from './domain/learners/training/optimizer.ts';
export type {Phase, StepResult, Training} from './domain/learners/training/phases.ts';
export {measurePretext} from './domain/learners/training/pretext.ts';
export {imagenet, startFiles, startOption, startWeights} from './domain/learners/training/start.ts';
export {train} from './domain/learners/training/train.ts';
export {workOf} from './domain/learners/training/work.ts';
export {turned, turnedGraph} from './domain/learners/turns.ts';
export {embed, embedGraph, headMacs, headOption, headParameters, logits, logitsGraph} from './domain/networks/head.ts';
export {
  cropResize,
  flipHorizontal,
  flipVertical,
  quarterTurn,
  translate,
  type Window,
} from './domain/transforms/geometry.ts';
