/** What stages have in common that combine the seeds of one configuration. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {TaskContext} from './define.ts';

/** Tasks that differ only in the seed, each group sorted by seed. */
export function bySeedAlone(contexts: readonly TaskContext[]): readonly (readonly TaskContext[])[] {
  const groups = new Map<string, TaskContext[]>();
  for (const context of contexts) {
    const {id: _, seed: __, ...shared} = context.task;
    const key = canonicalJson(shared as unknown as Json);
    const members = groups.get(key) ?? [];
    members.push(context);
    groups.set(key, members);
  }
  return [...groups.values()].map((members) => members.sort((a, b) => a.task.seed - b.task.seed));
}
