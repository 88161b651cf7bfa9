/** Files of a run's stages, as far as the cache still has them. */
import {join} from 'node:path';
import {fail, type Result} from '../../core/base/result.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {Manifest} from '../../pipeline/stages/stage.ts';
import {findFile, findManifest} from '../../pipeline/store/cache/artifact.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';

export class Artifacts {
  readonly #root: string;
  readonly #stages: ReadonlyMap<string, StageRecord>;
  readonly #found = new Map<string, Promise<Result<string, Problem>>>();

  /** `root`: the cache's folder. */
  constructor(record: RunRecord, root: string) {
    this.#root = root;
    this.#stages = new Map(record.stages.map((stage) => [stage.id, stage]));
  }

  /** The stage that makes an input of this one. */
  maker({node}: StageRecord, role: string): StageRecord | undefined {
    return this.#stages.get(node.inputs[role]?.stage ?? '');
  }

  manifest(stage: StageRecord): Result<Manifest, Problem> {
    return stage.fingerprint ? findManifest(this.#root, stage.fingerprint) : fail(unmade(stage));
  }

  /** The path of a file that a stage has left, verified once. */
  file(stage: StageRecord, name: string): Promise<Result<string, Problem>> {
    if (!stage.fingerprint) return Promise.resolve(fail(unmade(stage)));
    const key = join(stage.fingerprint, name);
    const found = this.#found.get(key) ?? findFile(this.#root, stage.fingerprint, name);
    this.#found.set(key, found);
    return found;
  }
}

const unmade = ({label, status}: StageRecord): Problem => ({
  message: `the stage "${label}" has no result; its status is "${status}"`,
});
