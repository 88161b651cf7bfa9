/** Where stages are computed if not by workers of this process: what `execute` asks of it. */
import type {Digest} from '../../core/base/canonical.ts';
import type {Emit} from '../events.ts';
import type {StageNode} from '../stages/stage.ts';

export interface Elsewhere {
  /** Called first, once. `signal`: the run is to stop; every promise of `obtain` then resolves as soon as nothing of it goes on. */
  begin(run: {readonly graph: readonly StageNode[]; readonly emit: Emit; readonly signal: AbortSignal}): void;
  /** More stages that may be asked for. */
  grow(stages: readonly StageNode[]): void;
  /** A stage is in the cache: others may read it. */
  has(stage: string, fingerprint: Digest): void;
  /** A stage is computed already, beside one that was asked for: `obtain` tells how it ends. */
  isUnderWay(stage: string): boolean;
  /** Has a stage computed that is not cached and whose inputs are there. Its result is then in the cache. */
  obtain(node: StageNode, fingerprint: Digest): Promise<Obtained>;
  /** What it took, in a sentence for people; undefined: nothing was computed. */
  sum(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** What became of a stage elsewhere; `cached`: somebody else had computed it meanwhile. */
export type Obtained =
  | {readonly status: 'computed'}
  | {readonly status: 'cached'}
  | {readonly status: 'failed'; readonly message: string; readonly hint?: string}
  | {readonly status: 'interrupted'};
