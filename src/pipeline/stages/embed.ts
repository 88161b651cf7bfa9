/** Weights + images → `features.arrow`: one layer's output for each image, or for all its windows, streamed batch by batch. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {FloatImage, ImageSet, Matrix} from '../../core/contracts/data.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef, Encoder} from '../../core/contracts/learner.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {type FeatureChunk, type Grid, writeFeatures} from '../../core/formats/arrow/features.ts';
import {imagesInfo, readImages} from '../../core/formats/arrow/images.ts';
import {cutWindows, type Windows} from '../../core/images/windows.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {copiedImages} from '../config/spec.ts';
import {copyName, stageLabel} from '../plan/names.ts';
import {usedBy, versionsOf} from '../plan/used.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {imagesOf} from './hold-out.ts';
import {learn} from './learn.ts';
import {type Places, placeEmbedder} from './places.ts';
import {learnerParts, PlacesOfImages, PluginList, strict, WindowsOfImages} from './recipe.ts';
import {createPlanned, ItemProgress, inputOf, StageError} from './shared.ts';
import type {InputRef, Part, StageContext} from './stage.ts';

/** Number of images at a time. */
const batch = 256;

const EmbedRecipe = Type.Object(
  {
    ...learnerParts,
    layer: Type.String(),
    // If present: features of every window instead of the whole image, one row for each window, image by image, row by row.
    windows: Type.Optional(WindowsOfImages),
    // If present: features of the places of maps, in the same order; `layer` then only names them.
    places: Type.Optional(PlacesOfImages),
    most: Type.Optional(
      Type.Integer({
        description: 'About so many of them, and at least one of each class, in even distances; absent: all.',
        minimum: 1,
      }),
    ),
    normal: Type.Optional(
      Type.String({description: "Only this class's images (the training split); absent: all images."}),
    ),
    // If present: features of a seeded draw of the augmentation instead of the image. `versions` also has its transforms.
    view: Type.Optional(Type.Object({augment: PluginList, seed: Type.Integer(), draw: Type.Integer()}, strict)),
  },
  strict,
);
type EmbedRecipe = Static<typeof EmbedRecipe>;

export const embed = defineStage({
  kind: 'embed',
  lane: 'accelerator',
  inPrecision: true,
  recipe: EmbedRecipe,
  /** Other kinds ask for the features that they need; these only the report's map shows. */
  plan(context, graph): void {
    const {task, classifiers, defaultLayer} = context;
    if (task.glance) return;
    const layer = classifiers[0]?.layer ?? defaultLayer;
    for (const copy of task.mapCopies ?? []) embedding(context, graph, {layer, split: 'test', copy});
  },
  async run(context) {
    const {recipe} = context;
    const learner = createPlanned(context, 'learner', recipe.learner, recipe.versions);
    const {classes, counts} = await imagesInfo(inputOf(context, 'images'));
    const {normal, most} = recipe;
    const there = normal === undefined ? counts : [counts[classes.indexOf(normal)] ?? 0];
    const total = sum(there);
    if (total === 0) {
      const which = normal === undefined ? '' : ` of class "${normal}"`;
      throw new StageError(`there are no images${which} to embed`, 'Check the dataset, or raise its limit.');
    }
    const share = most === undefined || most >= total ? undefined : {most, total};
    const wanted = share ? sum(there.map((of) => taken(of, share))) : total;
    const encoder = learner.encoder(await readArrays(inputOf(context, 'weights')), context.plugins);
    try {
      const chunks = chunksOf(context, encoder, recipe, new ItemProgress(context, 'images', wanted), share);
      // The width of a row is known from the first chunk.
      const first = await chunks.next();
      if (first.done) throw new Error(`expected ${wanted} images, but got none`);
      const {columns} = first.value.features;
      const path = join(context.out, 'features.arrow');
      const {grid} = first.value;
      const rows = await writeFeatures(path, following(first.value, chunks), {columns, classNames: classes, grid});
      return {rows, columns};
    } finally {
      encoder.dispose();
    }
  },
});

export interface Embedding {
  readonly layer: string;
  readonly split: 'train' | Part;
  /** If present: features of all windows of the images. */
  readonly windows?: Windows | undefined;
  /** If present: features of the places of all images. */
  readonly places?: Places | undefined;
  /** If present: features of this draw (from 0) of the augmentation of the normal images. */
  readonly draw?: number;
  /** If present: features of some of the normal images under these transforms. */
  readonly copy?: CopyRef;
}

