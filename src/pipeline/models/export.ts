/** Makes a task's encoder and one of its classifiers one ONNX model, and checks that it computes what the run has computed. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {bytes} from '../../core/base/text.ts';
import type {Scorer} from '../../core/contracts/classifier.ts';
import type {ImageShape, NamedArrays} from '../../core/contracts/data.ts';
import {featuresInfo} from '../../core/formats/arrow/features.ts';
import {readImages} from '../../core/formats/arrow/images.ts';
import {readMaps} from '../../core/formats/arrow/maps.ts';
import {readScores} from '../../core/formats/arrow/small.ts';
import type {Described, GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {RecordedGraph} from '../../core/formats/onnx/recorded.ts';
import {startOnnx} from '../../core/formats/onnx/runtime.ts';
import {NoSlopes} from '../../core/formats/onnx/slopes.ts';
import {type Windows, windowsAlong} from '../../core/images/windows.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {isStage, recipeOf} from '../stages/define.ts';
import {attributionOf, gradcam} from '../stages/gradcam.ts';
import {localize} from '../stages/localize.ts';
import type {LocalizeRecipe} from '../stages/localize-recipe.ts';
import {score} from '../stages/score.ts';
import {createPlanned, StageError} from '../stages/shared.ts';
import type {RunRecord} from '../store/runs/record.ts';
import {cannot, cannotExplain, openEncoder} from './encoder-graph.ts';
import {explanationsOf, type FittedClassifier, trainingImagesOf} from './find.ts';
import {featuresOfHighest, joinedGraph, meanOfHighest, smoothedGraph} from './place-graph.ts';
import {relevanceGraph, type ScoreOfGraph, shownGraph} from './relevance-graph.ts';
import type {RunArtifacts} from './run-artifacts.ts';
import {scoresByPlace, spreadGraph, windowsGraph} from './window-graph.ts';

const higher = 'Higher = more anomalous.';

/** Number of test images on which the model is checked. */
const tried = 64;
/** The same for a model that makes maps: fewer, and two at a time, because an image has hundreds of windows, or of steps. */
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
  /** Number of columns of the output `features`; absent: the task scores parts of images, and there is none. */
  readonly columns?: number;
  /** What the output `map` shows; absent: there is none. */
  readonly map?: 'scores' | 'explanation';
  /** The file's bytes. */
  finish(about: Described): Uint8Array;
}

/**
 * Input: `images` float32 (N, h, w, c) in [0, 1]. Outputs: `score` (N), higher = more anomalous; `features` (N, d), unless the task scores
 * windows or places; and `map` (N, h, w) if it localises. `fitted`: the classifier's arrays. Throws a `StageError` if a part can't be written as ONNX.
 */
export async function buildModel(options: ExportOptions, fitted: NamedArrays): Promise<ModelGraph> {
  const {task, classifier, artifacts, plugins} = options;
  const {node} = classifier.stage;
  const shape = plugins.create('dataset', task.dataset).shape;
  const builder = new RecordedGraph();
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
    const explanation = explanationOf(options);
    if (explanation) {
      const map = await explanationModel(options, fitted, explanation, {builder, images, shape, encoder});
      builder.output('map', map, ['N', height, width], 'What raises the score, for every pixel.');
    }
    refuseLargeFile(builder.size, false);
    return {columns, ...(explanation && {map: 'explanation'}), finish: (about) => builder.finish(about)};
  }
  const parts = {builder, images, shape, columns, encoder, localizing};
  const map = localizing.windows
    ? await windowsModel(options, fitted, {...parts, windows: localizing.windows})
    : await placesModel(options, fitted, parts);
  builder.output('map', map, ['N', height, width], `A score for every pixel. ${higher}`);
  refuseLargeFile(builder.size, localizing.per_location === true);
  return {map: 'scores', finish: (about) => builder.finish(about)};
}

