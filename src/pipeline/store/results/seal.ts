/**
 * Is the results database as we left it? Its digest is kept beside it (`results.duckdb.seal`): DuckDB's own checksums don't tell
 * blocks that have changed places, and would answer with other numbers.
 */
import {existsSync, lstatSync, statSync} from 'node:fs';
import {type Digest, digestOf} from '../../../core/base/canonical.ts';
import {codeOf, digestOfFile, moveAway, readTextIfThere, writeFileAtomic} from '../../../core/base/files.ts';

export const sealOf = (file: string): string => `${file}.seal`;

/** DuckDB's log of changes, which we never leave: a program that does has changed the tables. */
export const logOf = (file: string): string => `${file}.wal`;

/** Device, inode, size and times: while they are the same, the digest need not be taken again. */
function stateOf(file: string): string | undefined {
  const found = statSync(file, {bigint: true, throwIfNoEntry: false});
  if (!found?.isFile()) return undefined;
  const {dev, ino, size, mtimeNs, ctimeNs} = found;
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Says that the file is now as it is to be. */
export async function seal(file: string): Promise<void> {
  const {sha256} = await digestOfFile(file);
  if (!(lstatSync(sealOf(file), {throwIfNoEntry: false})?.isFile() ?? true)) moveAway(sealOf(file), 'damaged');
  const content = {state: stateOf(file)!, sha256};
  await writeFileAtomic(sealOf(file), `${JSON.stringify({...content, self: digestOf(content)})}\n`);
}

/** False, too, where there is no file or no seal. Throws only where files may not be read. */
export async function isSealed(file: string): Promise<boolean> {
  try {
    if (existsSync(logOf(file))) return false;
    const {self, ...content} = JSON.parse(readTextIfThere(sealOf(file)) ?? '{}') as {
      readonly self?: Digest;
      readonly state: string;
      readonly sha256: Digest;
    };
    const state = stateOf(file);
    if (state === undefined || self === undefined || digestOf(content) !== self) return false;
    return state === content.state || (await digestOfFile(file)).sha256 === content.sha256;
  } catch (error) {
    if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') throw error;
    return false; // whatever lies there is not a seal of ours
  }
}
