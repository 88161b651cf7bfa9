/**
 * New images through what a run has learnt: the same stages that scored its test images, on a table of other ones. Nothing goes
 * into the cache.
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
import type {RunRecord, StageRecord} from '../store/runs/record.ts';
import {dataOf, type FittedClassifier} from './find.ts';
import type {ModelWorker} from './model-worker.ts';
import {filesOf, type RunArtifacts} from './run-artifacts.ts';

/** What one classifier says of the images, and of the training images where each was held out. */
export interface Prediction {
  /** One an image, higher = more anomalous. */
  readonly scores: Float64Array;
  /** Of the normal training images; NaN of a single one. */
  readonly training: Float64Array;
  readonly heat?: Heat;
}

/** A score for each pixel of the images. */
export interface Heat {
  readonly maps: Maps;
  /** The largest of each training image's map. */
  readonly training: Float64Array;
  /** What is usual of pixels of training images. */
  readonly usual: number;
}

/** A run's task, and where its models come from and compute. */
export interface Model {
  readonly record: RunRecord;
  readonly task: Task;
  readonly plugins: Plugins;
  readonly artifacts: RunArtifacts;
  readonly worker: ModelWorker;
}

/** `images`: table of the images, of the shape of the task's dataset. All its methods throw `StageError`. */
export class Predictor {
  readonly #model: Model;
  readonly #images: string;
  /** Embeddings of the images, by the stage that embedded the test images. */
  readonly #embedded = new Map<string, Promise<string>>();

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
    const {out, summary} = await worker.run(stage, {train, test, images: this.#images});
    const heat = await heatIn(out, summary as unknown as HeatSummary);
    return {scores: await scoresIn(out, 'scores.arrow'), training: heat.training, heat};
  }

  async gradcam(stage: StageRecord): Promise<Heat> {
    const {artifacts, worker} = this.#model;
    const learnt = stage.node.inputs['weights']!;
    const inputs = {
      weights: await artifacts.file(learnt),
      images: this.#images,
      training: await this.#trainingImages(),
    };
    const {out, summary} = await worker.run(stage, inputs, await this.#sources(learnt));
    return heatIn(out, summary as unknown as HeatSummary);
  }

  /** The features of the images, made as the stage made those of the test images. */
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

  /** Those of the normal class alone. */
  async #trainingImages(): Promise<string> {
    const {record, task, artifacts, plugins, worker} = this.#model;
    const from = await artifacts.file({stage: dataOf(record, task).id, file: 'train.arrow'});
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

/** A classifier as it was fitted, and what the training images score by it, each held out. */
export interface Fitted {
  /** What `Scorer.save` gave; of a `localize` stage whatever its `restore` leaves. */
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
