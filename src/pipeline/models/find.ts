/** Finds the stages of a run that made a task's models. Reads only the run's record, not the cache. */
import {fail, type Result, succeed} from '../../core/base/result.ts';
import {clippedList, suggest} from '../../core/base/text.ts';
import type {Task} from '../config/spec.ts';
import type {Problem} from '../failures.ts';
import {searchResultsOf} from '../search/results.ts';
import {contaminate} from '../stages/contaminate.ts';
import {data} from '../stages/data.ts';
import {isStage, recipeOf} from '../stages/define.ts';
import {explanationName, explanationType, gradcam} from '../stages/gradcam.ts';
import {holdOut} from '../stages/hold-out.ts';
import type {InputRef} from '../stages/stage.ts';
import type {RunRecord, StageRecord} from '../store/runs/record.ts';

/** A classifier of a task, or an explanation of its scores. */
export interface FittedClassifier {
  /** Its name in tables. */
  readonly name: string;
  /** A `score` stage, or a `localize` stage, which scores windows; of an explanation a `gradcam` stage. */
  readonly stage: StageRecord;
}

/**
 * The run's only task, or the task with this id or with this part of an id. Of a search, tasks of the configuration that it has chosen
 * come before others.
 */
export function chooseTask(record: RunRecord, wanted: string | undefined): Result<Task, Problem> {
  const {id, tasks} = record;
  const ids = tasks.map((task) => task.id);
  const exact = tasks.find((task) => task.id === wanted);
  const fitting = exact ? [exact] : tasks.filter((task) => wanted === undefined || task.id.includes(wanted));
  if (fitting.length === 0)
    return fail({message: `run ${id} has no task "${wanted}"`, hint: suggest(wanted!, ids, 'It has')});
  const chosen = fitting.length > 1 ? (searchResultsOf(record)?.best?.tasks ?? []) : [];
  const preferred = fitting.filter((task) => chosen.includes(task));
  const left = preferred.length > 0 ? preferred : fitting;
  if (left.length === 1) return succeed(left[0]!);
  const which = wanted === undefined ? `run ${id} has` : `"${wanted}" is part of`;
  const of = preferred.length > 0 ? ' of the chosen configuration' : '';
  return fail({
    message: `${which} ${left.length} tasks${of}: ${clippedList(left.map((task) => task.id))}`,
    hint: 'Choose one by its id or a unique part of it: --task <id>.',
  });
}

/** The only classifier of a task, or the one with this name. */
export function chooseClassifier(
  record: RunRecord,
  task: Task,
  wanted: string | undefined,
): Result<FittedClassifier, Problem> {
  const chosen = chooseClassifiers(record, task, wanted);
  if (!chosen.ok) return chosen;
  const [first, ...more] = chosen.value;
  if (more.length === 0) return succeed(first!);
  const names = chosen.value.map(({name}) => name);
  return fail({
    message: `task ${task.id} has ${names.length} classifiers: ${names.join(', ')}`,
    hint: 'Choose one: --classifier <name>.',
  });
}

/** All classifiers of a task, or the one with this name. */
export function chooseClassifiers(
  record: RunRecord,
  task: Task,
  wanted: string | undefined,
): Result<readonly FittedClassifier[], Problem> {
  const known = classifiersOf(record, task);
  if (known.length === 0)
    return fail({
      message: `task ${task.id} has no scores, because its metrics only use features or maps`,
      hint: 'Add a metric of scores, such as auc, and run it again.',
    });
  if (wanted === undefined) return succeed(known);
  const found = known.filter(({name}) => name === wanted);
  if (found.length > 0) return succeed(found);
  const names = known.map(({name}) => name);
  return fail({
    message: `task ${task.id} has no classifier "${wanted}"`,
    hint: suggest(wanted, names, 'It has'),
  });
}

function classifiersOf({stages}: RunRecord, task: Task): readonly FittedClassifier[] {
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  return stages.flatMap(({node}) =>
    (node.results ?? []).flatMap((result) => {
      const stage = byId.get(node.inputs['scores']?.stage ?? '');
      if (!stage || result.task !== task.id || result.ensemble || result.part || isGradcam(stage)) return [];
      return [{name: result.classifier, stage}];
    }),
  );
}

/** The stages that explain the scores of these classifiers, or the learner's own, by the names that their maps have in tables. */
export function explanationsOf(
  {stages}: RunRecord,
  task: Task,
  classifiers: readonly FittedClassifier[],
): readonly FittedClassifier[] {
  return stages.flatMap((stage) => {
    const recipe = recipeOf(gradcam, stage.node);
    if (!recipe || !stage.node.tasks.includes(task.id)) return [];
    const of = classifiers.find(({stage: fitted}) => fitted.id === stage.node.inputs['classifier']?.stage);
    return recipe.scored && !of ? [] : [{name: explanationName(explanationType(recipe), of?.name), stage}];
  });
}

/** The file of the images that the task was trained on. */
export function trainingImagesOf(record: RunRecord, task: Task): InputRef {
  const own = record.stages.filter(({node}) => node.tasks.includes(task.id));
  const changed = [holdOut, contaminate].flatMap((kind) => own.find(({node}) => isStage(kind, node)) ?? []);
  return {stage: (changed[0] ?? dataOf(record, task)).id, file: 'train.arrow'};
}

/** The stage that read the task's images. */
export const dataOf = ({stages}: RunRecord, task: Task): StageRecord =>
  stages.find(({node}) => isStage(data, node) && node.tasks.includes(task.id))!;

const isGradcam = ({node}: StageRecord): boolean => isStage(gradcam, node);
