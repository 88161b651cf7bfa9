/**
 * Images → training images of which some are anomalies, under the name of the normal class. Which they are is only in `truth.arrow`,
 * which no learner or classifier reads. Their number stays the same: each anomaly takes the place of a normal image.
 */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import {plural} from '../../core/base/text.ts';
import type {ImageBatch} from '../../core/contracts/dataset.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import {imagesInfo, readImages} from '../../core/formats/arrow/images.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {anomaliesComeFrom} from '../config/contaminate.ts';
import {stageLabel} from '../plan/names.ts';
import {data} from './data.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {filtered, numbered, relabelled, writeImages} from './image-streams.ts';
import {strict} from './recipe.ts';
import {ItemProgress, inputOf, StageError} from './shared.ts';
import type {InputRef} from './stage.ts';

const ContaminateRecipe = Type.Object(
  {
    ratio: Type.Number({description: 'Share of the training images that are anomalies.'}),
    seed: Type.Integer(),
    normal: Type.String({description: 'Every other class is anomalous.'}),
    from: Type.Union([Type.Literal('train'), Type.Literal('test')], {
      description: 'The split that has the anomalies. What is taken from the test images is not among them any more.',
    }),
  },
  strict,
);
type ContaminateRecipe = Static<typeof ContaminateRecipe>;

/** An array for each training image, in order: 1 = an anomaly. */
export const truthFile = 'truth.arrow';
export const truthArray = 'anomalous';

export const contaminate = defineStage({
  kind: 'contaminate',
  lane: 'cpu',
  recipe: ContaminateRecipe,
  /** Undefined: the task's training images are as they are. */
  plan(context, graph): string | undefined {
    const {task, normal, dataset} = context;
    if (task.contaminate === undefined) return undefined;
    const from = anomaliesComeFrom(dataset);
    const images = graph.plan(data, context);
    return graph.addStage(contaminate, context, {
      label: stageLabel(`contaminate ${task.dataset.type}`, task.inlier, `seed ${task.seed}`),
      recipe: {ratio: task.contaminate, seed: task.seed, normal, from},
      inputs: {
        train: {stage: images, file: 'train.arrow'},
        ...(from === 'test' && {test: {stage: images, file: 'test.arrow'}}),
      },
      uses: [],
    });
  },
  async run(context) {
    const {ratio, seed, normal, from} = context.recipe;
    const train = await imagesInfo(inputOf(context, 'train'));
    const source = from === 'train' ? train : await imagesInfo(inputOf(context, 'test'));
    const normalClass = train.classes.indexOf(normal);
    const images = train.counts[normalClass] ?? 0;
    const wanted = contaminating(images, ratio);
    const there = source.count - (source.counts[normalClass] ?? 0);
    checkEnough(context.recipe, {images, wanted, there});
    // The first ones of one order: a lower ratio has some of the anomalies of a higher one, and no others.
    const rng = new Rng('contaminate').fork(seed).fork(normal);
    const first = (name: string, of: number) => new Set(rng.fork(name).permutation(of).subarray(0, wanted));
    const [chosen, replaced] = [first('anomalies', there), first('replaced', images)];

    const isChosen = () => {
      const next = numbered((row) => chosen.has(row));
      return (label: number) => label !== normalClass && next();
    };
    const counts = new Map<string, number>();
    const progress = new ItemProgress(context, 'images', images);
    const normals = readImages(inputOf(context, 'train'), {class: normal, batch: 1});
    const anomalies = readImages(inputOf(context, from), {keep: isChosen(), batch: 1});
    await writeImages(
      join(context.out, 'train.arrow'),
      train,
      relabelled(
        mixed(counted(normals, progress), anomalies, replaced, (label) => add(train.classes[label]!)),
        normalClass,
      ),
    );
    const truth = Float32Array.from({length: images}, (_, row) => (replaced.has(row) ? 1 : 0));
    await writeArrays(join(context.out, truthFile), new Map([[truthArray, {shape: [images], data: truth}]]));
    if (from === 'test') {
      const isTaken = isChosen();
      const rest = filtered(readImages(inputOf(context, 'test')), (label) => !isTaken(label));
      await writeImages(join(context.out, 'test.arrow'), source, rest);
    }
    const kinds = [...counts].sort(([a], [b]) => train.classes.indexOf(a) - train.classes.indexOf(b));
    context.note(
      `${wanted} of the ${plural(images, 'training image is an anomaly', 'training images are anomalies')}: ` +
        kinds.map(([name, count]) => `${count} ${name}`).join(', '),
    );
    return {train: images, anomalies: Object.fromEntries(kinds), from};

    function add(name: string): void {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  },
});

/** How many of so many training images are anomalies. */
const contaminating = (images: number, ratio: number): number => Math.round(ratio * images);

function checkEnough(
  {ratio, normal, from}: ContaminateRecipe,
  {images, wanted, there}: {readonly images: number; readonly wanted: number; readonly there: number},
): void {
  const share = `dataset.contaminate is ${ratio}`;
  if (wanted === 0)
    throw new StageError(
      `${share}, which is less than one of the ${plural(images, 'training image')} of class "${normal}"`,
      'Use more images ("limit.train"), or a higher ratio.',
    );
  if (wanted >= images)
    throw new StageError(
      `${share}, which leaves no normal image among the ${plural(images, 'training image')} of class "${normal}"`,
      'Use more images ("limit.train"), or a lower ratio.',
    );
  // Without an anomalous test image there would be nothing to measure.
  const most = from === 'test' ? there - 1 : there;
  if (wanted > most)
    throw new StageError(
      `${share}: it needs ${plural(wanted, 'anomaly', 'anomalies')}, but the ${from} images have ${there}` +
        (from === 'test' ? ', of which at least one must stay' : ''),
      `Use a ratio of at most ${Math.floor((100 * Math.max(0, most)) / images) / 100}${from === 'test' ? ', or more test images ("limit.test")' : ''}.`,
    );
}

async function* counted(batches: AsyncIterable<ImageBatch>, progress: ItemProgress): AsyncIterable<ImageBatch> {
  let waiting = 0;
  for await (const batch of batches) {
    yield batch;
    waiting += batch.count;
    if (waiting < 256) continue;
    await progress.add(waiting);
    waiting = 0;
  }
}

/** `normals` with the next anomaly in each place of `replaced`; both come one image at a time. */
async function* mixed(
  normals: AsyncIterable<ImageBatch>,
  anomalies: AsyncIterable<ImageBatch>,
  replaced: ReadonlySet<number>,
  onAnomaly: (label: number) => void,
): AsyncIterable<ImageBatch> {
  const next = anomalies[Symbol.asyncIterator]();
  let row = 0;
  for await (const normal of normals) {
    const anomaly = replaced.has(row++) ? ((await next.next()).value as ImageBatch) : undefined;
    if (anomaly) onAnomaly(anomaly.classes[0]!);
    yield anomaly ? withoutMasks(anomaly) : normal;
  }
  await next.return?.();
}

const withoutMasks = ({masks: _, ...image}: ImageBatch): ImageBatch => image;

/** The file with a task's images before any are held out. */
export function givenImages(context: TaskContext, graph: StageGraphBuilder, split: 'train' | 'test'): InputRef {
  const mixed = graph.plan(contaminate, context);
  const isChanged = split === 'train' || anomaliesComeFrom(context.dataset) === 'test';
  return {stage: mixed !== undefined && isChanged ? mixed : graph.plan(data, context), file: `${split}.arrow`};
}
