/** Learner plug-in + images of the normal class → `weights.arrow` and `curve.arrow`. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {ImageSet} from '../../core/contracts/data.ts';
import type {CopyRef, CurvePoint, TrainingRefinement} from '../../core/contracts/learner.ts';
import {inFloat32} from '../../core/engine/engine.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import {imagesInfo, readImageSet} from '../../core/formats/arrow/images.ts';
import {writeCurve} from '../../core/formats/arrow/small.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy, versionsOf} from '../plan/used.ts';
import {keepCheckpoint, openCheckpoints} from './checkpoints.ts';
import {data} from './data.ts';
import {defineStage, type TaskContext} from './define.ts';
import {imagesOf} from './hold-out.ts';
import {learnerParts, Plugin, PluginList, strict} from './recipe.ts';
import {rowsToRemove} from './refinement.ts';
import {createPlanned, inputOf, StageError} from './shared.ts';
import type {StageContext, StageNode} from './stage.ts';

const LearnRecipe = Type.Object(
  {
    ...learnerParts,
    augment: PluginList,
    distribution_augmentation: Type.Optional(
      Type.Unsafe<readonly CopyRef[]>(
        Type.Array(PluginList, {
          description:
            'Each makes a copy of the training images, whose images are separate instances; absent when there is none.',
        }),
      ),
    ),
    seed: Type.Integer(),
    refine: Type.Optional(
      Type.Object(
        {
          classifier: Plugin,
          layer: Type.String(),
          parts: Type.Integer(),
          ratio: Type.Number(),
          epochs: Type.Union([Type.Literal('paper'), Type.Array(Type.Integer())]),
        },
        {
          ...strict,
          description:
            'Who judges the images, and after how many epochs, which it then goes on without; absent: it has all images.',
        },
      ),
    ),
    until: Type.Optional(
      Type.Integer({description: 'Epochs after which the training ends early; absent: it does not.', minimum: 1}),
    ),
    normal: Type.Optional(
      Type.String({
        description:
          'The normal class; absent for a learner that does not train, whose weights depend on the seed alone.',
      }),
    ),
  },
  strict,
);
export type LearnRecipe = Static<typeof LearnRecipe>;

export const learn = defineStage({
  kind: 'learn',
  lane: 'accelerator',
  inPrecision: true,
  recipe: LearnRecipe,
  plan(context, graph): string {
    const {task, trains, normal, inlier, learner, learnerUses, learnerFiles} = context;
    // Weights of a learner that does not train depend only on the seed: neither class nor augmentation matters.
    const augment = trains ? task.augment : [];
    const copies = trains ? task.distributionAugmentation : [];
    const transforms = [...augment, ...copies.flat()].flatMap((ref) => usedBy(graph.plugins, 'transform', ref));
    const refine = trains ? refining(context) : undefined;
    const judges = refine ? usedBy(graph.plugins, 'classifier', refine.classifier) : [];
    const uses = [...learnerUses, ...transforms, ...judges];
    return graph.addStage(learn, context, {
      label: stageLabel(`learn ${task.learner.type}`, trains ? task.inlier : inlier, `seed ${task.seed}`),
      recipe: {
        learner,
        versions: versionsOf(uses),
        augment,
        ...(copies.length > 0 ? {distribution_augmentation: copies} : {}),
        seed: task.seed,
        ...(refine && {refine}),
        ...(trains && task.until !== undefined ? {until: task.until} : {}),
        ...(trains ? {normal} : {}),
      },
      inputs: {
        images: trains ? imagesOf(context, graph, 'train') : {stage: graph.plan(data, context), file: 'train.arrow'},
      },
      files: learnerFiles,
      uses,
    });
  },
  async run(context) {
    const {recipe} = context;
    const {plugins, signal, warn} = context;
    const learner = createPlanned(context, 'learner', recipe.learner, recipe.versions);
    const every = context.checkpointEvery;
    const opened = openCheckpoints(context.scratch, {every, warn});
    const checkpoints = {
      ...opened,
      async load() {
        const earlier = context.earlier === undefined ? undefined : openCheckpoints(context.earlier, {every, warn});
        const saved = (await opened.load()) ?? (await earlier?.load());
        if (saved) context.note(`goes on from its checkpoint${afterEpoch(saved.meta)}`);
        return saved;
      },
    };
    const images = await trainingImages(context, recipe.normal);
    const fitted = learner.fit({
      images,
      augment: recipe.augment,
      ...(recipe.distribution_augmentation && {distributionAugmentation: recipe.distribution_augmentation}),
      rng: learnerRng(recipe),
      ...(recipe.refine && {refinement: refinementOf(context, recipe.refine)}),
      ...(recipe.until !== undefined && {until: recipe.until}),
      signal,
      checkpoints,
      plugins,
      report: (progress) => context.report({of: 'training', ...progress}),
      warn,
    });
    const {weights, curve, removed} = await fitted.catch((error: unknown) => {
      if (signal.aborted)
        context.note(
          opened.latest
            ? `stopped; the next run goes on from its checkpoint${afterEpoch(opened.latest)}`
            : 'stopped before there was anything to keep; the next run begins it anew',
        );
      throw error;
    });
    signal.throwIfAborted();
    for (const [name, {data}] of weights) {
      if (firstNonFinite(data) < 0) continue;
      if (recipe.normal === undefined)
        throw new StageError(
          `the weights "${name}" of the ${recipe.learner.type} learner are not finite numbers: so they are in ${context.sources.map(({path}) => path).join(', ')}`,
          'Use another file.',
        );
      throw new StageError(
        `the ${recipe.learner.type} learner's training diverged: its weights "${name}" are not finite numbers`,
        'Lower its learning rate, or train with a larger batch.',
      );
    }
    await writeArrays(join(context.out, 'weights.arrow'), weights);
    if (removed) await writeRemovals(join(context.out, removalsFile), removed);
    await writeCurve(join(context.out, 'curve.arrow'), curve);
    if (recipe.until !== undefined) await keepCheckpoint(context.scratch, context.out);
    return summaryOf(curve);
  },
});

/** Epochs → numbers of the images that the training went on without from there. */
const removalsFile = 'removals.arrow';

