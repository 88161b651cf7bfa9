/**
 * Training images → `train.arrow` without those that are held out, and `validation.arrow`: the normal images that are held out, and
 * anomalies. Seeds of training, learners and classifiers do not change which images these are.
 */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import type {FloatImage} from '../../core/contracts/data.ts';
import type {ImageBatch} from '../../core/contracts/dataset.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import {readArrays, writeArrays} from '../../core/formats/arrow/arrays.ts';
import {imagesInfo, readImages, sizeOf} from '../../core/formats/arrow/images.ts';
import {floatImage, imageBytes} from '../../core/images/float-image.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {heldOutOf} from '../config/validation.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy, versionsOf} from '../plan/used.ts';
import {contaminate, givenImages, truthArray, truthFile} from './contaminate.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {filtered, numbered, relabelled, writeImages} from './image-streams.ts';
import {PluginList, strict, Versions} from './recipe.ts';
import {createPlanned, ItemProgress, inputOf, StageError} from './shared.ts';
import type {InputRef, Part, StageContext} from './stage.ts';

const HoldOutRecipe = Type.Object(
  {
    fraction: Type.Number({description: 'Share of the normal images that is held out.'}),
    seed: Type.Integer(),
    normal: Type.String({description: 'Only images of this class are for training.'}),
    transforms: Type.Optional(
      Type.Unsafe<readonly CopyRef[]>(
        Type.Array(PluginList, {
          description:
            'Each makes one anomaly of every held-out image; absent: the anomalies are as many training images of other classes.',
        }),
      ),
    ),
    versions: Versions,
  },
  strict,
);
type HoldOutRecipe = Static<typeof HoldOutRecipe>;

export const holdOut = defineStage({
  kind: 'hold-out',
  lane: 'cpu',
  recipe: HoldOutRecipe,
  /** Undefined: the task holds no image out. */
  plan(context, graph): string | undefined {
    const {task, normal} = context;
    const {validation} = task;
    if (!validation) return undefined;
    const {fraction, seed} = validation;
    const transforms = validation.type === 'synthetic' ? validation.transforms : undefined;
    const uses = (transforms ?? []).flat().flatMap((ref) => usedBy(graph.plugins, 'transform', ref));
    const mixed = graph.plan(contaminate, context);
    return graph.addStage(holdOut, context, {
      label: stageLabel(`hold-out ${task.dataset.type}`, task.inlier),
      recipe: {fraction, seed, normal, ...(transforms && {transforms}), versions: versionsOf(uses)},
      inputs: {
        images: givenImages(context, graph, 'train'),
        ...(mixed !== undefined && {truth: {stage: mixed, file: truthFile}}),
      },
      uses,
    });
  },
  async run(context) {
    const {normal, fraction, seed, transforms} = context.recipe;
    const info = await imagesInfo(inputOf(context, 'images'));
    const {shape} = info;
    const validation = join(context.out, 'validation.arrow');
    const counts = {normal: info.counts[info.classes.indexOf(normal)] ?? 0};
    const others = info.count - counts.normal;
    const most = heldOutOf(counts.normal, fraction);
    if (most >= counts.normal)
      throw new StageError(
        `validation would hold out all ${counts.normal} training images of class "${normal}"`,
        'Use more images ("limit.train"), or a lower "validation.fraction".',
      );
    if (!transforms && others === 0)
      throw new StageError(
        'validation of type "held-out" takes its anomalies from the training images, but these are all normal',
        'Use "validation: synthetic", which makes anomalies from normal images.',
      );
    const rng = new Rng('hold-out').fork(seed).fork(normal);
    const draw = (kind: string, from: number): ReadonlySet<number> =>
      new Set(rng.fork(kind).permutation(from).subarray(0, Math.min(most, from)));
    const chosen = {normal: draw('normal', counts.normal), others: draw('others', others)};
    const progress = new ItemProgress(context, 'images');
    const trained = await writeImages(
      join(context.out, 'train.arrow'),
      {shape, classes: info.classes},
      filtered(
        counting(context, progress, normal),
        numbered((row) => !chosen.normal.has(row)),
      ),
    );
    await keepTruth(context, chosen.normal);
    const held = (): AsyncIterable<ImageBatch> =>
      filtered(
        counting(context, progress, normal),
        numbered((row) => chosen.normal.has(row)),
      );
    if (transforms) {
      const classes = [normal, ...namesOf(transforms, normal)];
      const made = transforms.map((copy, t) => transformed(context, held(), copy, t + 1, rng.fork(`transform ${t}`)));
      const scored = await writeImages(validation, {shape, classes}, relabelled(held(), 0), ...made);
      return {train: trained, normal: most, anomalous: scored - most};
    }
    const normalClass = info.classes.indexOf(normal);
    const [isHeld, isOther] = [numbered((row) => chosen.normal.has(row)), numbered((row) => chosen.others.has(row))];
    const all = counting(context, progress);
    const scored = await writeImages(
      validation,
      {shape, classes: info.classes},
      filtered(all, (label) => (label === normalClass ? isHeld() : isOther())),
    );
    return {train: trained, normal: most, anomalous: scored - most};
  },
});

