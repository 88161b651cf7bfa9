/** Checks byte for byte whether a folder of the cache is what was committed. Nothing here throws because of what it finds. */
import {statSync} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {type Digest, digestOf, type Json} from '../../../core/base/canonical.ts';
import {codeOf, digestOfFile, readText, walk} from '../../../core/base/files.ts';
import type {Manifest} from '../../stages/stage.ts';

export const manifestName = 'manifest.json';

/** The folder of a fingerprint's entry. `root`: the cache's folder. */
export const entryFolder = (root: string, fingerprint: Digest): string =>
  join(root, fingerprint.slice(0, 2), fingerprint);

/** Of all folders that look like entries, in order. */
export async function* fingerprintsIn(root: string): AsyncIterable<Digest> {
  for (const prefix of (await readdir(root)).sort()) {
    const shelf = join(root, prefix);
    if (!/^[0-9a-f]{2}$/.test(prefix) || !statSync(shelf, {throwIfNoEntry: false})?.isDirectory()) continue;
    for (const name of (await readdir(shelf)).sort()) if (/^[0-9a-f]{64}$/.test(name)) yield name as Digest;
  }
}

export interface Damage {
  readonly file: string;
  /** Predicate for a message: `differs from its checksum`. */
  readonly reason: string;
  /** Inode of the inspected folder: distinguishes it from one that has replaced it. */
  readonly inode: number;
}

/** The manifest with its own digest; the text is the only one that `readManifest` accepts for it. */
export function sealManifest(parts: Omit<Manifest, 'self'>): {readonly manifest: Manifest; readonly text: string} {
  const manifest: Manifest = {...parts, self: digestOf(parts as unknown as Json)};
  return {manifest, text: textOf(manifest)};
}

const textOf = (manifest: Manifest): string => `${JSON.stringify(manifest, undefined, 2)}\n`;

/** The manifest that a text is, or what is wrong with it. */
export function parseManifest(text: string, fingerprint: Digest): Manifest | {readonly reason: string} {
  let parsed: Manifest;
  try {
    parsed = JSON.parse(text) as Manifest;
    // The same value must give the same text: a flipped bit in white space or in an escape counts, too.
    if (text !== textOf(parsed)) return {reason: 'is not as it was written'};
    const {self, ...parts} = parsed;
    if (parsed.format !== 1 || digestOf(parts as unknown as Json) !== self)
      return {reason: 'differs from its checksum'};
  } catch (error) {
    // Not JSON, or JSON that is not a manifest, such as `null`.
    return {reason: error instanceof SyntaxError ? 'is not JSON' : 'is not as it was written'};
  }
  return parsed.fingerprint === fingerprint ? parsed : {reason: `belongs to ${parsed.fingerprint.slice(0, 12)}`};
}

/** The manifest, or what is wrong with it; undefined if there is no entry. */
export function readManifest(folder: string, fingerprint: Digest): Manifest | Damage | undefined {
  let inode = 0;
  const damaged = (reason: string): Damage => ({file: manifestName, reason, inode});
  try {
    inode = statSync(folder).ino;
    const text = readText(join(folder, manifestName));
    const parsed = parseManifest(text, fingerprint);
    return 'reason' in parsed ? damaged(parsed.reason) : parsed;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && inode !== 0) return damaged('is missing');
    if (inode === 0 && (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR')) return undefined;
    return damaged(reasonOf(error));
  }
}

/** Verifies an entry: its manifest, that no file is missing or added, and each file's SHA-256. Undefined if there is no entry. */
export async function inspect(
  folder: string,
  fingerprint: Digest,
): Promise<{readonly manifest: Manifest} | Damage | undefined> {
  const manifest = readManifest(folder, fingerprint);
  if (manifest === undefined || 'reason' in manifest) return manifest;
  let inode = 0;
  let file = manifestName;
  try {
    inode = statSync(folder).ino;
    for (file of walk(folder)) {
      if (file !== manifestName && !Object.hasOwn(manifest.files, file)) {
        return {file, reason: 'is not part of the entry', inode};
      }
    }
    for (const [name, expected] of Object.entries(manifest.files)) {
      file = name;
      const found = await digestOfFile(join(folder, name));
      if (found.bytes !== expected.bytes) {
        return {file, reason: `has ${found.bytes} bytes instead of ${expected.bytes}`, inode};
      }
      if (found.sha256 !== expected.sha256) return {file, reason: 'differs from its checksum', inode};
    }
    return {manifest};
  } catch (error) {
    // Another process has removed the whole entry meanwhile. That is a miss, not damage.
    if (!isThere(folder)) return undefined;
    return {file, reason: codeOf(error) === 'ENOENT' ? 'is missing' : reasonOf(error), inode};
  }
}

const isThere = (path: string): boolean => statSync(path, {throwIfNoEntry: false}) !== undefined;

const reasonOf = (error: unknown): string =>
  codeOf(error) === 'EISDIR' || codeOf(error) === 'ENXIO'
    ? 'is not a file'
    : `cannot be read (${codeOf(error) ?? String(error)})`;
