/**
 * Is the results database as we left it? Its digest is kept beside it (`results.duckdb.seal`), because DuckDB's own checksums do not
 * notice blocks that have changed places, and DuckDB would answer with wrong numbers.
 */
import {existsSync, lstatSync, statSync} from 'node:fs';
import {type Digest, digestOf} from '../../../core/base/canonical.ts';
import {codeOf, digestOfFile, moveAway, readTextIfThere, writeFileAtomic} from '../../../core/base/files.ts';

export const sealOf = (file: string): string => `${file}.seal`;

/** DuckDB's log of changes. We never leave one, so if there is one, another program has changed the tables. */
export const logOf = (file: string): string => `${file}.wal`;

/** Device, inode, size and times. While they are the same, the digest is not computed again. */
function stateOf(file: string): string | undefined {
  const found = statSync(file, {bigint: true, throwIfNoEntry: false});
  if (!found?.isFile()) return undefined;
  const {dev, ino, size, mtimeNs, ctimeNs} = found;
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Records that the file is now as it should be. */
export async function seal(file: string): Promise<void> {
  const {sha256} = await digestOfFile(file);
  if (!(lstatSync(sealOf(file), {throwIfNoEntry: false})?.isFile() ?? true)) moveAway(sealOf(file), 'damaged');
  const content = {state: stateOf(file)!, sha256};
  await writeFileAtomic(sealOf(file), `${JSON.stringify({...content, self: digestOf(content)})}\n`);
}

/** Also false if there is no file or no seal. Throws only if we are not permitted to read them. */
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
    return false; // what is there is not a seal of ours
  }
}
