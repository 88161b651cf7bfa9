/** Machines with caches of their own and one store between them, in the test's process. */
import {join} from 'node:path';
import {openCache} from '../../src/pipeline/store/cache/cache.ts';
import type {ObjectStore, StoreError} from '../../src/pipeline/store/remote/objects.ts';
import {openRunStore} from '../../src/pipeline/store/remote/session.ts';
import {freshFolder} from './stores.ts';
import type {FakeStage, World} from './world.ts';

interface Told {
  readonly warnings: string[];
  readonly notes: string[];
}

/** One machine: a cache of its own before the store. */
export function machine(
  objects: ObjectStore,
  {readOnly = false, root = freshFolder(), silent}: {readOnly?: boolean; root?: string; silent?: StoreError} = {},
) {
  const said: Told = {warnings: [], notes: []};
  const local = openCache(join(root, 'cache'), {warn: (message) => said.warnings.push(message)});
  const address = {kind: 'folder' as const, folder: '', name: 'the store', readOnly};
  const store = openRunStore(
    {address, objects, ...(silent && {silent})},
    {local, root, warn: (message) => said.warnings.push(message), note: (message) => said.notes.push(message)},
  );
  return {...said, root, local, store};
}

type Machine = ReturnType<typeof machine>;

/** Runs stages there to the end, pushes included. */
export async function runOn(
  world: World,
  {store}: Machine,
  stages: {readonly [id: string]: FakeStage},
  frozen = false,
) {
  const run = await world.run(stages, {cache: store.cache, frozen});
  await store.finish(new AbortController().signal);
  store.close();
  return run;
}
