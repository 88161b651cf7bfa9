/**
 * `runs/<id>/jobs/<batch>/`: what an array of jobs is to do, and what came of it. `batch.json` has what all its elements share,
 * `<index>.json` what one does, `<index>.log` what it prints; each attempt leaves its events in `<index>.<attempt>.ndjson`, whose
 * `run-finished` is the record of its end.
 */
import {randomBytes} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Digest} from '../../core/base/canonical.ts';
import {codeOf, writeFileAtomic} from '../../core/base/files.ts';
import type {EngineChoice} from '../../core/engine/engines.ts';
import type {ModuleRef} from '../../core/plugin/code.ts';
import type {StageNode} from '../stages/stage.ts';
import {logName} from './script.ts';
import type {Unit} from './units.ts';

/** What all jobs of a run have in common. */
export interface BatchFile {
  readonly run: string;
  /** Name of the spec. */
  readonly name: string;
  /** Absolute. */
  readonly cache: string;
  /** Of the user's own plug-ins. */
  readonly modules: readonly ModuleRef[];
  readonly engine: {readonly choice: EngineChoice; readonly threads: number};
  /** Seconds. */
  readonly checkpointEvery: number;
  readonly profile: boolean;
  /** Of this package: a node must have the same. */
  readonly version: string;
}

export interface ElementFile {
  /** Stages to run. */
  readonly nodes: readonly StageNode[];
  /** Stages in the cache that they read. */
  readonly given: readonly {readonly node: StageNode; readonly fingerprint: Digest}[];
  /** The stages that begin its units. */
  readonly roots: readonly {readonly id: string; readonly fingerprint: Digest}[];
  /** So many stages compute tensors side by side. */
  readonly jobs: number;
}

/** Makes `<folder>/<batch>` and returns the batch's name; of two drivers each gets its own. */
export function newBatch(folder: string): string {
  mkdirSync(folder, {recursive: true});
  for (let number = readdirSync(folder).length + 1; ; number++) {
    try {
      mkdirSync(join(folder, `b${number}`));
      return `b${number}`;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

export async function writeBatch(
  folder: string,
  batch: BatchFile,
  elements: readonly ElementFile[],
  script: string,
): Promise<void> {
  await writeFileAtomic(join(folder, 'batch.json'), `${JSON.stringify(batch, undefined, 2)}\n`);
  await writeFileAtomic(join(folder, 'script.sh'), script);
  for (const [index, element] of elements.entries())
    await writeFileAtomic(join(folder, `${index}.json`), `${JSON.stringify(element)}\n`);
}

/** `units` share a job; `fingerprints`: of their roots. */
export function elementOf(
  units: readonly Unit[],
  stages: ReadonlyMap<string, StageNode>,
  fingerprints: ReadonlyMap<string, Digest>,
): ElementFile {
  const given = new Map(units.flatMap((unit) => [...unit.given]));
  return {
    nodes: units.flatMap(({nodes}) => nodes),
    given: [...given].map(([id, fingerprint]) => {
      // What made it does not matter any more.
      return {node: {...stages.get(id)!, inputs: {}, sources: [], recipe: {}}, fingerprint};
    }),
    roots: units.map(({root}) => ({id: root.id, fingerprint: fingerprints.get(root.id)!})),
    jobs: units.length,
  };
}

const read = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

export const readBatch = (folder: string): BatchFile => read(join(folder, 'batch.json'));
export const readElement = (folder: string, index: number): ElementFile => read(join(folder, `${index}.json`));
export const isElement = (folder: string, index: number): boolean => existsSync(join(folder, `${index}.json`));

/** A new name for the log of an attempt: a job that is requeued, or is by mistake run twice, leaves one each time. */
export const attemptFile = (folder: string, index: number, job: string): string =>
  join(folder, `${index}.${job}-${randomBytes(3).toString('hex')}.ndjson`);

/** Logs of attempts so far: index → paths. */
export function attemptsIn(folder: string): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const name of namesIn(folder)) {
    const index = /^(\d+)\..+\.ndjson$/.exec(name)?.[1];
    if (index === undefined) continue;
    const paths = found.get(Number(index));
    if (paths) paths.push(join(folder, name));
    else found.set(Number(index), [join(folder, name)]);
  }
  return found;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ESTALE'].includes(codeOf(error) ?? '')) return [];
    throw error;
  }
}

/** Lines of a job's log that are shown when it failed without a word. */
const tailLines = 12;

/** How a job's log ends; empty: it has printed nothing. */
export function logTail(folder: string, index: number): string {
  try {
    const text = readFileSync(join(folder, logName(index)), 'utf8')
      .slice(-8000)
      .trimEnd();
    return text.split('\n').slice(-tailLines).join('\n');
  } catch {
    return '';
  }
}
