/** Finds what a plan reads from outside: dataset files, and the code of a user's own plug-ins. */
import {existsSync, readFileSync} from 'node:fs';
import {relative} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {fail, type Result, succeed} from '../../core/base/result.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {AnyDefinition, PluginModule, Plugins} from '../../core/plugin/registry.ts';
import type {Plan} from '../config/spec.ts';
import type {Problem} from '../failures.ts';

export interface Sources {
  /** `datasetKey` → the files that the dataset is read from. */
  readonly datasets: ReadonlyMap<string, readonly SourceFile[]>;
  /** `datasetKey` → why the dataset is not available. Its `data` stage fails with this, the rest of the plan runs. */
  readonly absent: ReadonlyMap<string, DatasetProblem>;
  /** `learnerKey` → the files that the learner's options name; no entry where there are none. */
  readonly learners: ReadonlyMap<string, readonly SourceFile[]>;
  /** A user's plug-in → the files of code that define it; built-in ones have a `version` instead. */
  readonly code: ReadonlyMap<AnyDefinition, readonly SourceFile[]>;
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
  for (const task of plan.tasks) {
    const dataset = plugins.create('dataset', task.dataset);
    const key = datasetKey(task.dataset, dataset.perInlier ? task.inlier : undefined);
    if (asked.has(key)) continue;
    asked.add(key);
    const located = await dataset.locate(roots, task.inlier);
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
  return succeed({datasets, absent, learners, code: await codeOf(plan.pluginUrls)});
}

async function codeOf(urls: readonly string[]): Promise<ReadonlyMap<AnyDefinition, readonly SourceFile[]>> {
  const code = new Map<AnyDefinition, readonly SourceFile[]>();
  for (const url of urls) {
    const files = moduleFiles(url);
    const {plugins} = (await import(url)) as PluginModule;
    for (const definition of plugins) code.set(definition, files);
  }
  return code;
}

const imported = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** A module and all that it imports by relative path; packages are not followed. Named relative to the module. */
function moduleFiles(url: string): readonly SourceFile[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path) || !existsSync(path)) return;
    found.add(path);
    for (const [, to] of readFileSync(path, 'utf8').matchAll(imported))
      visit(fileURLToPath(new URL(to!, pathToFileURL(path))));
  };
  const entry = fileURLToPath(url);
  visit(entry);
  const folder = fileURLToPath(new URL('.', url));
  return [...found].map((path) => ({name: relative(folder, path).replaceAll('\\', '/'), path}));
}
