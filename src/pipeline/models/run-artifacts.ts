/** Finds the files that the stages of a run left in the cache. */
import {join} from 'node:path';
import type {Digest} from '../../core/base/canonical.ts';
import {digestOfFile} from '../../core/base/files.ts';
import type {SourceFile} from '../../core/contracts/dataset.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {hasTodaysKernels, type StageKey} from '../plan/fingerprint.ts';
import {StageError} from '../stages/shared.ts';
import type {Cache, Entry} from '../store/cache/cache.ts';
import type {RunRecord} from '../store/runs/record.ts';

/** Id of a run's stage → its files, verified. If they are gone, methods throw a `StageError` that says how to make them again. */
export class RunArtifacts {
  readonly #record: RunRecord;
  readonly #cache: Cache;
  readonly #plugins: Plugins;
  readonly #found = new Map<string, Promise<Entry>>();

  constructor(record: RunRecord, cache: Cache, plugins: Plugins) {
    this.#record = record;
    this.#plugins = plugins;
    this.#cache = cache;
  }

  entry(stage: string): Promise<Entry> {
    const known = this.#found.get(stage) ?? this.#find(stage);
    this.#found.set(stage, known);
    return known;
  }

  async file({stage, file}: {readonly stage: string; readonly file: string}): Promise<string> {
    return join((await this.entry(stage)).folder, file);
  }

  async #find(id: string): Promise<Entry> {
    const {label, fingerprint, node, status, message} = this.#record.stages.find((stage) => stage.id === id)!;
    if (fingerprint === undefined)
      throw new StageError(
        `run ${this.#record.id} has no result of "${label}": ${status}${message ? ` (${message})` : ''}`,
        this.#again(),
      );
    const entry = await this.#cache.find(fingerprint as Digest);
    if (entry && !hasTodaysKernels(node, entry.manifest.key as unknown as StageKey))
      throw new StageError(
        `the result of "${label}" may be wrong: it was computed before the engines' kernels were checked`,
        this.#again(),
      );
    if (entry) {
      const {code} = entry.manifest.key as unknown as StageKey;
      const changed = code && this.#changedCode(code);
      if (changed) throw new StageError(`${changed} is not the code that "${label}" was computed with`, this.#again());
      return entry;
    }
    throw new StageError(`the result of "${label}" is no longer in the cache ${this.#cache.root}`, this.#again());
  }

  /** The first of the key's code files whose content differs from the file of that name in the plug-ins that are loaded now. */
  #changedCode(code: NonNullable<StageKey['code']>): string | undefined {
    const loaded = this.#plugins.modules.flatMap((module) => module.code ?? []);
    const other = Object.entries(code).find(([name, digest]) =>
      loaded.every((file) => file.name !== name || file.sha256 !== digest),
    );
    return other && (loaded.find(({name}) => name === other[0])?.path ?? other[0]);
  }

  #again(): string {
    const {command} = this.#record.environment;
    const words = Array.isArray(command) ? command.join(' ') : 'run <spec>';
    return `Compute it again: pipeline ${words}`;
  }
}

/**
 * The files that a learner's options name. Throws a `StageError` if one is gone or has changed since the run. `made`: what a stage of
 * that learner left.
 */
export async function filesOf(learner: PluginRef, plugins: Plugins, made: Entry): Promise<readonly SourceFile[]> {
  const {files} = plugins.get('learner', learner.type);
  const {type: _, ...options} = learner;
  const found = files?.(options);
  if (!found) return [];
  if (!found.ok) throw new StageError(found.failures[0]!.message, found.failures[0]!.hint);
  const {sources} = made.manifest.key as unknown as StageKey;
  for (const {name, path} of found.value) {
    if ((await digestOfFile(path)).sha256 === sources[name]) continue;
    throw new StageError(`${path} has changed since the run`, 'Restore the file, or run the spec again.');
  }
  return found.value;
}
