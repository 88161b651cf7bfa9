/**
 * Scores new images with what a run has learnt: the stages that scored its test images run on a table of the new ones. Nothing is
 * written into the cache.
 */
import {join} from 'node:path';
import type {NamedArrays} from '../../core/contracts/data.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {createImagesWriter, readImages} from '../../core/formats/arrow/images.ts';
import {type Maps, readMaps} from '../../core/formats/arrow/maps.ts';
import {readScores} from '../../core/formats/arrow/small.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {isStage} from '../stages/define.ts';
import type {HeatSummary} from '../stages/heat-maps.ts';
import {score} from '../stages/score.ts';
import type {InputRef} from '../stages/stage.ts';
import {trainingFile} from '../stages/training-scores.ts';
import type {RunRecord} from '../store/runs/record.ts';
import {dataOf, type FittedClassifier, trainingImagesOf} from './find.ts';
import type {ModelWorker} from './model-worker.ts';
import {filesOf, type RunArtifacts} from './run-artifacts.ts';

/** One classifier's scores of the images, and of the training images, each held out when it was scored. */
export interface Prediction {
  /** A score for each image; higher = more anomalous. */
  readonly scores: Float64Array;
  /** Held-out scores of the normal training images; NaN if there is only one. */
  readonly training: Float64Array;
  readonly heat?: Heat;
}

/** A score for each pixel of the images. */
export interface Heat {
  readonly maps: Maps;
  /** The largest value of each training image's map. */
  readonly training: Float64Array;
  /** The usual value of a pixel in training images. */
  readonly usual: number;
}

/** A run's task, the files of its models, and the worker that computes. */
export interface Model {
  readonly record: RunRecord;
  readonly task: Task;
  readonly plugins: Plugins;
  readonly artifacts: RunArtifacts;
  readonly worker: ModelWorker;
}

/** `images`: path of a table of images in the shape of the task's dataset. All methods throw `StageError`. */
export class Predictor {
  readonly #model: Model;
  readonly #images: string;
  /** Id of the stage that embedded the test images → path of the new images' embeddings. */
  readonly #embedded = new Map<string, Promise<string>>();
  /** One table for all classifiers. */
  #training: Promise<string> | undefined;

  constructor(model: Model, images: string) {
    this.#model = model;
    this.#images = images;
  }

  async predict({stage}: FittedClassifier): Promise<Prediction> {
    const {artifacts, worker} = this.#model;
    const test = await this.#embed(stage.node.inputs['test']!);
    const train = await artifacts.file(stage.node.inputs['train']!);
    if (isStage(score, stage.node)) {
      const classifier = await artifacts.file({stage: stage.id, file: 'classifier.arrow'});
      const {out} = await worker.run(stage, {train, test, classifier});
      return {scores: await scoresIn(out, 'scores.arrow'), training: await scoresIn(out, trainingFile)};
    }
    const {whole_train, whole_test} = stage.node.inputs as {
      readonly whole_train?: InputRef;
      readonly whole_test?: InputRef;
    };
    const inputs = {
      train,
      test,
      images: this.#images,
      ...(whole_train && {whole_train: await artifacts.file(whole_train)}),
      ...(whole_test && {whole_test: await this.#embed(whole_test)}),
    };
    const {out, summary} = await worker.run(stage, inputs);
    const heat = await heatIn(out, summary as unknown as HeatSummary);
    return {scores: await scoresIn(out, 'scores.arrow'), training: heat.training, heat};
  }

  /** Maps of an explanation of the scores. */
  async explain({stage}: FittedClassifier): Promise<Heat> {
    const {artifacts, worker} = this.#model;
    const {weights: learnt, classifier} = stage.node.inputs as {
      readonly weights: InputRef;
      readonly classifier?: InputRef;
    };
    const inputs = {
      weights: await artifacts.file(learnt),
      ...(classifier && {classifier: await artifacts.file(classifier)}),
      images: this.#images,
      training: await this.#trainingImages(),
    };
    const {out, summary} = await worker.run(stage, inputs, await this.#sources(learnt));
    return heatIn(out, summary as unknown as HeatSummary);
  }

  /** Path of the images' features, made by the stage that made the features of the test images. */
  #embed({stage}: InputRef): Promise<string> {
    const known = this.#embedded.get(stage) ?? this.#embedNow(stage);
    this.#embedded.set(stage, known);
    return known;
  }

  async #embedNow(id: string): Promise<string> {
    const {record, artifacts, worker} = this.#model;
    const stage = record.stages.find((one) => one.id === id)!;
    const learnt = stage.node.inputs['weights']!;
    const inputs = {weights: await artifacts.file(learnt), images: this.#images};
    const {out} = await worker.run(stage, inputs, await this.#sources(learnt));
    return join(out, 'features.arrow');
  }

  async #sources({stage}: InputRef) {
    const {artifacts, plugins, task} = this.#model;
    return filesOf(task.learner, plugins, await artifacts.entry(stage));
  }

  /** Path of a table of the training images of the normal class. */
  #trainingImages(): Promise<string> {
    this.#training ??= this.#writeTrainingImages();
    return this.#training;
  }

  async #writeTrainingImages(): Promise<string> {
    const {record, task, artifacts, plugins, worker} = this.#model;
    const from = await artifacts.file(trainingImagesOf(record, task));
    const {shape, normalClass} = plugins.create('dataset', task.dataset);
    const normal = normalClass(task.inlier);
    const path = join(worker.folder, 'training-images.arrow');
    const writer = await createImagesWriter(path, {shape, classes: [normal]});
    for await (const batch of readImages(from, {class: normal}))
      await writer.write({...batch, classes: new Int32Array(batch.count)});
    await writer.close();
    return path;
  }
}

/** A fitted classifier, and its scores of the training images, each held out when it was scored. */
export interface Fitted {
  /** What `Scorer.save` returned; for a `localize` stage, what its `restore` writes. */
  readonly arrays: NamedArrays;
  readonly training: Float64Array;
}

export async function fittedOf({stage}: FittedClassifier, {record, task, artifacts, worker}: Model): Promise<Fitted> {
  const train = await artifacts.file(stage.node.inputs['train']!);
  if (isStage(score, stage.node)) {
    const classifier = await artifacts.file({stage: stage.id, file: 'classifier.arrow'});
    const {out} = await worker.run(stage, {train, classifier});
    return {arrays: await readArrays(classifier), training: await scoresIn(out, trainingFile)};
  }
  const images = await artifacts.file({stage: dataOf(record, task).id, file: 'test.arrow'});
  const {out} = await worker.run(stage, {train, images});
  return {arrays: await readArrays(join(out, 'classifier.arrow')), training: await scoresIn(out, trainingFile)};
}

const scoresIn = async (folder: string, file: string): Promise<Float64Array> =>
  (await readScores(join(folder, file))).scores;

const heatIn = async (folder: string, {usual}: HeatSummary): Promise<Heat> => ({
  maps: await readMaps(join(folder, 'maps.arrow')),
  training: await scoresIn(folder, trainingFile),
  usual,
});
