/** Records of runs in a store: what a run's folder tells, so that a team sees each other's runs. */
import {existsSync, mkdirSync, statSync} from 'node:fs';
import {mkdir, rename, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../../core/base/files.ts';
import {runId} from '../runs/run-id.ts';
import {folders, runPrefix} from './layout.ts';
import type {ObjectStore} from './objects.ts';

/** The plan is pushed last, and fetched with the rest: a run is there when its plan is. */
const files = ['pipeline.yaml', 'environment.json', 'events.ndjson', 'plan.json'] as const;

/** In the folder of a run that was fetched: the name of its store. */
export const fetchedFrom = 'from-store';

/** Pushes what differs in size from what is there (`known`; absent: nothing is): records only grow. False: nothing did. */
export async function pushRun(objects: ObjectStore, folder: string, run: string, known?: RemoteRun): Promise<boolean> {
  let pushed = false;
  for (const name of files) {
    const path = join(folder, name);
    const bytes = statSync(path, {throwIfNoEntry: false})?.size;
    if (bytes === undefined || bytes === known?.files.get(name)) continue;
    await objects.upload(`${runPrefix(run)}${name}`, path, bytes);
    pushed = true;
  }
  return pushed;
}

/** The files of a record as they are here. */
export const sizesOf = (folder: string, id: string): RemoteRun => ({
  id,
  files: new Map(
    files.flatMap((name) => {
      const bytes = statSync(join(folder, name), {throwIfNoEntry: false})?.size;
      return bytes === undefined ? [] : [[name, bytes] as const];
    }),
  ),
});

export interface RemoteRun {
  readonly id: string;
  /** Name of a file → bytes. */
  readonly files: ReadonlyMap<string, number>;
}

/** Runs in the store, oldest first. */
export async function remoteRuns(objects: ObjectStore): Promise<readonly RemoteRun[]> {
  const runs = new Map<string, Map<string, number>>();
  for await (const {key, bytes, damage} of objects.list(folders.runs)) {
    const [id = '', name = '', ...more] = key.slice(folders.runs.length).split('/');
    if (!runId.test(id) || more.length > 0 || damage !== undefined) continue;
    const found = runs.get(id) ?? new Map<string, number>();
    runs.set(id, found.set(name, bytes));
  }
  return [...runs].map(([id, found]) => ({id, files: found})).filter((run) => run.files.has('plan.json'));
}

/** Whether a run's record is here as the store has it. A run that was made here is never replaced. */
export function isHere(root: string, {id, files: there}: RemoteRun): boolean {
  const folder = join(root, id);
  if (!existsSync(folder)) return false;
  if (!existsSync(join(folder, fetchedFrom))) return true;
  return files.every((name) => statSync(join(folder, name), {throwIfNoEntry: false})?.size === there.get(name));
}

/** Fetches the record of a run into `<root>/<id>`. */
export async function fetchRun(
  objects: ObjectStore,
  root: string,
  {id, files: there}: RemoteRun,
  store: string,
): Promise<void> {
  const folder = join(root, id);
  const contents = await Promise.all(
    files
      .filter((name) => there.has(name))
      .map(async (name) => ({name, content: await objects.read(`${runPrefix(id)}${name}`)})),
  );
  if (existsSync(folder)) {
    for (const {name, content} of contents) if (content) await writeFileAtomic(join(folder, name), content);
    return;
  }
  // In one step, as readers of runs look at every folder.
  const draft = join(root, 'cache', 'stores', id);
  mkdirSync(dirname(draft), {recursive: true});
  await rm(draft, {recursive: true, force: true});
  await mkdir(draft);
  for (const {name, content} of contents) if (content) await writeFile(join(draft, name), content);
  await writeFile(join(draft, fetchedFrom), `${store}\n`);
  await rename(draft, folder);
}
