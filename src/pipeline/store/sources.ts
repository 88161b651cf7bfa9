/**
 * Digests of the files that stages read from outside (datasets, code of plug-ins), remembered between runs in
 * `<cache>/sources.json`: hashing a dataset anew would cost a no-op run most of its time.
 */
import {join, resolve} from 'node:path';
import {type Digest, digestOf} from '../../core/base/canonical.ts';
import {digestOfFile, readTextIfThere, stateOf, writeFileAtomic} from '../../core/base/files.ts';

export interface FileDigests {
  /** Of the file as it is now; hashed at most once a session unless it changes. */
  digest(path: string): Promise<Digest>;
  /** The same, with the state that the file was in before it was hashed. */
  look(path: string): Promise<Remembered>;
  /** Hashed anew, whatever is remembered. */
  rehash(path: string): Promise<Digest>;
  /** Writes what was learnt for the next run, if that can be: nothing but time is lost otherwise. */
  save(): Promise<void>;
}

type Remembered = {
  /** As `stateOf` says. */
  readonly state: string;
  readonly sha256: Digest;
};

/**
 * A file that was written this lately may be written again without a change of its times, where clocks are coarse: what
 * it had in between is not remembered.
 */
const settled = 2_000_000_000n;

export function openFileDigests(cacheRoot: string): FileDigests {
  const place = join(cacheRoot, 'sources.json');
  const known = new Map(Object.entries(load(place)));
  const learnt = new Map<string, Remembered>();
  const hashing = new Map<string, Promise<Digest>>();

  const hash = async (path: string): Promise<Digest> => {
    const before = stateOf(path);
    const now = BigInt(Date.now()) * 1_000_000n;
    const {sha256} = await digestOfFile(path);
    const quiet = before.times.every((time) => now - time > settled) && stateOf(path).state === before.state;
    if (quiet) {
      known.set(path, {state: before.state, sha256});
      learnt.set(path, {state: before.state, sha256});
    } else {
      known.delete(path);
      learnt.delete(path);
    }
    return sha256;
  };

  const look: FileDigests['look'] = async (relative) => {
    const path = resolve(relative);
    const {state} = stateOf(path);
    const remembered = known.get(path);
    if (remembered?.state === state) return remembered;
    const job = `${path} ${state}`;
    const running = hashing.get(job) ?? hash(path).finally(() => hashing.delete(job));
    hashing.set(job, running);
    return {state, sha256: await running};
  };

  return {
    look,
    digest: async (path) => (await look(path)).sha256,
    rehash: (path) => hash(resolve(path)),
    async save() {
      if (learnt.size === 0) return;
      // What other runners have learnt meanwhile stays; of two that write at once, one's news are learnt again some day.
      const files = {...load(place), ...Object.fromEntries(learnt)};
      await writeFileAtomic(place, `${JSON.stringify({format: 1, self: digestOf(files), files})}\n`).catch(
        () => undefined,
      );
      learnt.clear();
    },
  };
}

type Files = {readonly [path: string]: Remembered};

/** What the file says when it is whole; anything else is no loss. */
function load(place: string): Files {
  try {
    const {format, self, files} = JSON.parse(readTextIfThere(place) ?? '{}') as {
      format?: number;
      self?: Digest;
      files: Files;
    };
    return format === 1 && digestOf(files) === self ? files : {};
  } catch {
    return {};
  }
}
