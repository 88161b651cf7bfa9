/**
 * Names in a store. Files are blobs, named by their content: equal bytes lie there once, and are never written again. The record of an
 * entry, a manifest, is the one name whose content somebody chooses.
 */
import type {Digest} from '../../../core/base/canonical.ts';

export const folders = {blobs: 'blobs/', entries: 'entries/', leases: 'leases/', runs: 'runs/'} as const;

const shelf = (digest: string): string => `${digest.slice(0, 2)}/${digest}`;

export const blobKey = (sha256: Digest): string => `${folders.blobs}${shelf(sha256)}`;
export const entryKey = (fingerprint: Digest): string => `${folders.entries}${shelf(fingerprint)}.json`;
/** Of all leases on a fingerprint; the highest number holds. */
export const leasePrefix = (fingerprint: Digest): string => `${folders.leases}${shelf(fingerprint)}.`;
export const leaseKey = (fingerprint: Digest, fence: number): string => `${leasePrefix(fingerprint)}${fence}`;
export const runPrefix = (run: string): string => `${folders.runs}${run}/`;

/** The digest that a key of a blob or an entry names; undefined: the key is not one of ours. */
export const digestIn = (key: string): Digest | undefined => {
  const found = /\/([0-9a-f]{2})\/(\1[0-9a-f]{62})(\.json)?$/.exec(key);
  return found ? (found[2] as Digest) : undefined;
};
