/**
 * Folders for checkpoints, which survive crashes. Each holder of a fingerprint's lock has its own: `<fingerprint>.<fence>`. A new holder
 * renames the folder of the one before. A process that was taken for dead and still writes then finds no folder, and harms no checkpoint.
 */
import {mkdirSync, readdirSync, renameSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import type {Digest} from '../../../core/base/canonical.ts';
import {codeOf} from '../../../core/base/files.ts';

interface Left {
  readonly name: string;
  readonly fingerprint: Digest;
  readonly fence: number;
}

/** All such folders in `root`, including those of earlier versions, which have no fence. */
export const scratchIn = (root: string): readonly Left[] =>
  readdirSync(root).flatMap((name) => {
    const [, fingerprint, fence = '0'] = /^([0-9a-f]{64})(?:\.(\d{1,15}))?$/.exec(name) ?? [];
    return fingerprint === undefined ? [] : [{name, fingerprint: fingerprint as Digest, fence: Number(fence)}];
  });

/** The largest fence that has a folder; 0 if none has. */
export const highestFence = (root: string, fingerprint: Digest): number =>
  Math.max(0, ...scratchIn(root).flatMap((left) => (left.fingerprint === fingerprint ? [left.fence] : [])));

/** Makes the folder of this holder, with what the latest holder before it has left. `clear` moves away what is not a folder. */
export function takeScratch(root: string, fingerprint: Digest, fence: number, clear: (folder: string) => void): string {
  const folder = join(root, `${fingerprint}.${fence}`);
  const before = scratchIn(root)
    .filter((left) => left.fingerprint === fingerprint && left.fence < fence)
    .sort((a, b) => b.fence - a.fence);
  for (const {name} of before) {
    clear(join(root, name));
    try {
      renameSync(join(root, name), folder);
      break;
    } catch (error) {
      // Its own holder has just made it again or removed it; or ours is there already.
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    }
  }
  clear(folder);
  mkdirSync(folder, {recursive: true});
  return folder;
}

/** Removes what this holder and those before it have left. */
export async function dropScratch(root: string, fingerprint: Digest, fence: number): Promise<void> {
  for (const left of scratchIn(root))
    if (left.fingerprint === fingerprint && left.fence <= fence)
      await rm(join(root, left.name), {recursive: true, force: true});
}
