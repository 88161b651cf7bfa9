/** Names of tasks on a page: their method, and the options that the matrix changes. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import type {Task} from '../../pipeline/config/spec.ts';

/** Task id → name of its method. */
export type Methods = ReadonlyMap<string, string>;

/** Task id → `rotation`, or `rotation epochs=12` if the matrix has other points of the same method. */
export function methodsOf(tasks: readonly Task[]): Methods {
  const names = new Map<string, string>();
  for (const rivals of groupBy(tasks, ({dataset, compare}) => `${dataset.type}\n${compare.row}`).values()) {
    const varying = varyingPaths(rivals);
    for (const task of rivals) {
      const tags = varying.flatMap((path) =>
        path in task.point ? [`${shortPath(path)}=${pointText(task.point[path])}`] : [],
      );
      names.set(task.id, [task.compare.row, ...tags].join(' '));
    }
  }
  return names;
}

/** Paths of the matrix that have several values in these tasks. */
export function varyingPaths(tasks: readonly Task[]): readonly string[] {
  const paths = new Set(tasks.flatMap(({point}) => Object.keys(point)));
  return [...paths].filter((path) => new Set(tasks.map(({point}) => keyOf(point[path]))).size > 1);
}

/** A value of the matrix as a short text: the name of a plug-in. */
export function pointText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'type' in value) return String(value.type);
  return keyOf(value);
}

export const shortPath = (path: string): string => path.replaceAll('learner.', '');

export const keyOf = (value: unknown): string => (value === undefined ? 'default' : canonicalJson(value as Json));
