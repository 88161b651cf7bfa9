/** A task's encoder and one of its classifiers as one ONNX model, and the proof that it computes what the run has computed. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {featuresInfo} from '../../core/formats/arrow/features.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readScores} from '../../core/formats/arrow/small.ts';
import {type Described, GraphBuilder, type Value} from '../../core/formats/onnx/builder.ts';
import {startOnnx} from '../../core/formats/onnx/runtime.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {recipeOf} from '../stages/define.ts';
import {embed} from '../stages/embed.ts';
import {score} from '../stages/score.ts';
import {createPlanned, StageError} from '../stages/shared.ts';
import type {RunRecord} from '../store/runs/record.ts';
import {dataOf, type FittedClassifier} from './find.ts';
import {filesOf, type RunArtifacts} from './run-artifacts.ts';

/** Images of the test split that the model is tried on. */
const tried = 64;
/** Of the range of the run's scores. */
const tolerance = 1e-4;

export interface ExportOptions {
  readonly record: RunRecord;
  readonly task: Task;
  readonly classifier: FittedClassifier;
  readonly artifacts: RunArtifacts;
  readonly plugins: Plugins;
}

export interface ModelGraph {
  /** Columns of its features. */
  readonly columns: number;
  /** The file's bytes. */
  finish(about: Described): Uint8Array;
}

/**
 * Inputs: `images` float32 (N, h, w, c) in [0, 1]. Outputs: `score` (N), higher = more anomalous; `features` (N, d). Throws a
 * `StageError` for what can't be written as ONNX.
 */
export async function buildModel({record, task, classifier, artifacts, plugins}: ExportOptions): Promise<ModelGraph> {
  const {name, stage} = classifier;
  const scoring = recipeOf(score, stage.node);
  if (!scoring)
    throw new StageError(
      `task ${task.id} scores windows of images, which cannot be exported`,
      'Export a task without "localize", or use "pipeline predict" with this one: it scores images and draws heat maps.',
    );
  const {node} = record.stages.find(({id}) => id === stage.node.inputs['test']!.stage)!;
  const {learner: ref, versions, layer} = recipeOf(embed, node)!;
  const learnt = node.inputs['weights']!;
  const sources = await filesOf(task.learner, plugins, await artifacts.entry(learnt.stage));
  const learner = createPlanned({plugins, sources}, 'learner', ref, versions);
  if (!learner.graph) throw cannot(`learner "${ref.type}"`);
  const weights = await readArrays(await artifacts.file(learnt));
  const {classifier: chosen, version} = scoring;
  const fitting = createPlanned({plugins, sources: []}, 'classifier', chosen, {[`classifier ${chosen.type}`]: version});
  const scorer = fitting.restore(await readArrays(await artifacts.file({stage: stage.id, file: 'classifier.arrow'})));
  if (!scorer.graph) throw cannot(`classifier "${name}"`);

  const {height, width, channels} = plugins.create('dataset', task.dataset).shape;
  const builder = new GraphBuilder();
  const images = builder.input(
    'images',
    ['N', height, width, channels],
    'Images, height × width × channels, in [0, 1].',
  );
  const colours = channels === 3 ? images : builder.node('Concat', [images, images, images], {axis: 3});
  const features: Value | undefined = learner.graph(builder, colours, layer, weights, plugins);
  if (!features) throw cannot(`the network of learner "${ref.type}"`);
  const output = builder.toFloat(scorer.graph(builder, features));
  const {columns} = await featuresInfo(await artifacts.file(stage.node.inputs['train']!));
  builder.output('score', output, ['N'], 'Higher = more anomalous.');
  builder.output('features', features, ['N', columns], `Layer "${layer}" of the encoder.`);
  return {columns, finish: (about) => builder.finish(about)};
}

const cannot = (what: string): StageError =>
  new StageError(
    `${what} cannot be written as ONNX`,
    'Only plug-ins with a "graph" of ONNX nodes can be exported; "pipeline predict" scores images with any model.',
  );

/** What the model is of, for its metadata: all that its scores depend on. */
export async function provenanceOf({
  record,
  task,
  classifier,
  artifacts,
}: ExportOptions): Promise<Described['metadata']> {
  const data = await artifacts.entry(dataOf(record, task).id);
  const json = (value: unknown): string => canonicalJson(value as Json);
  return {
    run: record.id,
    task: task.id,
    dataset: json(task.dataset),
    training_images_sha256: data.manifest.files['train.arrow']!.sha256,
    inlier: task.inlier,
    learner: json(task.learner),
    classifier: classifier.name,
    classifier_recipe: json(classifier.stage.node.recipe),
    seed: String(task.seed),
  };
}

export interface Trial {
  readonly images: number;
  /** The largest difference, as a part of the range of the run's scores. */
  readonly difference: number;
}

/** Scores some of the run's own test images by the model. Throws a `StageError` where they are not what the run has stored. */
export async function tryModel(
  model: Uint8Array,
  {record, task, classifier, artifacts}: ExportOptions,
): Promise<Trial> {
  const {scores} = await readScores(await artifacts.file({stage: classifier.stage.id, file: 'scores.arrow'}));
  const sorted = scores.toSorted();
  const range = sorted.at(-1)! - sorted[0]!;
  const runner = await startOnnx(model);
  try {
    const table = await artifacts.file({stage: dataOf(record, task).id, file: 'test.arrow'});
    for await (const {shape, count, pixels} of readImages(table, {batch: tried})) {
      const data = Float32Array.from(pixels, (value) => value / 255);
      const sizes = [count, shape.height, shape.width, shape.channels];
      const got = await runner.run({name: 'images', shape: sizes, data}, 'score');
      const off = got.reduce((most, score, i) => Math.max(most, Math.abs(score - scores[i]!)), 0);
      const difference = off === 0 ? 0 : off / range;
      if (difference <= tolerance) return {images: count, difference};
      throw new StageError(
        `in ONNX Runtime the model's scores differ from the run's by ${difference.toPrecision(2)} of their range; expected at most ${tolerance}`,
        'Nothing was written. Please report it.',
      );
    }
    throw new Error('the run has no test images');
  } finally {
    await runner.dispose();
  }
}
