/**
 * Checkpoints of a training, in a folder that survives a crash. A damaged checkpoint is ignored, and so is one from another version of
 * the program, another engine or another machine: a training that resumed from it would not give the same result.
 */
import {readFileSync} from 'node:fs';
import {copyFile, readdir, rename, rm} from 'node:fs/promises';
import {arch, cpus} from 'node:os';
import {join} from 'node:path';
import {deserialize, serialize} from 'node:v8';
import {type Digest, sha256} from '../../core/base/canonical.ts';
import {codeOf, digestOfFile, readBytes, syncToDisk, writeFileAtomic} from '../../core/base/files.ts';
import type {Checkpoints} from '../../core/contracts/learner.ts';
import {runningEngine} from '../../core/engine/engine.ts';
import {readArrays, writeArrays} from '../../core/formats/arrow/arrays.ts';
import {makerText} from '../maker.ts';

/** Refers to the arrays' file by its digest, so that writing the head replaces both in one step. */
interface Head {
  readonly maker: string;
  readonly arrays: Digest;
  readonly meta: {readonly [key: string]: unknown};
}

const headName = 'checkpoint';

export function openCheckpoints(
  folder: string,
  // `every`: seconds between checkpoints, 0 = at the end of every epoch.
  {every, warn, maker = makerOf()}: {readonly every: number; warn(message: string): void; readonly maker?: string},
): Checkpoints & {readonly latest: Head['meta'] | undefined} {
  let last = performance.now();
  let latest: Head['meta'] | undefined;
  return {
    /** The `meta` of the checkpoint from which a training would resume now. */
    get latest() {
      return latest;
    },
    due: () => performance.now() - last >= every * 1000,
    async load() {
      const head = readHead(folder);
      if (head === undefined) return undefined;
      const ignored = (why: string) => warn(`the checkpoint cannot be used, so training starts again: ${why}`);
      if (head === 'damaged') return void ignored('it is damaged');
      if (head.maker !== maker) return void ignored(`it was made by ${head.maker}, but this is ${maker}`);
      const path = join(folder, `${head.arrays}.arrow`);
      const found = await digestOfFile(path).catch(() => undefined);
      if (found?.sha256 !== head.arrays) return void ignored('it is damaged');
      const arrays = await readArrays(path);
      latest = head.meta;
      return {arrays, meta: head.meta};
    },
    async save(arrays, meta) {
      const draft = join(folder, 'draft.arrow');
      await rm(draft, {recursive: true, force: true});
      if (readHead(folder) === 'damaged') await rm(join(folder, headName), {recursive: true, force: true});
      await writeArrays(draft, arrays);
      await syncToDisk(draft);
      const {sha256: digest} = await digestOfFile(draft);
      await rename(draft, join(folder, `${digest}.arrow`));
      await writeHead(folder, {maker, arrays: digest, meta});
      for (const name of await readdir(folder)) {
        if (name.endsWith('.arrow') && name !== `${digest}.arrow`)
          await rm(join(folder, name), {recursive: true, force: true});
      }
      last = performance.now();
      latest = meta;
    },
  };
}

/** Copies the checkpoint, if there is one, to where a later stage finds it (`StageContext.earlier`). */
export async function keepCheckpoint(from: string, to: string): Promise<void> {
  const head = readHead(from);
  if (head === undefined || head === 'damaged') return;
  for (const name of [`${head.arrays}.arrow`, headName]) await copyFile(join(from, name), join(to, name));
}

// V8's format instead of JSON, because a loss of NaN must be read back as NaN.
async function writeHead(folder: string, head: Head): Promise<void> {
  const body = serialize(head);
  await writeFileAtomic(join(folder, headName), Buffer.concat([Buffer.from(sha256(body)), body]));
}

function readHead(folder: string): Head | 'damaged' | undefined {
  try {
    const bytes = readBytes(join(folder, headName));
    const body = bytes.subarray(64);
    return bytes.toString('latin1', 0, 64) === sha256(body) ? (deserialize(body) as Head) : 'damaged';
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? undefined : 'damaged';
  }
}

/** What must be equal so that a resumed training gives the same result as an uninterrupted one. */
function makerOf(): string {
  const url = new URL('../../../package.json', import.meta.url);
  const {version} = JSON.parse(readFileSync(url, 'utf8')) as {version: string};
  const engine = runningEngine();
  const computer = engine ? `${makerText(engine)} (${engine.version}) on ${engine.device}` : 'no engine';
  return `pipeline ${version}, ${computer}, ${arch()} ${cpus()[0]?.model ?? ''}`.trim();
}
