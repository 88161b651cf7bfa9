/** Finds what stages have left in the cache beside a folder of runs. Damaged manifests count as absent. */
import {readdirSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {canonicalJson, type Digest, type Json} from '../../../core/base/canonical.ts';
import {statIfThere} from '../../../core/base/files.ts';
import {groupBy} from '../../../core/base/group.ts';
import type {Manifest} from '../../stages/stage.ts';
import {findManifest} from '../cache/artifact.ts';
import {entryFolder, manifestName} from '../cache/entry.ts';

/** The parts of a manifest that readers of runs need. The rest is dropped: its key may list a hundred thousand files. */
export interface Left extends Pick<Manifest, 'kind' | 'files' | 'summary'> {
  readonly fingerprint: Digest;
  /** Canonical JSON. */
  readonly recipe: string | undefined;
  readonly inputs: {readonly [role: string]: Digest};
  /** Id of the run that made it. */
  readonly run: string | undefined;
  /** ISO 8601, UTC. */
  readonly finished: string | undefined;
}

/** Path of the cache beside a run's folder. */
export const cacheOf = (folder: string): string => join(dirname(resolve(folder)), 'cache');

/** Manifests that were read, with the states of their files: runs share entries, and `pipeline ui` makes pages again and again. */
const known = new Map<string, {readonly state: string; readonly left: Left | undefined}>();

/** What a stage with this fingerprint has left; undefined: nothing, or its manifest is damaged. */
export function leftAt(cache: string, fingerprint: unknown): Left | undefined {
  if (typeof fingerprint !== 'string') return undefined;
  const path = join(entryFolder(cache, fingerprint as Digest), manifestName);
  const stat = statIfThere(path);
  if (!stat) return undefined;
  const state = `${stat.ino} ${stat.size} ${stat.ctimeNs}`;
  const before = known.get(path);
  if (before?.state === state) return before.left;
  const found = findManifest(cache, fingerprint as Digest);
  const left = found.ok ? leftOf(found.value) : undefined;
  known.set(path, {state, left});
  return left;
}

const indexes = new Map<string, {readonly state: string; readonly index: ReadonlyMap<string, readonly Left[]>}>();

/**
 * All that stages of this kind with this recipe (canonical JSON) have left. Reads every manifest of the cache, and again only after the
 * cache has changed.
 */
export function leftByLike(cache: string, kind: string, recipe: string | undefined): readonly Left[] {
  const state = shelves(cache)
    .map((shelf) => `${shelf} ${statIfThere(shelf)?.mtimeNs}`)
    .join();
  let found = indexes.get(cache);
  if (found?.state !== state) {
    const all = shelves(cache).flatMap((shelf) => namesIn(shelf).flatMap((name) => leftAt(cache, name) ?? []));
    found = {state, index: groupBy(all, (left) => `${left.kind} ${left.recipe}`)};
    indexes.set(cache, found);
  }
  return found.index.get(`${kind} ${recipe}`) ?? [];
}

const shelves = (cache: string): readonly string[] =>
  namesIn(cache)
    .filter((name) => /^[0-9a-f]{2}$/.test(name))
    .map((name) => join(cache, name));

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // there is no cache, or it is not a folder
  }
}

function leftOf({kind, key, files, summary, fingerprint, provenance}: Manifest): Left {
  const {recipe, inputs = {}} = key as {readonly recipe?: Json; readonly inputs?: Left['inputs']};
  const {run, finished} = (provenance ?? {}) as {readonly run?: string; readonly finished?: string};
  return {kind, files, summary, fingerprint, recipe: canonicalOf(recipe), inputs, run, finished};
}

/** Canonical JSON of a value; undefined if the value is not JSON. */
export function canonicalOf(value: unknown): string | undefined {
  try {
    return canonicalJson(value as Json);
  } catch {
    return undefined;
  }
}
