/** Estimates how much computing the trainings of a plan need. Cached trainings do not count. Runs nothing. */
import type {ImageShape} from '../../core/contracts/data.ts';
import type {SourceFile} from '../../core/contracts/dataset.ts';
import type {Work} from '../../core/contracts/learner.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import {heldOutOf} from '../config/validation.ts';
import {data} from '../stages/data.ts';
import {isStage, recipeOf} from '../stages/define.ts';
import {type LearnRecipe, learn} from '../stages/learn.ts';
import type {StageNode} from '../stages/stage.ts';
import type {Forecast} from './preview.ts';

/** One training that would run. */
export interface Training {
  readonly label: string;
  readonly recipe: LearnRecipe;
  readonly shape: ImageShape;
  /** Number of training images of the normal class. Absent: not known before the data is read; then there is no `work`. */
  readonly images?: number;
  /** Absent: the learner or its network does not report it. */
  readonly work?: Work;
}

/** Operations of a training: two for each multiply-accumulate; the backward pass counts twice the forward pass (paper 9). */
export const flopOf = ({steps, inputs, macs}: Work): number => 6 * macs * steps * inputs;

export interface EstimateOptions {
  readonly graph: readonly StageNode[];
  readonly tasks: readonly Task[];
  readonly plugins: Plugins;
  readonly forecasts: ReadonlyMap<string, Forecast>;
}

/** The trainings that are not cached and whose data is available. */
export function trainingsOf({graph, tasks, plugins, forecasts}: EstimateOptions): readonly Training[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return graph.flatMap((node): Training[] => {
    const recipe = recipeOf(learn, node);
    const state = forecasts.get(node.id)?.state;
    if (recipe?.normal === undefined || state === 'hit' || state === 'absent') return [];
    const {id: from, sources} = readingOf(node, graph)!;
    const task = byId.get(node.tasks[0]!)!;
    const {shape} = plugins.create('dataset', task.dataset);
    const all = imagesOf(task, recipe.normal, plugins, forecasts.get(from), sources);
    const held = all !== undefined && task.validation ? heldOutOf(all, task.validation.fraction) : 0;
    const images = all === undefined ? undefined : all - held;
    const work = images === undefined ? undefined : workOf(recipe, images, shape, plugins);
    return [{label: node.label, recipe, shape, ...(images !== undefined && {images}), ...(work && {work})}];
  });
}

/** The work of a whole training, as far as it is known before its data is read. `stages`: its graph. */
export function workOfTraining(
  task: Task,
  node: StageNode,
  stages: readonly StageNode[],
  plugins: Plugins,
): Work | undefined {
  const recipe = recipeOf(learn, node);
  if (recipe?.normal === undefined) return undefined;
  const images = imagesOf(task, recipe.normal, plugins, undefined, readingOf(node, stages)?.sources ?? []);
  return images === undefined
    ? undefined
    : workOf(recipe, images, plugins.create('dataset', task.dataset).shape, plugins);
}

/** The stage that reads the images of a training, some of which other stages exchange or hold out. */
function readingOf({inputs}: StageNode, stages: readonly StageNode[]): StageNode | undefined {
  const before = stages.find(({id}) => id === (inputs['images'] ?? inputs['train'])?.stage);
  return before && !isStage(data, before) ? readingOf(before, stages) : before;
}

function workOf(recipe: LearnRecipe, images: number, shape: ImageShape, plugins: Plugins): Work | undefined {
  const copies = recipe.distribution_augmentation?.length ?? 0;
  try {
    return plugins.create('learner', recipe.learner).work?.({images, copies, side: shape.height, plugins});
  } catch {
    return undefined; // the network does not take images of this size; the training itself reports that
  }
}

/** Number of training images of the normal class, with those that are held out: counted if the data is cached; otherwise as published or located, at most the limit. */
function imagesOf(
  task: Task,
  normal: string,
  plugins: Plugins,
  data: Forecast | undefined,
  sources: readonly SourceFile[],
): number | undefined {
  if (data?.state === 'hit') {
    const {classes, train} = data.manifest.summary as {classes: readonly string[]; train: readonly number[]};
    return train[classes.indexOf(normal)];
  }
  const published = plugins.create('dataset', task.dataset).trainImages?.(task.inlier, sources);
  if (published === undefined) return undefined;
  return Math.min(published, task.limit.train ?? published);
}
