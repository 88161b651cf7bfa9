/** Dataset plug-in → `train.arrow` and `test.arrow`: uint8 images with their classes, all of them or a seeded subset. */
import {statSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import type {Dataset, ImageBatch, SourceFile, Split} from '../../core/contracts/dataset.ts';
import {imagesInfo, readImages} from '../../core/formats/arrow/images.ts';
import {type Static, Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage} from './define.ts';
import {filtered, writeImages} from './image-streams.ts';
import {Plugin, strict} from './recipe.ts';
import {createPlanned, ItemProgress, StageError} from './shared.ts';
import type {StageContext} from './stage.ts';
import {Subset, stratify} from './subset.ts';

const DataRecipe = Type.Object(
  {
    dataset: Plugin,
    version: Type.Integer(),
    inlier: Type.Optional(Type.String({description: 'Only where the dataset is read once an inlier (`perInlier`).'})),
    limit: Type.Optional(
      Type.Object(
        {
          train: Type.Optional(Type.Integer({description: 'Training images in each class.'})),
          test: Type.Optional(Type.Integer({description: 'Test images in all, stratified by class.'})),
        },
        strict,
      ),
    ),
  },
  strict,
);
type DataRecipe = Static<typeof DataRecipe>;

export const data = defineStage({
  kind: 'data',
  lane: 'cpu',
  recipe: DataRecipe,
  plan(context, graph): string {
    const {task, inlier, datasetFiles, absent} = context;
    const uses = usedBy(graph.plugins, 'dataset', task.dataset);
    return graph.addStage(data, context, {
      label: stageLabel(`data ${task.dataset.type}`, inlier),
      recipe: {
        dataset: task.dataset,
        version: uses[0]!.version,
        ...(inlier === undefined ? {} : {inlier}),
        ...(Object.values(task.limit).some((limit) => limit !== undefined) ? {limit: task.limit} : {}),
      },
      inputs: {},
      sources: datasetFiles,
      absent,
      uses,
    });
  },
  async run(context) {
    const {recipe} = context;
    const dataset = createPlanned(context, 'dataset', recipe.dataset, {
      [`dataset ${recipe.dataset.type}`]: recipe.version,
    });
    const before = context.sources.map(stateOf);
    const progress = new ItemProgress(context, 'images');
    const {train, test} = recipe.limit ?? {};
    const counts = {
      train: await writeSplit(context, dataset, 'train', progress, train === undefined ? undefined : {perClass: train}),
      test: await writeSplit(context, dataset, 'test', progress, test === undefined ? undefined : {inAll: test}),
    };
    // The executor hashes these files again, but that does not notice an edit that was undone while we read. This check does.
    const changed = context.sources.filter((file, i) => stateOf(file) !== before[i]);
    if (changed.length > 0) {
      const names = changed.map(({path}) => path).join(', ');
      throw new StageError(
        `${names} changed while it was read`,
        'Run the spec again when no other program writes to it.',
      );
    }
    checkCounts(recipe, dataset, counts);
    return {classes: dataset.classes, ...counts};
  },
});

/** Numbers of images of each class, in the order of the dataset's classes. */
type Counts = readonly number[];
type Limit = {readonly perClass: number} | {readonly inAll: number};

async function writeSplit(
  context: StageContext<DataRecipe>,
  dataset: Dataset,
  split: Split,
  progress: ItemProgress,
  limit: Limit | undefined,
): Promise<Counts> {
  const path = join(context.out, `${split}.arrow`);
  const {shape, classes, masks = false, regions = false} = dataset;
  const isTest = split === 'test';
  const format = {shape, classes, masks: masks && isTest, regions: regions && isTest};
  if (!limit) {
    await writeImages(path, format, counting(read(context, dataset, split), progress));
    return (await imagesInfo(path)).counts;
  }
  // The sizes of the classes are known only at the end. Candidates go to a file first, so that memory does not grow with the limit.
  const candidates = join(context.scratch, `${split}-candidates.arrow`);
  await rm(candidates, {force: true});
  const subset = new Subset(split, 'perClass' in limit ? limit.perClass : limit.inAll);
  const offered = counting(read(context, dataset, split), progress);
  await writeImages(
    candidates,
    format,
    filtered(offered, (label) => subset.offer(dataset.classes[label]!)),
  );
  const places = 'perClass' in limit ? undefined : stratify(subset.seen, limit.inAll);
  const chosen = subset.chosen((name) => places?.get(name) ?? ('perClass' in limit ? limit.perClass : 0));
  let row = 0;
  await writeImages(
    path,
    format,
    filtered(readImages(candidates), () => chosen.has(row++)),
  );
  await rm(candidates);
  return (await imagesInfo(path)).counts;
}

function read({recipe, sources}: StageContext<DataRecipe>, dataset: Dataset, split: Split): AsyncIterable<ImageBatch> {
  return dataset.read(sources, split, recipe.inlier ?? dataset.inliers[0]!);
}

async function* counting(batches: AsyncIterable<ImageBatch>, progress: ItemProgress): AsyncIterable<ImageBatch> {
  for await (const batch of batches) {
    yield batch;
    await progress.add(batch.count);
  }
}

function checkCounts(
  recipe: DataRecipe,
  dataset: Dataset,
  counts: {readonly train: Counts; readonly test: Counts},
): void {
  const inliers = recipe.inlier === undefined ? dataset.inliers : [recipe.inlier];
  const missing = [...new Set(inliers.map((inlier) => dataset.normalClass(inlier)))].filter(
    (name) => !counts.train[dataset.classes.indexOf(name)],
  );
  const hint = 'Check that the dataset is complete: "pipeline data verify".';
  if (missing.length > 0) {
    throw new StageError(
      `the training images of ${recipe.dataset.type} have no image of class ${missing.join(', ')}`,
      hint,
    );
  }
  if (counts.test.every((count) => count === 0))
    throw new StageError(`${recipe.dataset.type} has no test images`, hint);
}

/** A text that changes whenever the file is written to, even if the old content is written back. */
function stateOf({path}: SourceFile): string {
  const {dev, ino, size, mtimeNs, ctimeNs} = statSync(path, {bigint: true});
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
