/**
 * A cache of this machine in front of a store: what is not here is fetched and verified, what is computed here is pushed. It is a `Cache`
 * like the one behind it: who runs stages does not know that there is a store.
 */
import type {Digest} from '../../../core/base/canonical.ts';
import type {Lock} from '../../../core/base/lock.ts';
import {bytes as bytesText} from '../../../core/base/text.ts';
import type {Cache, Entry} from '../cache/cache.ts';
import type {Draft} from '../cache/draft.ts';
import {fetchFiles, remoteManifest} from './entries.ts';
import type {Journal} from './journal.ts';
import {type RemoteLease, takeLease} from './lease.ts';
import {DamagedCopy, type ObjectStore} from './objects.ts';
import type {Pushes} from './pushes.ts';
import {gone, type Reach} from './reach.ts';

export interface SharedCacheOptions {
  readonly objects: ObjectStore;
  readonly reach: Reach;
  readonly journal: Journal;
  /** Absent: nothing is written to the store. */
  readonly pushes?: Pushes;
  readonly damaged: Set<Digest>;
  warn(message: string): void;
  note(message: string): void;
  onFetched(bytes: number): void;
}

export interface SharedCache extends Cache {
  /** When all leases are given back that were not handed to pushes. */
  settled(): Promise<unknown>;
}

/** Bytes of an entry whose fetching takes so long that people hear of it. */
const large = 100_000_000;

/** What is fetched is whole or dropped, whoever else fetches it: no lock is needed. */
const anybody: Lock = {fence: 0, lost: new AbortController().signal, renew: () => true, release() {}};

export function openSharedCache(local: Cache, options: SharedCacheOptions): SharedCache {
  const {objects, reach, journal, pushes, damaged, warn, note, onFetched} = options;
  const leases = new WeakMap<Lock, RemoteLease>();
  const releasing = new Set<Promise<void>>();
  const giveBack = (lease: RemoteLease | undefined): void => {
    const given = lease?.release().finally(() => releasing.delete(given!));
    if (given) releasing.add(given);
  };

  async function fetch(fingerprint: Digest): Promise<Entry | undefined> {
    if (damaged.has(fingerprint)) return undefined; // said once
    let draft: Draft | undefined;
    try {
      const manifest = await reach.attempt(() => remoteManifest(objects, fingerprint));
      if (manifest === gone || manifest === undefined) return undefined;
      draft = await local.begin(fingerprint, anybody);
      const {folder} = draft;
      let bytes = 0;
      const size = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
      if (size > large) note(`fetching "${manifest.label}" from the store (${bytesText(size)})`);
      const fetched = await reach.attempt(() =>
        fetchFiles(objects, manifest, folder, (more) => {
          bytes += more;
        }),
      );
      if (fetched === gone) return undefined;
      const {format: _, files: __, self: ___, ...parts} = manifest;
      const entry = await draft.commit(parts);
      journal.there(fingerprint);
      onFetched(bytes);
      return {...entry, fetched: true};
    } catch (error) {
      if (!(error instanceof DamagedCopy)) throw error;
      damaged.add(fingerprint);
      warn(
        `the store's copy of ${fingerprint.slice(0, 12)} is damaged: ${error.message}. It is not used${pushes ? ', and is replaced when it has been computed' : ''}.`,
      );
      return undefined;
    } finally {
      await draft?.discard();
    }
  }

  return {
    ...local,
    settled: () => Promise.all(releasing),

    async find(fingerprint) {
      const entry = await local.find(fingerprint);
      if (entry) pushes?.add(entry);
      return entry ?? (await fetch(fingerprint));
    },

    async lock(fingerprint, lockOptions = {}) {
      const own = await local.lock(fingerprint, lockOptions);
      if (!pushes) return own;
      try {
        const {signal: user} = lockOptions;
        const lease = await reach.attempt(async (here) => {
          const signal = user ? AbortSignal.any([user, here]) : here;
          const taken = await takeLease(objects, fingerprint, {...lockOptions, signal});
          if (here.aborted) await taken.release(); // nobody waits for it any more
          return taken;
        });
        if (lease === gone) return own;
        const lock: Lock = {
          fence: own.fence,
          lost: AbortSignal.any([own.lost, lease.lost]),
          renew: () => own.renew() && !lease.lost.aborted,
          release() {
            own.release();
            giveBack(leases.get(lock));
          },
        };
        leases.set(lock, lease);
        return lock;
      } catch (error) {
        own.release();
        throw error;
      }
    },

    async begin(fingerprint, lock) {
      const draft = await local.begin(fingerprint, lock);
      return {
        ...draft,
        async commit(parts) {
          const entry = await draft.commit(parts);
          pushes?.add(entry, leases.get(lock));
          leases.delete(lock); // whoever pushes it gives it back
          return entry;
        },
      };
    },
  };
}
