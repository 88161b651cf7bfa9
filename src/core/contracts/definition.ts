/** What every plug-in declares. Each kind has a file in this folder, and `test/contract/` checks every sentence there. */
import type {Static, TObject} from '../plugin/type.ts';

/** A plug-in by name with its options: in YAML, `type` and the keys beside it. */
export interface PluginRef {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** What every plug-in declares; validation, defaults, schema, docs, cache key and contract tests come from it. */
export interface Definition<K extends Kind, O extends TObject, C> {
  readonly kind: K;
  /** As in YAML; written by hand, never derived. */
  readonly name: string;
  /** Raise it when the same options give another result: part of the cache key. */
  readonly version: number;
  /** One sentence for `pipeline plugins`. */
  readonly summary: string;
  readonly paper?: string;
  readonly options: O;
  create(options: Static<O>): C;
}

export type Kind = 'dataset' | 'transform' | 'network' | 'learner' | 'classifier' | 'metric';