interface Parts {
  readonly builder: RecordedGraph;
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

/** The stage that has made the maps of the classifier's score, or of the learner's own. */
const explanationOf = ({record, task, classifier}: ExportOptions): FittedClassifier | undefined =>
  explanationsOf(record, task, [classifier])[0];

async function explanationModel(
  options: ExportOptions,
  fitted: NamedArrays,
  {name, stage: {node}}: FittedClassifier,
  {builder, images, shape, encoder}: Pick<Parts, 'builder' | 'images' | 'shape' | 'encoder'>,
): Promise<Value> {
  const recipe = recipeOf(gradcam, node)!;
  const seen = colours(builder, images, shape.channels);
  const attribution = await attributionOf(recipe, () => options.artifacts.file(node.inputs['training']!));
  const last = attribution.by === 'gradcam' ? await encoder.lastMap(builder, seen, shape) : undefined;
  const score = recipe.scored ? await classifierScore() : ownScore();
  try {
    const relevance = await relevanceGraph(builder, seen, score, attribution, () => last!.value);
    return shownGraph(builder, relevance, last ?? shape, shape, recipe.pixels?.sigma);
  } catch (error) {
    if (!(error instanceof NoSlopes)) throw error;
    throw cannotExplain(`"localize" of type "${name}" (${error.message})`);
  }

  async function classifierScore(): Promise<ScoreOfGraph> {
    const {gradientGraph} = scorerOf(options, fitted);
    if (!gradientGraph) throw cannotExplain(`the slopes of classifier "${options.classifier.name}"`);
    return {
      features: (from) => encoder.graph(builder, from, shape),
      slopes: (features) => gradientGraph(builder, features),
    };
  }

  function ownScore(): ScoreOfGraph {
    const one = builder.constant(Float32Array.of(1));
    return {
      features: (from) => encoder.ownScore(builder, from),
      slopes: (own) => builder.node('Expand', [one, builder.node('Shape', [own])]),
    };
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
  if (options.classifier.stage.node.recipe['per_location']) {
    // Before they fill the memory. Numbers of most of them are float64 in the file.
    const least = [...fitted.values()].reduce((sum, {data}) => sum + 8 * data.length, builder.size);
    refuseLargeFile(least, true);
    return scoresByPlace(builder, features, {places, columns}, (place, rows) =>
      scoresOf(options, ofPlace(fitted, place))(builder, rows),
    );
  }
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

/** The largest size of an ONNX file, which is one protobuf message. */
const mostBytes = 2 ** 31;

/** `size`: of network and classifier. */
export function refuseLargeFile(size: number, perLocation: boolean): void {
  if (size < mostBytes) return;
  throw new StageError(
    `the model would have ${bytes(size)}, more than an ONNX file may have (${bytes(mostBytes)})`,
    perLocation
      ? 'Use "localize" with "density: shared", fewer channels or layers of places, or a larger stride of windows.'
      : 'Fit the classifier on fewer rows ("train_limit"; a smaller "coreset.share" of knn), or use a smaller network.',
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
export async function tryModel(model: Uint8Array, options: ExportOptions): Promise<Trial> {
  const {record, classifier, artifacts} = options;
  const left = ({stage}: FittedClassifier, file: string): Promise<string> => artifacts.file({stage: stage.id, file});
  const mapped = isStage(localize, classifier.stage.node) ? classifier : explanationOf(options);
  const wanted = {
    score: (await readScores(await left(classifier, 'scores.arrow'))).scores,
    ...(mapped && {map: (await readMaps(await left(mapped, 'maps.arrow'))).data}),
  };
  const [most, batch] = mapped ? [triedMaps, 2] : [tried, tried];
  const runner = await startOnnx(model);
  try {
    const tested = record.stages.find(({id}) => id === classifier.stage.node.inputs['test']!.stage)!;
    const got = new Map(Object.keys(wanted).map((output) => [output, [] as number[]]));
    let images = 0;
    for await (const {shape, count, pixels} of readImages(await artifacts.file(tested.node.inputs['images']!), {
      batch,
    })) {
      const data = Float32Array.from(pixels, (value) => value / 255);
      const input = {name: 'images', shape: [count, shape.height, shape.width, shape.channels], data};
      for (const [output, values] of got) for (const value of await runner.run(input, output)) values.push(value);
      images += count;
      if (images >= most) break;
    }
    let difference = 0;
    for (const [output, values] of Object.entries(wanted)) {
      difference = Math.max(difference, differenceOf(got.get(output)!, values));
      if (!(difference <= tolerance))
        throw new StageError(
          `in ONNX Runtime the model's ${output}s differ from the run's by ${difference.toPrecision(2)} of their range; expected at most ${tolerance}`,
          'Nothing was written. Please report it.',
        );
    }
    return {images, difference};
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