/** Adds the stage that computes features of a task's images: its normal training images, or all images of a part. */
export function embedding(
  context: TaskContext,
  graph: StageGraphBuilder,
  {layer, split, windows, places, draw, copy}: Embedding,
): InputRef {
  const {task, trains, normal, inlier, learner, learnerUses, learnerFiles} = context;
  const {glance} = task;
  const augment = copy ?? (draw === undefined ? undefined : task.augment);
  const most = glance?.images ?? (copy && copiedImages);
  const ofNormal = split === 'train' || augment !== undefined;
  const whose = trains || ofNormal || split === 'validation' ? task.inlier : inlier;
  const transforms = (augment ?? []).flatMap((ref) => usedBy(graph.plugins, 'transform', ref));
  const uses = [...learnerUses, ...transforms];
  const parts = windows ? 'windows of ' : places ? 'places of ' : '';
  const seen = copy ? `${copyName(copy)} of ` : draw === undefined ? parts : `view ${draw + 1} of `;
  const stage = graph.addStage(embed, context, {
    label: stageLabel(`embed ${seen}${split} ${task.learner.type}.${layer}`, whose, `seed ${task.seed}`),
    recipe: {
      learner,
      versions: versionsOf(uses),
      layer,
      ...(most === undefined ? {} : {most}),
      ...(ofNormal ? {normal} : {}),
      ...(augment ? {view: {augment, seed: task.seed, draw: draw ?? 0}} : {}),
      ...(windows ? {windows: {patch: windows.patch, stride: windows.stride}} : {}),
      ...(places ? {places} : {}),
    },
    inputs: {
      weights: {stage: graph.plan(learn, context), file: 'weights.arrow'},
      images: imagesOf(context, graph, split),
    },
    files: learnerFiles,
    uses,
  });
  return {stage, file: 'features.arrow'};
}

interface Chunk extends FeatureChunk {
  readonly grid?: Grid;
}

async function* chunksOf(
  context: StageContext,
  encoder: Encoder,
  {layer, normal, learner, view, windows, places}: EmbedRecipe,
  progress: ItemProgress,
  share: Share | undefined,
): AsyncGenerator<Chunk> {
  // With windows or places, one image at a time: it has thousands of them.
  const options = {
    batch: windows || places ? 1 : batch,
    ...(normal !== undefined && {class: normal}),
    ...(share && {keep: evenly(share)}),
  };
  const augmented = view && viewer(context, view);
  const ofPlaces = places && placeEmbedder(encoder, places);
  let done = 0;
  for await (const images of readImages(inputOf(context, 'images'), options)) {
    const first = done;
    done += images.count;
    if (ofPlaces) for await (const made of ofPlaces(images)) yield checked(made.features, images, made.grid);
    else {
      const seen = windows ? cutWindows(images, 0, windows) : images;
      yield checked(await encoder.embed(seen, layer, augmented && ((image, i) => augmented(image, first + i))), images);
    }
    await progress.add(images.count);
  }

  function checked(features: Matrix, images: ImageSet & {readonly classes: Int32Array}, grid?: Grid): Chunk {
    const bad = firstNonFinite(features.data);
    if (bad >= 0) {
      const row = Math.floor(bad / features.columns);
      const index = done - images.count + (Math.floor(row / (features.rows / images.count)) % images.count);
      const which = `${normal === undefined ? 'image' : `training image of class "${normal}"`} ${index}`;
      const {cause, hint} = reasonOf(context, learner);
      throw new StageError(
        `layer "${layer}" of the ${learner.type} learner gives ${features.data[bad]} for ${which}${cause}`,
        hint,
      );
    }
    const perImage = features.rows / images.count;
    const classes = Int32Array.from({length: features.rows}, (_, row) => images.classes[Math.floor(row / perImage)]!);
    return {features, classes, ...(grid && {grid})};
  }
}

/** Why features are not finite, and what to do: only what trains can have diverged. */
function reasonOf(
  {plugins, sources}: StageContext,
  {type}: PluginRef,
): {readonly cause: string; readonly hint: string} {
  if (plugins.get('learner', type).trains)
    return {cause: ', because its training has diverged', hint: "Lower the learner's learning rate."};
  const [file] = sources;
  return file
    ? {
        cause: `: nothing was trained here, so it is the network in ${file.path}`,
        hint: 'Check the file with another program, and that its network takes such images (options of the learner, as "size", "mean" and "std"); or use another of its layers.',
      }
    : {cause: ', whose weights are random', hint: 'Use another network or layer.'};
}

interface Share {
  readonly most: number;
  readonly total: number;
}

/** Which of `count` images of one class are embedded where at most `most` are. */
export const takenOf = (count: number, most: number): readonly number[] =>
  Array.from({length: count}, (_, at) => at).filter(
    (at) => count <= most || taken(at + 1, {most, total: count}) > taken(at, {most, total: count}),
  );

/** How many of the first `count` images of a class are taken. */
const taken = (count: number, {most, total}: Share): number => Math.ceil((count * most) / total);

/** Takes this share of each class, from its beginning to its end. */
function evenly(share: Share): (label: number) => boolean {
  const seen = new Map<number, number>();
  return (label) => {
    const before = seen.get(label) ?? 0;
    seen.set(label, before + 1);
    return taken(before + 1, share) > taken(before, share);
  };
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

/** Returns a function that augments an image. Its random numbers depend only on the seed, the draw's number and the image's index. */
function viewer({plugins}: StageContext, {augment, seed, draw}: NonNullable<EmbedRecipe['view']>) {
  const transforms = augment.map((ref) => plugins.create('transform', ref));
  const draws = new Rng(seed).fork('views').fork(draw);
  return (image: FloatImage, index: number): FloatImage => {
    const rng = draws.fork(index);
    return transforms.reduce((current, transform) => transform.apply(current, rng), image);
  };
}

async function* following<T>(first: T, rest: AsyncIterable<T>): AsyncIterable<T> {
  yield first;
  yield* rest;
}
