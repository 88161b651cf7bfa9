/** Makes a task's encoder and one of its classifiers one ONNX model, and checks that it computes what the run has computed. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {bytes} from '../../core/base/text.ts';
import type {Scorer} from '../../core/contracts/classifier.ts';
import type {ImageShape, NamedArrays} from '../../core/contracts/data.ts';
import {featuresInfo} from '../../core/formats/arrow/features.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {readScores} from '../../core/formats/arrow/small.ts';
import {type Described, GraphBuilder, type Value} from '../../core/formats/onnx/builder.ts';
import {startOnnx} from '../../core/formats/onnx/runtime.ts';
import {type Windows, windowsAlong} from '../../core/images/windows.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {isStage, recipeOf} from '../stages/define.ts';
import {localize} from '../stages/localize.ts';
import type {LocalizeRecipe} from '../stages/localize-recipe.ts';
import {score} from '../stages/score.ts';
import {createPlanned, StageError} from '../stages/shared.ts';
import type {RunRecord} from '../store/runs/record.ts';
import {cannot, openEncoder} from './encoder-graph.ts';
import {dataOf, type FittedClassifier, trainingImagesOf} from './find.ts';
import {featuresOfHighest, joinedGraph, meanOfHighest, smoothedGraph} from './place-graph.ts';
import type {RunArtifacts} from './run-artifacts.ts';
import {scoresByPlace, spreadGraph, windowsGraph} from './window-graph.ts';

const higher = 'Higher = more anomalous.';

/** Number of test images on which the model is checked. */
const tried = 64;
/** The same for a model that makes maps: fewer, because an image has hundreds of windows. */
const triedMaps = 8;
/** The largest difference permitted, as a part of the range of the run's values. */
const tolerance = 1e-4;

export interface ExportOptions {
  readonly record: RunRecord;
  readonly task: Task;
  readonly classifier: FittedClassifier;
  readonly artifacts: RunArtifacts;
  readonly plugins: Plugins;
}

export interface ModelGraph {
  /** Number of columns of `features`; undefined: the task scores windows, and the model gives `map` instead. */
  readonly columns?: number;
  /** The file's bytes. */
  finish(about: Described): Uint8Array;
}

/**
 * Input: `images` float32 (N, h, w, c) in [0, 1]. Outputs: `score` (N), higher = more anomalous; and `features` (N, d), or `map`
 * (N, h, w) if the task scores windows. `fitted`: the classifier's arrays. Throws a `StageError` if a part can't be written as ONNX.
 */
export async function buildModel(options: ExportOptions, fitted: NamedArrays): Promise<ModelGraph> {
  const {task, classifier, artifacts, plugins} = options;
  const {node} = classifier.stage;
  const shape = plugins.create('dataset', task.dataset).shape;
  const builder = new GraphBuilder();
  const {height, width, channels} = shape;
  const images = builder.input(
    'images',
    ['N', height, width, channels],
    'Images, height × width × channels, in [0, 1].',
  );
  const {columns} = await featuresInfo(await artifacts.file(node.inputs['train']!));
  const encoder = await openEncoder(options);
  const localizing = recipeOf(localize, node);
  if (!localizing) {
    const features = await encoder.graph(builder, colours(builder, images, channels), shape);
    builder.output('score', builder.toFloat(scoresOf(options, fitted)(builder, features)), ['N'], higher);
    builder.output('features', features, ['N', columns], `Layer "${encoder.layer}" of the encoder.`);
    return {columns, finish: (about) => builder.finish(about)};
  }
  const parts = {builder, images, shape, columns, encoder, localizing};
  const map = localizing.windows
    ? await windowsModel(options, fitted, {...parts, windows: localizing.windows})
    : await placesModel(options, fitted, parts);
  builder.output('map', map, ['N', height, width], `A score for every pixel. ${higher}`);
  return {finish: (about) => builder.finish(about)};
}

interface Parts {
  readonly builder: GraphBuilder;
  readonly images: Value;
  readonly shape: ImageShape;
  readonly columns: number;
  readonly encoder: Awaited<ReturnType<typeof openEncoder>>;
  readonly localizing: LocalizeRecipe;
}