/** The file with a task's images: for training, without those that are held out. */
export function imagesOf(context: TaskContext, graph: StageGraphBuilder, split: 'train' | Part): InputRef {
  const held = graph.plan(holdOut, context);
  if (split === 'test' || held === undefined) return givenImages(context, graph, split === 'test' ? split : 'train');
  return {stage: held, file: `${split}.arrow`};
}

/** The file that says which of a task's training images are anomalies; undefined: nothing is known to be. */
export function truthOf(context: TaskContext, graph: StageGraphBuilder): InputRef | undefined {
  const mixed = graph.plan(contaminate, context);
  return mixed === undefined ? undefined : {stage: graph.plan(holdOut, context) ?? mixed, file: truthFile};
}

/** The truth of contaminated images without those that are held out. */
async function keepTruth(context: Context, held: ReadonlySet<number>): Promise<void> {
  if (!('truth' in context.inputs)) return;
  const {data} = (await readArrays(inputOf(context, 'truth'))).get(truthArray)!;
  const kept = data.filter((_, row) => !held.has(row));
  await writeArrays(join(context.out, truthFile), new Map([[truthArray, {shape: [kept.length], data: kept}]]));
}

type Context = StageContext<HoldOutRecipe>;

/** All images, or those of one class. */
async function* counting(context: Context, progress: ItemProgress, name?: string): AsyncIterable<ImageBatch> {
  for await (const batch of readImages(inputOf(context, 'images'), name === undefined ? {} : {class: name})) {
    yield batch;
    await progress.add(batch.count);
  }
}

/** Each image transformed. The random numbers of an image depend only on its number in the stream. */
async function* transformed(
  context: Context,
  batches: AsyncIterable<ImageBatch>,
  copy: CopyRef,
  label: number,
  rng: Rng,
): AsyncIterable<ImageBatch> {
  const made = copy.map((ref) => createPlanned(context, 'transform', ref, context.recipe.versions));
  let row = 0;
  for await (const batch of relabelled(batches, label)) {
    const size = sizeOf(batch.shape);
    const pixels = new Uint8Array(batch.count * size);
    for (let i = 0; i < batch.count; i++) {
      const own = rng.fork(row++);
      const image = made.reduce<FloatImage>((current, one) => one.apply(current, own), floatImage(batch, i));
      pixels.set(imageBytes(image, batch.shape), i * size);
    }
    yield {...batch, pixels};
  }
}

/** Classes of the anomalies, by what has made them. All names differ, also from that of the normal class. */
function namesOf(transforms: readonly CopyRef[], normal: string): readonly string[] {
  const names = [normal];
  for (const copy of transforms) {
    const name = copy.map(({type}) => type).join(' + ');
    names.push(names.includes(name) ? `${name} #${names.length}` : name);
  }
  return names.slice(1);
}