function writeRemovals(path: string, removed: ReadonlyMap<number, Uint32Array>): Promise<void> {
  const asArray = (rows: Uint32Array) => ({shape: [rows.length], data: Float32Array.from(rows)});
  return writeArrays(path, new Map([...removed].map(([epoch, rows]) => [`epoch ${epoch}`, asArray(rows)])));
}

/** The recipe of refinement during training; undefined: there is none. */
function refining({task: {refine}, refining: by}: TaskContext): LearnRecipe['refine'] {
  if (!refine?.epochs || !by) return undefined;
  const {parts, ratio, epochs} = refine;
  return {
    classifier: refine.classifier,
    layer: by.layer,
    parts,
    ratio,
    epochs: epochs === 'paper' ? epochs : [...epochs],
  };
}

const paperEpochs = [1, 2, 5, 10, 20, 50, 100];

function refinementOf(
  context: StageContext<LearnRecipe>,
  {classifier: ref, layer, parts, ratio, epochs}: NonNullable<LearnRecipe['refine']>,
): TrainingRefinement {
  const classifier = createPlanned(context, 'classifier', ref, context.recipe.versions);
  const rng = new Rng(context.recipe.seed).fork('refine');
  return {
    layer,
    isDue: (epoch) =>
      epoch > 0 && (epochs === 'paper' ? paperEpochs.includes(epoch) || epoch % 500 === 0 : epochs.includes(epoch)),
    remove(features, epoch) {
      const removed = inFloat32(() => rowsToRemove(classifier, features, {parts, ratio}, rng.fork(epoch)));
      context.note(`goes on without ${removed.length} of ${features.rows} images after epoch ${epoch}`);
      return removed;
    },
  };
}

/** What trainings that differ only in their last epoch have in common. */
export function trainingKey({
  recipe: {until: _, ...recipe},
  inputs,
  precision,
}: Pick<StageNode, 'recipe' | 'inputs' | 'precision'>): string {
  return JSON.stringify([recipe, inputs, precision]);
}

/** Such as ` after epoch 3`; empty if the checkpoint has no curve. */
const afterEpoch = ({curve}: {readonly [key: string]: unknown}): string =>
  Array.isArray(curve) ? ` after epoch ${curve.length}` : '';

/** The source of all randomness in a training. */
export const learnerRng = ({seed}: Pick<LearnRecipe, 'seed'>): Rng => new Rng(seed).fork('learner');

async function trainingImages(context: StageContext, normal: string | undefined): Promise<ImageSet> {
  const path = inputOf(context, 'images');
  if (normal === undefined) {
    // The learner does not train, so it gets no images, only their shape.
    const {shape} = await imagesInfo(path);
    return {shape, count: 0, pixels: new Uint8Array()};
  }
  const images = await readImageSet(path, {class: normal});
  if (images.count === 0) {
    throw new StageError(
      `there are no training images of class "${normal}"`,
      'Check the dataset, or raise limit.train.',
    );
  }
  return images;
}

function summaryOf(curve: readonly CurvePoint[]) {
  const last = curve.at(-1);
  if (!last) return {epochs: 0};
  return {
    epochs: curve.length,
    loss: Number.isFinite(last.loss) ? last.loss : null,
    ...(last.accuracy !== undefined && {accuracy: last.accuracy}),
  };
}
