/** What a store must be able to do: a few operations on named bytes, of a bucket or of a folder. */

export interface Listed {
  readonly key: string;
  readonly bytes: number;
  /** Another whenever the object was written again. */
  readonly tag: string;
  /** ms since 1970, by the store's clock. */
  readonly written: number;
}

/** A part of an object: `bytes` of them from `from` on. */
export interface Range {
  readonly from: number;
  readonly bytes: number;
}

/** Keys have `/` between their parts. All operations throw `StoreError`. */
export interface ObjectStore {
  /** Undefined: there is no such object. */
  read(key: string, range?: Range): Promise<Buffer | undefined>;
  /** Bytes of it; undefined: there is no such object. */
  size(key: string): Promise<number | undefined>;
  /** In one step: readers find the old bytes or the new ones. */
  write(key: string, body: Uint8Array): Promise<void>;
  /** The same if there is no such object; false: there is one. Of many at once, one succeeds. */
  create(key: string, body: Uint8Array): Promise<boolean>;
  /** A file, in one step, whatever its size. `onBytes`: some more are on their way. */
  upload(key: string, path: string, bytes: number, onBytes?: (bytes: number) => void): Promise<void>;
  /** In order of their keys. */
  list(prefix: string): AsyncIterable<Listed>;
  remove(key: string): Promise<void>;
  /** Removes what uploads have left that were broken off before `before` (ms since 1970). */
  sweep(before: number): Promise<void>;
  /** Ends its connections. */
  close(): void;
}

/** `unreachable`: another time it may answer. `refused`: it does not let us, or is not there. */
export class StoreError extends Error {
  readonly kind: 'unreachable' | 'refused';
  readonly hint: string | undefined;

  constructor(kind: StoreError['kind'], message: string, hint?: string) {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }
}
