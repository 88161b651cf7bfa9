/** Finds the files that a plan reads from outside: files of datasets, and files that options of learners name. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {fail, type Result, succeed} from '../../core/base/result.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {partsProblem} from '../config/refine.ts';
import type {Plan, Task} from '../config/spec.ts';
import type {Problem} from '../failures.ts';

export interface Sources {
  /** `datasetKey` → the files that the dataset is read from. */
  readonly datasets: ReadonlyMap<string, readonly SourceFile[]>;
  /** `datasetKey` → why the dataset is not available. Its `data` stage fails with this, the rest of the plan runs. */
  readonly absent: ReadonlyMap<string, DatasetProblem>;
  /** `learnerKey` → the files that the learner's options name; no entry if its type has no such options. */
  readonly learners: ReadonlyMap<string, readonly SourceFile[]>;
}

/** Key of one reading of a dataset. It is read once for all inliers, or once for each (`inlier`) if their images differ. */
export const datasetKey = (dataset: PluginRef, inlier: string | undefined): string =>
  canonicalJson({dataset, inlier} as Json);

/** Key of a learner with its options, which may name files. */
export const learnerKey = (learner: PluginRef): string => canonicalJson(learner as Json);

/**
 * Calls each dataset's `locate` and each learner's `files` once. Fails if no dataset of the plan is available, if a file is missing
 * that a learner's options name, or if the files are too few for a refinement: everything that is missing is reported together, the same thing only once. If only some datasets are
 * missing, as in a suite over many, it succeeds with the others.
 */
export async function locateSources(
  plan: Pick<Plan, 'tasks'>,
  plugins: Plugins,
  roots: DataRoots,
): Promise<Result<Sources, Problem>> {
  const datasets = new Map<string, readonly SourceFile[]>();
  const absent = new Map<string, DatasetProblem>();
  const problems = new Map<string, Problem>();
  const asked = new Set<string>();
  // Points of a matrix that differ in other options read the same folder, which reports the same message each time.
  const said = new Set<string>();
  const report = (message: string): void => {
    if (!said.has(message)) roots.report?.(message);
    said.add(message);
  };
  for (const task of plan.tasks) {
    const dataset = plugins.create('dataset', task.dataset);
    const key = datasetKey(task.dataset, dataset.perInlier ? task.inlier : undefined);
    if (asked.has(key)) continue;
    asked.add(key);
    const located = await dataset.locate({...roots, report}, task.inlier);
    if (located.ok) datasets.set(key, located.value);
    else {
      absent.set(key, located.failures[0]!);
      for (const {message, hint} of located.failures)
        problems.set(message, {message: `dataset "${task.dataset.type}": ${message}`, hint});
    }
  }
  const learners = new Map<string, readonly SourceFile[]>();
  const named = new Map<string, Problem>();
  for (const {learner} of plan.tasks) {
    const {files} = plugins.get('learner', learner.type);
    const key = learnerKey(learner);
    if (!files || learners.has(key)) continue;
    const {type, ...options} = learner;
    const found = files(options);
    if (found.ok) learners.set(key, found.value);
    else
      for (const {message, hint} of found.failures)
        named.set(message, {message: `learner "${type}": ${message}`, hint});
  }
  const fatal = [
    ...(datasets.size === 0 ? problems.values() : []),
    ...named.values(),
    ...tooFewImages(plan.tasks, plugins, datasets).values(),
  ];
  if (fatal.length > 0) return fail(...fatal);
  return succeed({datasets, absent, learners});
}

/** Datasets whose files are too few for the parts of a refinement. */
function tooFewImages(
  tasks: readonly Task[],
  plugins: Plugins,
  datasets: Sources['datasets'],
): ReadonlyMap<string, Problem> {
  const problems = new Map<string, Problem>();
  for (const {dataset, inlier, limit, validation, refine} of tasks) {
    if (!refine) continue;
    const files = datasets.get(datasetKey(dataset, plugins.create('dataset', dataset).perInlier ? inlier : undefined));
    if (!files) continue;
    const problem = partsProblem(plugins, refine, {dataset, inlier, limit: limit.train, validation, files});
    if (problem) problems.set(problem.message, problem);
  }
  return problems;
}

/** Finds the files of tasks that come later; those of datasets that are known are not looked for again. */
export function locateMore(
  first: Sources,
  plugins: Plugins,
  roots: DataRoots,
): (tasks: readonly Task[]) => Promise<Result<Sources, Problem>> {
  let known = first;
  return async (tasks) => {
    const isNew = ({dataset, inlier, learner}: Task): boolean => {
      const key = datasetKey(dataset, plugins.create('dataset', dataset).perInlier ? inlier : undefined);
      const isKnown = known.datasets.has(key) || known.absent.has(key);
      return (
        !isKnown ||
        (plugins.get('learner', learner.type).files !== undefined && !known.learners.has(learnerKey(learner)))
      );
    };
    const fresh = tasks.filter(isNew);
    if (fresh.length === 0) return succeed(known);
    const more = await locateSources({tasks: fresh}, plugins, roots);
    if (!more.ok) return more;
    known = {
      datasets: new Map([...known.datasets, ...more.value.datasets]),
      absent: new Map([...known.absent, ...more.value.absent]),
      learners: new Map([...known.learners, ...more.value.learners]),
    };
    return succeed(known);
  };
}