/** Makes the output `score`; returns the map. */
async function windowsModel(
  options: ExportOptions,
  fitted: NamedArrays,
  {builder, images, shape, columns, encoder, localizing, windows}: Parts & {readonly windows: Windows},
): Promise<Value> {
  const cut = colours(builder, windowsGraph(builder, images, shape, windows), shape.channels);
  const features = await encoder.graph(builder, cut, {height: windows.patch, width: windows.patch});
  const places = windowsAlong(shape.height, windows) * windowsAlong(shape.width, windows);
  const scores = scoresOfPlaces(options, fitted, builder, features, {places, columns});
  const {sigma, blend = 'mean'} = localizing;
  const map = spreadGraph(builder, scores, shape, windows, {sigma, blend});
  // The same as in `localize`: the score of an image is its largest window, and in runs of earlier versions its largest pixel.
  const score = localizing.image_score ? builder.largest(builder.toFloat(scores), [1]) : builder.largest(map, [1, 2]);
  builder.output('score', score, ['N'], higher);
  return map;
}

async function placesModel(
  options: ExportOptions,
  fitted: NamedArrays,
  {builder, images, shape, encoder, localizing}: Parts,
): Promise<Value> {
  const {layers, ...joining} = encoder.places!;
  const maps = await encoder.maps(builder, colours(builder, images, shape.channels), shape, layers);
  const made = joinedGraph(builder, maps, {layers, ...joining});
  const places = made.height * made.width;
  const scores = scoresOfPlaces(options, fitted, builder, made.features, {places, columns: made.columns});
  const map = smoothedGraph(builder, scores, made, shape, localizing.sigma);
  builder.output('score', builder.toFloat(imageScores()), ['N'], higher);
  return map;

  function imageScores(): Value {
    const {image_score} = localizing;
    if (typeof image_score === 'object') return meanOfHighest(builder, scores, places, image_score.top);
    const largest = builder.largest(scores, [1]);
    if (localizing.per_location) return largest;
    const scorer = scorerOf(options, fitted);
    if (!scorer.imageWeights) return largest;
    if (!scorer.imageWeightsGraph) throw cannot(`classifier "${options.classifier.name}", which weighs images,`);
    const weights = scorer.imageWeightsGraph(builder, featuresOfHighest(builder, scores, made));
    return builder.node('Mul', [largest, weights]);
  }
}

/** Float64 (n, places). */
function scoresOfPlaces(
  options: ExportOptions,
  fitted: NamedArrays,
  builder: GraphBuilder,
  features: Value,
  {places, columns}: {readonly places: number; readonly columns: number},
): Value {
  refuseTooLarge(fitted, places);
  if (options.classifier.stage.node.recipe['per_location'])
    return scoresByPlace(builder, features, {places, columns}, (place, rows) =>
      scoresOf(options, ofPlace(fitted, place))(builder, rows),
    );
  const scores = builder.toDouble(scoresOf(options, fitted)(builder, features));
  return builder.node('Reshape', [scores, builder.integers(-1, places)]);
}

/** Throws a `StageError` for what no graph can do, before anything is computed. */
export function refuseExport({stage}: FittedClassifier): void {
  const recipe = recipeOf(localize, stage.node);
  if (recipe?.similar !== undefined)
    throw cannot('a model that compares an image with similar training images ("similar")');
  if (recipe?.foreground !== undefined) throw cannot('a model that leaves out the background ("foreground")');
}

/** The largest size of an ONNX file, which is one protobuf message. Numbers in it are float64. */
const mostBytes = 2 ** 31;

function refuseTooLarge(fitted: NamedArrays, places: number): void {
  const size = [...fitted.values()].reduce((sum, {data}) => sum + 8 * data.length, 0);
  if (size < mostBytes) return;
  throw new StageError(
    `classifiers of ${places} places have ${bytes(size)}, more than an ONNX file may have (${bytes(mostBytes)})`,
    'Take a larger stride, or density: shared.',
  );
}

