/** What a store must be able to do: a few operations on named bytes, of a bucket or of a folder. */

export interface Listed {
  readonly key: string;
  readonly bytes: number;
  /** Another whenever the object was written again. */
  readonly tag: string;
  /** ms since 1970, by the store's clock. */
  readonly written: number;
  /** What lies there is not an object; a predicate for a message: `is a folder, not a file`. Its `bytes` are 0. */
  readonly damage?: string;
}

/** A part of an object: `bytes` of them from `from` on. */
export interface Range {
  readonly from: number;
  readonly bytes: number;
}

/** Keys have `/` between their parts, of which there are at most three. All operations throw `StoreError`. */
export interface ObjectStore {
  /** Undefined: there is no such object. Throws `DamagedCopy` where something else lies in its place. */
  read(key: string, range?: Range): Promise<Buffer | undefined>;
  /** Bytes of it; undefined: there is no such object, whatever lies in its place. */
  size(key: string): Promise<number | undefined>;
  /** In one step: readers find the old bytes or the new ones. What lies in its place is replaced. */
  write(key: string, body: Uint8Array): Promise<void>;
  /** The same if there is no such object; false: there is one. Of many at once, one succeeds. */
  create(key: string, body: Uint8Array): Promise<boolean>;
  /** A file, in one step, whatever its size. `onBytes`: some more are on their way. */
  upload(key: string, path: string, bytes: number, onBytes?: (bytes: number) => void): Promise<void>;
  /** In order of their keys. */
  list(prefix: string): AsyncIterable<Listed>;
  /** A folder in its place may be somebody's work: it is moved aside. Returns where it is then. */
  remove(key: string): Promise<string | undefined>;
  /** Removes what uploads have left that were broken off before `before` (ms since 1970). */
  sweep(before: number): Promise<void>;
  /** Ends its connections, and what is not answered yet; nothing can be asked afterwards. */
  close(): void;
}

/** What lies in the store is not what was put there. The message is a predicate: `differs from its checksum`. */
export class DamagedCopy extends Error {}

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
