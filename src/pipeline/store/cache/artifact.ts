/**
 * Verifies one file of a cache entry, for readers who need a curve and not the weights beside it. It changes nothing in the cache,
 * so the cache may be read while others write.
 */
import {join} from 'node:path';
import type {Digest} from '../../../core/base/canonical.ts';
import {codeOf, digestOfFile} from '../../../core/base/files.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import type {Manifest} from '../../stages/stage.ts';
import {entryFolder, readManifest} from './entry.ts';

/** The manifest of the entry that a stage has left under `root`, the cache's folder. */
export function findManifest(root: string, fingerprint: Digest): Result<Manifest, Problem> {
  const manifest = readManifest(entryFolder(root, fingerprint), fingerprint);
  if (manifest === undefined) return fail(gone(fingerprint));
  return 'reason' in manifest ? fail(damaged(fingerprint, `${manifest.file} ${manifest.reason}`)) : succeed(manifest);
}

/** The path of one of its files, after its bytes were verified. */
export async function findFile(root: string, fingerprint: Digest, name: string): Promise<Result<string, Problem>> {
  const manifest = findManifest(root, fingerprint);
  if (!manifest.ok) return manifest;
  const expected = manifest.value.files[name];
  if (!expected) return fail({message: `the stage "${manifest.value.label}" has left no ${name}`});
  const path = join(entryFolder(root, fingerprint), name);
  try {
    const {sha256} = await digestOfFile(path);
    return sha256 === expected.sha256 ? succeed(path) : fail(damaged(fingerprint, `${name} differs from its checksum`));
  } catch (error) {
    return fail(damaged(fingerprint, `${name} cannot be read (${codeOf(error) ?? String(error)})`));
  }
}

const again = 'Run the spec again to compute it again.';

const gone = (fingerprint: Digest): Problem => ({
  message: `cache entry ${fingerprint.slice(0, 12)} is no longer in the cache: it was pruned`,
  hint: again,
});

const damaged = (fingerprint: Digest, what: string): Problem => ({
  message: `cache entry ${fingerprint.slice(0, 12)} is damaged: ${what}`,
  hint: again,
});
