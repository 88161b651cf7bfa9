import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const archives = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

export interface TemporaryFolder {
  readonly folder: string;
  remove(): void;
}

/** True: tests of it are skipped; their titles say `(needs <name>.tar.gz)`. */
export const noArchive = (name: string): boolean => !existsSync(join(archives, `${name}.tar.gz`));

export function temporaryFolder(name: string): TemporaryFolder {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  return {folder, remove: () => rmSync(folder, {recursive: true})};
}

/** What an archive of real data unpacks to: all of it, or the paths named. */
export function unpackedArchive(name: string, paths: readonly string[] = []): TemporaryFolder {
  const place = temporaryFolder(name);
  const archive = join(archives, `${name}.tar.gz`);
  const {status, stderr} = spawnSync('tar', ['xzf', archive, '-C', place.folder, ...paths], {encoding: 'utf8'});
  if (status !== 0) throw new Error(`unpacking ${archive} failed: ${stderr}`);
  return place;
}
