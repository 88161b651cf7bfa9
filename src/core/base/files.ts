/** Files that are complete or absent: atomic writes, streamed digests, walking. Locks are in `lock.ts`. */
import {createHash, randomBytes} from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';
import {type FileHandle, mkdir, open, rename, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {type Digest, sha256} from './canonical.ts';

export interface FileDigest {
  readonly bytes: number;
  readonly sha256: Digest;
}

/**
 * Writes a file in one step: whoever opens `path`, even after a power cut, finds either the complete old content or the complete
 * new content. The temporary file is in the same folder, so that the last step is a rename within one file system.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, {recursive: true});
  const draft = join(folder, `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, {force: true});
    throw error;
  }
  await syncToDisk(folder);
}

/**
 * Waits until a file's content, or a folder's own entries (a new name, a rename), would survive a power cut. Wait for independent
 * ones together: the file system then writes its journal only once.
 */
export async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Opens a file for reading. Throws where something else lies: a folder; a named pipe, for whose other end an open would wait for ever; a
 * device, which may have no end.
 */
export function openToRead(path: string): number {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const stat = fstatSync(file);
  if (stat.isFile()) return file;
  closeSync(file);
  const code = stat.isDirectory() ? 'EISDIR' : 'ENXIO';
  throw Object.assign(new Error(`${code}: ${path} is not a file`), {code, path});
}

/** A whole file; throws as `openToRead` does. */
export function readBytes(path: string): Buffer {
  const file = openToRead(path);
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** So many bytes of an open file from `from` on; fewer where it ends before. */
export async function readRange(file: FileHandle, from: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  let filled = 0;
  while (filled < bytes) {
    const {bytesRead} = await file.read(buffer, filled, bytes - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Its text. */
export const readText = (path: string): string => readBytes(path).toString('utf8');

// Small files are read synchronously into one buffer: a no-op run verifies thousands of them, and round trips to the thread pool
// would cost several times the work. Large files are streamed, to limit memory and to keep the event loop free.
const small = Buffer.allocUnsafe(256 * 1024);
const chunk = 4 * 1024 * 1024;

/** SHA-256 and size of a file, in constant memory. An abort takes effect between chunks. */
export async function digestOfFile(path: string, signal?: AbortSignal): Promise<FileDigest> {
  return digestOfSmall(path) ?? (await digestOfLarge(path, signal));
}

/** Undefined when the file is not small. */
function digestOfSmall(path: string): FileDigest | undefined {
  const file = openToRead(path);
  try {
    for (let bytes = 0; bytes < small.length; ) {
      const read = readSync(file, small, bytes, small.length - bytes, bytes);
      if (read === 0) return {bytes, sha256: sha256(small.subarray(0, bytes))};
      bytes += read;
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}

async function digestOfLarge(path: string, signal: AbortSignal | undefined): Promise<FileDigest> {
  const file = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    // Two buffers: the next chunk is read while the last one is hashed.
    const buffers = [Buffer.allocUnsafe(chunk), Buffer.allocUnsafe(chunk)];
    let bytes = 0;
    let pending = file.read(buffers[0]!, 0, chunk, 0);
    for (let turn = 0; ; turn++) {
      const {bytesRead} = await pending;
      signal?.throwIfAborted();
      if (bytesRead === 0) return {bytes, sha256: hash.digest('hex') as Digest};
      bytes += bytesRead;
      pending = file.read(buffers[(turn + 1) % 2]!, 0, chunk, bytes);
      hash.update(buffers[turn % 2]!.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/**
 * Everything in a folder, at any depth, that is not a folder (files, links and so on): relative paths with `/`, sorted by code
 * unit.
 */
export function walk(folder: string): readonly string[] {
  const found: string[] = [];
  const visit = (prefix: string): void => {
    for (const entry of readdirSync(join(folder, prefix), {withFileTypes: true})) {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else found.push(path);
    }
  };
  visit('');
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/**
 * Device, inode, size, and times of content and of inode (ns), also of the link where it is one: what was written to, replaced
 * or linked to another file since differs in one of them, even if its content and its time were put back.
 */
export function stateOf(path: string): {readonly state: string; readonly times: readonly bigint[]} {
  const {dev, ino, size, mtimeNs, ctimeNs} = statSync(path, {bigint: true});
  const link = lstatSync(path, {bigint: true});
  const own = link.isSymbolicLink() ? [link.ino, link.ctimeNs] : [];
  return {state: [dev, ino, size, mtimeNs, ctimeNs, ...own].join(' '), times: [mtimeNs, ctimeNs]};
}

/** What is known of a file or folder; undefined where there is none, also as something else lies where a folder above it is to be. */
export function statIfThere(path: string): BigIntStats | undefined {
  try {
    return statSync(path, {bigint: true});
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** The file's text; undefined if there is no file. */
export function readTextIfThere(path: string): string | undefined {
  try {
    return readText(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Moves a file, or a link to nowhere, that lies where a folder of ours is wanted to `<path>.moved`; returns where it went. */
export function clearForFolder(path: string): string | undefined {
  const there = lstatSync(path, {throwIfNoEntry: false});
  if (!there || statIfThere(path)?.isDirectory()) return undefined;
  return moveAway(path, 'moved');
}

/**
 * Renames what lies at `path` to `<path>.<word>`, in place of a file that was moved there before; with a number behind it where
 * one of the two may be no file of ours (a folder, a link), which is never removed. Returns the new path; undefined where nothing lay.
 */
export function moveAway(path: string, word: string): string | undefined {
  const kind = (place: string) => lstatSync(place, {throwIfNoEntry: false});
  const there = kind(path);
  if (!there) return undefined;
  const plain = `${path}.${word}`;
  for (let n = 1; ; n++) {
    const to = n === 1 ? plain : `${plain}-${n}`;
    const former = kind(to);
    if (former && !(former.isFile() && there.isFile())) continue;
    renameSync(path, to);
    return to;
  }
}

/** The code of an error of the operating system, such as `ENOSPC`. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