const colours = (builder: GraphBuilder, images: Value, channels: 1 | 3): Value =>
  channels === 3 ? images : builder.node('Concat', [images, images, images], {axis: 3});

/** The arrays of one place, without the place in their names. */
const ofPlace = (fitted: NamedArrays, place: number): NamedArrays =>
  new Map(
    [...fitted].flatMap(([name, array]) =>
      name.startsWith(`${place}/`) ? [[name.slice(`${place}/`.length), array] as const] : [],
    ),
  );

function scorerOf({classifier: {stage}, plugins}: ExportOptions, fitted: NamedArrays): Scorer {
  const {classifier: ref, version} = (recipeOf(score, stage.node) ?? recipeOf(localize, stage.node))!;
  const versions = {[`classifier ${ref.type}`]: version};
  return createPlanned({plugins, sources: []}, 'classifier', ref, versions).restore(fitted);
}

/** The classifier with these arrays as nodes: features (n, d) → scores (n). */
function scoresOf(options: ExportOptions, fitted: NamedArrays) {
  const scorer = scorerOf(options, fitted);
  const {name} = options.classifier;
  return (builder: GraphBuilder, features: Value): Value => {
    if (!scorer.graph) throw cannot(`classifier "${name}"`);
    return scorer.graph(builder, features);
  };
}

/** The model's metadata: all that its scores depend on. */
export async function provenanceOf({
  record,
  task,
  classifier,
  artifacts,
}: ExportOptions): Promise<Described['metadata']> {
  const images = trainingImagesOf(record, task);
  const trained = await artifacts.entry(images.stage);
  const json = (value: unknown): string => canonicalJson(value as Json);
  return {
    run: record.id,
    task: task.id,
    dataset: json(task.dataset),
    training_images_sha256: trained.manifest.files[images.file]!.sha256,
    inlier: task.inlier,
    learner: json(task.learner),
    classifier: classifier.name,
    classifier_recipe: json(classifier.stage.node.recipe),
    seed: String(task.seed),
  };
}

export interface Trial {
  readonly images: number;
  /** The largest difference between a score or a map's value and the run's, as a part of the range of the run's values. */
  readonly difference: number;
}

/** Scores some of the run's own test images with the model. Throws a `StageError` if the result is not what the run has stored. */
export async function tryModel(
  model: Uint8Array,
  {record, task, classifier, artifacts}: ExportOptions,
): Promise<Trial> {
  const left = (file: string): Promise<string> => artifacts.file({stage: classifier.stage.id, file});
  const isMapped = isStage(localize, classifier.stage.node);
  const wanted = {
    score: (await readScores(await left('scores.arrow'))).scores,
    ...(isMapped && {map: (await readMaps(await left('maps.arrow'))).data}),
  };
  const runner = await startOnnx(model);
  try {
    const table = await artifacts.file({stage: dataOf(record, task).id, file: 'test.arrow'});
    for await (const {shape, count, pixels} of readImages(table, {batch: isMapped ? triedMaps : tried})) {
      const data = Float32Array.from(pixels, (value) => value / 255);
      const sizes = [count, shape.height, shape.width, shape.channels];
      let difference = 0;
      for (const [output, values] of Object.entries(wanted)) {
        const got = await runner.run({name: 'images', shape: sizes, data}, output);
        difference = Math.max(difference, differenceOf(got, values));
        if (!(difference <= tolerance))
          throw new StageError(
            `in ONNX Runtime the model's ${output}s differ from the run's by ${difference.toPrecision(2)} of their range; expected at most ${tolerance}`,
            'Nothing was written. Please report it.',
          );
      }
      return {images: count, difference};
    }
    throw new Error('the run has no test images');
  } finally {
    await runner.dispose();
  }
}

/** The largest difference, as a part of the range of `wanted`. */
function differenceOf(got: ArrayLike<number>, wanted: Float64Array | Float32Array): number {
  let [off, least, most] = [0, Infinity, -Infinity];
  for (const value of wanted) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  for (let i = 0; i < got.length; i++) off = Math.max(off, Math.abs(got[i]! - wanted[i]!));
  return off === 0 ? 0 : off / (most - least);
}
