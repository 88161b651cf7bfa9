/** Entries of the cache on their way to a store and back. Every byte that comes is compared with the manifest's digests. */
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {mkdir, open} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {Digest} from '../../../core/base/canonical.ts';
import {digestOfFile, type FileDigest} from '../../../core/base/files.ts';
import type {Manifest} from '../../stages/stage.ts';
import type {Entry} from '../cache/draft.ts';
import {manifestName, parseManifest} from '../cache/entry.ts';
import {blobKey, entryKey} from './layout.ts';
import {DamagedCopy, type ObjectStore, type Range} from './objects.ts';
import {inParallel} from './parallel.ts';

/** The manifest that the store has; undefined: it has none. Throws `DamagedCopy` where it is not as it was written. */
export async function remoteManifest(objects: ObjectStore, fingerprint: Digest): Promise<Manifest | undefined> {
  const bytes = await objects.read(entryKey(fingerprint)).catch((error: unknown) => {
    throw error instanceof DamagedCopy ? new DamagedCopy(`its ${manifestName} ${error.message}`) : error;
  });
  if (bytes === undefined) return undefined;
  const manifest = parseManifest(bytes.toString('utf8'), fingerprint);
  if ('reason' in manifest) throw new DamagedCopy(`its ${manifestName} ${manifest.reason}`);
  return manifest;
}

const chunk = 8 * 2 ** 20;

/** Fills a draft's folder with the files of an entry. Throws `DamagedCopy` where one is not as the manifest says. */
export async function fetchFiles(
  objects: ObjectStore,
  {files}: Manifest,
  folder: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<void> {
  for (const [name, expected] of Object.entries(files)) {
    // Who may write to a store must not be able to write elsewhere.
    if (name.split('/').some((part) => ['', '.', '..'].includes(part)) || /[\\\0]/.test(name))
      throw new DamagedCopy(`it names the file ${JSON.stringify(name)}`);
    const path = join(folder, ...name.split('/'));
    await mkdir(dirname(path), {recursive: true});
    await fetchFile(objects, expected, path, onBytes).catch((error: unknown) => {
      throw error instanceof DamagedCopy ? new DamagedCopy(`${name} ${error.message}`) : error;
    });
  }
}

async function fetchFile(
  objects: ObjectStore,
  {sha256, bytes}: FileDigest,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const ranges: readonly Range[] = Array.from({length: Math.ceil(bytes / chunk)}, (_, i) => ({
    from: i * chunk,
    bytes: Math.min(chunk, bytes - i * chunk),
  }));
  const file = await open(path, 'wx');
  try {
    await inParallel(4, ranges, async (range) => {
      const part = await objects.read(blobKey(sha256), range);
      if (part === undefined) throw new DamagedCopy('is missing');
      if (part.length !== range.bytes) throw new DamagedCopy(`is not of ${bytes} bytes`);
      await file.write(part, 0, part.length, range.from);
      onBytes(part.length);
    });
  } finally {
    await file.close();
  }
  if ((await digestOfFile(path)).sha256 !== sha256) throw new DamagedCopy('differs from its checksum');
}

export type Pushed =
  /** `bytes`: those of files that the store did not have. `damage`: of what lay there before, which was replaced. */
  | {readonly state: 'pushed' | 'there'; readonly bytes: number; readonly damage?: string}
  /** Somebody else's result for the same stage has other bytes, and stays. */
  | {readonly state: 'differs'; readonly bytes: number; readonly first: Manifest; readonly own: Manifest};

export interface PushOptions {
  readonly onBytes?: (bytes: number) => void;
  /** What lies there is known to be damaged: it is written again. */
  readonly again?: boolean;
  /** Its record was listed in the store: the two are compared before anything is sent. */
  readonly listed?: boolean;
}

/** Puts an entry into the store: its files first, its record last, so that a record never names what is not there. */
export async function pushEntry(
  objects: ObjectStore,
  entry: Entry,
  {onBytes = () => undefined, again = false, listed = false}: PushOptions = {},
): Promise<Pushed> {
  const {folder, manifest} = entry;
  const key = entryKey(manifest.fingerprint);
  let bytes = 0;
  if (again || !listed) {
    bytes = await pushFiles(objects, entry, again, onBytes);
    const text = readFileSync(join(folder, manifestName));
    if (again) await objects.write(key, text);
    if (again || (await objects.create(key, text))) return {state: 'pushed', bytes};
  }
  const first = await remoteManifest(objects, manifest.fingerprint).catch((error: unknown) => {
    if (error instanceof DamagedCopy) return error;
    throw error;
  });
  // Damaged, or removed meanwhile. Not tried from the beginning: what is never created nor read would be tried for ever.
  if (first === undefined || first instanceof DamagedCopy)
    return {
      state: 'pushed',
      bytes: bytes + (await pushEntry(objects, entry, {onBytes, again: true})).bytes,
      ...(first && {damage: first.message}),
    };
  const same = contentOf(first) === contentOf(manifest);
  return same ? {state: 'there', bytes} : {state: 'differs', bytes, first, own: manifest};
}

/** `again`: also those that the store has. Returns the bytes that were sent. */
async function pushFiles(
  objects: ObjectStore,
  {folder, manifest}: Entry,
  again: boolean,
  onBytes: (bytes: number) => void,
): Promise<number> {
  let bytes = 0;
  const wanted = new Map(Object.entries(manifest.files).map(([name, file]) => [file.sha256, {name, ...file}]));
  await inParallel(4, wanted.values(), async (file) => {
    const key = blobKey(file.sha256);
    if (!again && (await objects.size(key)) === file.bytes) return;
    const path = join(folder, ...file.name.split('/'));
    if ((await digestOfFile(path)).sha256 !== file.sha256)
      throw new Error(`${path} is not as it was committed, and was not pushed`);
    await objects.upload(key, path, file.bytes, onBytes);
    bytes += file.bytes;
  });
  return bytes;
}

/** What readers of an entry see of it; who made it when is not part of it. */
const contentOf = ({files, summary}: Manifest): string =>
  createHash('sha256')
    .update(JSON.stringify([Object.entries(files).sort(), summary]))
    .digest('hex');
