/** Finds the files that a plan reads from outside: those of datasets, and those that options of learners name. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {fail, type Result, succeed} from '../../core/base/result.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Plan} from '../config/spec.ts';
import type {Problem} from '../failures.ts';

export interface Sources {
  /** `datasetKey` → the files that the dataset is read from. */
  readonly datasets: ReadonlyMap<string, readonly SourceFile[]>;
  /** `datasetKey` → why the dataset is not available. Its `data` stage fails with this, the rest of the plan runs. */
  readonly absent: ReadonlyMap<string, DatasetProblem>;
  /** `learnerKey` → the files that the learner's options name; no entry where there are none. */
  readonly learners: ReadonlyMap<string, readonly SourceFile[]>;
}

/** One dataset as it is read: once for all inliers, or once an inlier where their images differ. */
export const datasetKey = (dataset: PluginRef, inlier: string | undefined): string =>
  canonicalJson({dataset, inlier} as Json);

/** One learner with its options, which may name files. */
export const learnerKey = (learner: PluginRef): string => canonicalJson(learner as Json);

/**
 * Calls each dataset's `locate` and each learner's `files` once. It is a problem of the input if nothing of a plan can be read, or
 * if a file is missing that a spec names: everything that is missing is reported together, and the same thing only once. Otherwise
 * what can be read is, as in a suite over datasets of which one is not here.
 */
export async function locateSources(plan: Plan, plugins: Plugins, roots: DataRoots): Promise<Result<Sources, Problem>> {
  const datasets = new Map<string, readonly SourceFile[]>();
  const absent = new Map<string, DatasetProblem>();
  const problems = new Map<string, Problem>();
  const asked = new Set<string>();
  // Points of a matrix that differ in other options read one folder, which says the same of itself each time.
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
  const fatal = [...(datasets.size === 0 ? problems.values() : []), ...named.values()];
  if (fatal.length > 0) return fail(...fatal);
  return succeed({datasets, absent, learners});
}
