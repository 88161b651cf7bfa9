/**
 * New images through what a run has learnt: the same stages that scored its test images, on a table of other ones. Nothing goes
 * into the cache.
 */
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Json} from '../../core/canonical.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {readFeatures} from '../../core/table/features.ts';
import {createImagesWriter, readImages} from '../../core/table/images.ts';
import {type Maps, readMaps} from '../../core/table/maps.ts';
import {readScores} from '../../core/table/small.ts';
import {windowsAlong} from '../../core/windows.ts';
import type {Task} from '../spec/spec.ts';
import {embed} from '../stages/embed.ts';
import {localize, mapsOf} from '../stages/localize.ts';
import type {LocalizeRecipe} from '../stages/recipes.ts';
import {createPlanned} from '../stages/shared.ts';
import type {InputRef, StageContext} from '../stages/stage.ts';
import {openWindows} from '../stages/window-features.ts';
import type {RunRecord, StageRecord} from '../store/record.ts';
import {dataOf, type FittedClassifier} from './find.ts';
import {openFitted} from './fitted.ts';
import {filesOf, type Shelf} from './shelf.ts';

/** What one classifier says of the images, and of the training images where each was held out. */
export interface Prediction {
  /** One an image, higher = more anomalous. */
  readonly scores: Float64Array;
  /** What the normal training images score: NaN where there is but one. */
  readonly training: Float64Array;
  readonly heat?: Heat;
}

/** A score for each pixel of the images. */
export interface Heat {
  readonly maps: Maps;
  /** The largest of each training image's map. */
  readonly training: Float64Array;
  /** What is usual: the median over the training images of the medians of their maps. */
  readonly usual: number;
}

export interface PredictOptions {
  readonly record: RunRecord;
  readonly task: Task;
  readonly shelf: Shelf;
  readonly plugins: Plugins;
  /** Table of the images to score, of the shape of the task's dataset. */
  readonly images: string;
  /** Empty folder for what is needed on the way. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  warn(message: string): void;
}

/** Needs a started engine. Throws `StageError`. */
export class Predictor {
  readonly #options: PredictOptions;
  /** Embeddings of the images, by the stage that embedded the test images. */
  readonly #embedded = new Map<string, Promise<string>>();

  constructor(options: PredictOptions) {
    this.#options = options;
  }

  predict({stage}: FittedClassifier): Promise<Prediction> {
    return stage.kind === 'localize' ? this.#localize(stage) : this.#score(stage);
  }

  /** Heat maps by GradCAM. */
  async explain(stage: StageRecord): Promise<Heat> {
    const {shelf, images, scratch} = this.#options;
    const weights = await shelf.file(stage.node.inputs['weights']!);
    const sources = await this.#sources(stage.node.inputs['weights']!);
    const run = async (name: string, table: string): Promise<string> => {
      const out = join(scratch, name);
      await localize(this.#context(stage, {weights, images: table}, out, sources));
      return join(out, 'maps.arrow');
    };
    const trained = await readMaps(await run('explained-training', await this.#trainingImages()));
    const area = trained.height * trained.width;
    const summary = summaryOf(
      Array.from({length: trained.count}, (_, i) => trained.data.subarray(i * area, (i + 1) * area)),
    );
    return {maps: await readMaps(await run('explained', images)), ...summary};
  }

  async #score(stage: StageRecord): Promise<Prediction> {
    const {shelf, plugins} = this.#options;
    const {scorer, heldOut} = await openFitted(stage, shelf, plugins);
    const {features} = await readFeatures(await this.#embed(stage.node.inputs['test']!));
    return {scores: scorer.score(features), training: heldOut()};
  }

  async #localize(stage: StageRecord): Promise<Prediction> {
    const {shelf, plugins, images, scratch, task} = this.#options;
    const {classifier: ref, version, windows} = stage.node.recipe as unknown as LocalizeRecipe;
    const classifier = createPlanned({plugins, sources: []}, 'classifier', ref, {[`classifier ${ref.type}`]: version});
    const train = await shelf.file(stage.node.inputs['train']!);
    const test = await this.#embed(stage.node.inputs['test']!);
    const out = join(scratch, stage.id);
    const context = this.#context(stage, {train, test, images}, out);
    await localize(context);
    const {shape} = plugins.create('dataset', task.dataset);
    const own = await openWindows(train, windowsAlong(shape.height, windows) * windowsAlong(shape.width, windows));
    const maps: Float32Array[] = [];
    for await (const [map] of mapsOf(context, classifier, shape, own, own)) maps.push(map);
    const heat = {maps: await readMaps(join(out, 'maps.arrow')), ...summaryOf(maps)};
    return {scores: (await readScores(join(out, 'scores.arrow'))).scores, training: heat.training, heat};
  }

  /** The features of the images, made as the stage made those of the test images. */
  #embed({stage}: InputRef): Promise<string> {
    const known = this.#embedded.get(stage) ?? this.#embedNow(stage);
    this.#embedded.set(stage, known);
    return known;
  }

  async #embedNow(id: string): Promise<string> {
    const {record, shelf, images, scratch} = this.#options;
    const stage = record.stages.find((one) => one.id === id)!;
    const learnt = stage.node.inputs['weights']!;
    const out = join(scratch, id);
    const inputs = {weights: await shelf.file(learnt), images};
    await embed(this.#context(stage, inputs, out, await this.#sources(learnt)));
    return join(out, 'features.arrow');
  }

  async #sources({stage}: InputRef): Promise<StageContext['sources']> {
    const {shelf, plugins, task} = this.#options;
    return filesOf(task.learner, plugins, await shelf.entry(stage));
  }

  /** Those of the normal class alone. */
  async #trainingImages(): Promise<string> {
    const {record, task, shelf, plugins, scratch} = this.#options;
    const from = await shelf.file({stage: dataOf(record, task).id, file: 'train.arrow'});
    const {shape, normalClass} = plugins.create('dataset', task.dataset);
    const normal = normalClass(task.inlier);
    const path = join(scratch, 'training.arrow');
    const writer = await createImagesWriter(path, {shape, classes: [normal]});
    for await (const batch of readImages(from, {class: normal}))
      await writer.write({...batch, classes: new Int32Array(batch.count)});
    await writer.close();
    return path;
  }

  #context(
    {kind, node}: StageRecord,
    inputs: {readonly [role: string]: string},
    out: string,
    sources: StageContext['sources'] = [],
  ): StageContext {
    const {plugins, signal, warn} = this.#options;
    mkdirSync(out, {recursive: true});
    const recipe: {readonly [key: string]: Json} = node.recipe;
    return {kind, recipe, inputs, sources, out, scratch: out, plugins, signal, warn, report: () => undefined};
  }
}

function summaryOf(maps: readonly Float32Array[]): Pick<Heat, 'training' | 'usual'> {
  const median = (values: Float32Array | Float64Array): number => values.toSorted()[Math.floor(values.length / 2)]!;
  return {
    training: Float64Array.from(maps, (map) => map.reduce((most, value) => Math.max(most, value), -Infinity)),
    usual: median(Float64Array.from(maps, median)),
  };
}
