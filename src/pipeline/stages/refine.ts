/** Features of the training images → `features.arrow` without those of likely anomalies, and `removed.arrow`, which these are. */
import {join} from 'node:path';
import {Rng} from '../../core/base/random.ts';
import {writeArrays} from '../../core/formats/arrow/arrays.ts';
import {readFeatures, writeFeatures} from '../../core/formats/arrow/features.ts';
import {pickRows} from '../../core/linalg/matrix.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {embedding} from './embed.ts';
import {Plugin, strict} from './recipe.ts';
import {rowsLeft, rowsToRemove} from './refinement.ts';
import {createPlanned, inputOf} from './shared.ts';
import type {InputRef} from './stage.ts';

/** A value for each training image, in order: 1 = it was removed. */
export const removedFile = 'removed.arrow';
export const removedArray = 'removed';

export const refine = defineStage({
  kind: 'refine',
  lane: 'accelerator',
  recipe: Type.Object(
    {
      classifier: Plugin,
      version: Type.Integer(),
      parts: Type.Integer(),
      ratio: Type.Number({description: 'Share of the images that each classifier of the ensemble calls anomalous.'}),
      seed: Type.Integer(),
    },
    strict,
  ),
  async run(context) {
    const {classifier: ref, version, parts, ratio, seed} = context.recipe;
    const classifier = createPlanned(context, 'classifier', ref, {[`classifier ${ref.type}`]: version});
    const {features, classes, classNames} = await readFeatures(inputOf(context, 'features'));
    const judged = 'judged' in context.inputs ? await readFeatures(inputOf(context, 'judged')) : {features};
    const {rows, columns} = features;
    const removed = rowsToRemove(classifier, judged.features, {parts, ratio}, new Rng(seed).fork('refine'));
    context.signal.throwIfAborted();
    const left = rowsLeft(rows, removed);
    const kept = {features: pickRows(features, left), classes: Int32Array.from(left, (row) => classes[row]!)};
    await writeFeatures(join(context.out, 'features.arrow'), [kept], {columns, classNames});
    const marks = new Float32Array(rows);
    for (const row of removed) marks[row] = 1;
    await writeArrays(join(context.out, removedFile), new Map([[removedArray, {shape: [rows], data: marks}]]));
    return {rows: left.length, columns, removed: removed.length};
  },
});

/** The file with the features that classifiers of this layer are fitted on: of all training images, or of those that are left. */
export function trainingFeatures(context: TaskContext, graph: StageGraphBuilder, layer: string): InputRef {
  const stage = refinement(context, graph, layer);
  return stage === undefined ? embedding(context, graph, {layer, split: 'train'}) : {stage, file: 'features.arrow'};
}

/** The stage that removes images from those of a layer; undefined: the task has none removed. */
export function refinement(context: TaskContext, graph: StageGraphBuilder, layer?: string): string | undefined {
  const {task, refining} = context;
  if (!refining || !task.refine) return undefined;
  const {parts, ratio, classifier} = task.refine;
  const uses = usedBy(graph.plugins, 'classifier', classifier);
  const features = (of: string) => embedding(context, graph, {layer: of, split: 'train'});
  const own = layer ?? refining.layer;
  return graph.addStage(refine, context, {
    label: stageLabel(`refine ${task.learner.type}.${own}`, task.inlier, `seed ${task.seed}`),
    recipe: {classifier, version: uses[0]!.version, parts, ratio, seed: task.seed},
    inputs: {features: features(own), ...(own !== refining.layer && {judged: features(refining.layer)})},
    uses,
  });
}
