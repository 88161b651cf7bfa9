/** What every plug-in says of itself. Each kind has a page in this folder, and every sentence there is held by `test/contract/`. */
import type {Static, TObject} from '../plugin/type.ts';

/** A plug-in by name with its options: what stands in YAML under `type` and beside it. */
export interface PluginRef {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** What every plug-in says of itself; validation, defaults, schema, docs, cache key and contract tests come from it. */
export interface Definition<K extends Kind, O extends TObject, C> {
  readonly kind: K;
  /** As written in YAML; by hand, never derived. */
  readonly name: string;
  /** Bump when the same options give another result: part of the cache key. */
  readonly version: number;
  /** One sentence for `pipeline plugins`. */
  readonly summary: string;
  readonly paper?: string;
  readonly options: O;
  create(options: Static<O>): C;
}

export type Kind = 'dataset' | 'transform' | 'network' | 'learner' | 'classifier' | 'metric';
