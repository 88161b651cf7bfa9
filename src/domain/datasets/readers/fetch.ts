/** Fetches a file from its publisher. Resumes after an interruption, verifies the checksum, and puts the file in place in one step. */

import {existsSync} from 'node:fs';
import {mkdir, open, rename, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {codeOf, digestOfFile, syncToDisk} from '../../../core/base/files.ts';
import {acquireLock, describeHolder} from '../../../core/base/lock.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {bytes} from '../../../core/base/text.ts';

export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Fetch {
  readonly file: RemoteFile;
  /** Prefixes of its address, tried one after the other. */
  readonly urls: readonly string[];
  /** Folder for the file; it is created if it does not exist. */
  readonly folder: string;
  report(message: string): void;
}

/** How long to wait for a server that sends nothing, in milliseconds. */
const patience = 30_000;

/** Returns the file's path, or what went wrong at each address. The bytes that came stay beside it as `.part`, for the next attempt. */
export async function fetchFile({file, urls, folder, report}: Fetch): Promise<Result<string, string>> {
  const path = join(folder, file.name);
  const part = `${path}.part`;
  const failures: string[] = [];
  try {
    await mkdir(folder, {recursive: true});
    const lock = await acquireLock(`${path}.lock`, {
      onWait: (holder) => report(`${file.name}: waiting for ${describeHolder(holder)}, which is fetching it`),
    });
    try {
      if (existsSync(path)) return succeed(path); // fetched by the process that we waited for
      for (const url of urls) {
        try {
          await download(url + file.name, part, file, report);
          await syncToDisk(part);
          await rename(part, path);
          await syncToDisk(folder);
          return succeed(path);
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error;
          failures.push(`${url}${file.name}: ${error.message}`);
        }
      }
      return fail(...failures);
    } finally {
      lock.release();
    }
  } catch (error) {
    // An error of the file system: no other address would help.
    if (codeOf(error) === undefined) throw error;
    return fail(`${path}: ${(error as Error).message}`);
  }
}

/** This address does not deliver the file. */
class Unavailable extends Error {}

async function download(url: string, part: string, file: RemoteFile, report: Fetch['report']): Promise<void> {
  for (;;) {
    let have = await sizeOf(part);
    const resumed = have > 0;
    while (have < file.bytes) {
      const cut = await receive(url, part, have, file, report);
      const now = await sizeOf(part);
      if (now <= have) throw new Unavailable(cut ?? `expected ${file.bytes} bytes, but only ${now} came`);
      have = now;
    }
    const {sha256} = await digestOfFile(part);
    if (sha256 === file.sha256 && have === file.bytes) return;
    await rm(part);
    // If an earlier call, or another address, left a wrong beginning, we try once more from the start.
    if (!resumed) throw new Unavailable(`expected a file with SHA-256 ${file.sha256}, but got ${sha256}`);
  }
}

/** Adds what the server sends to `part`, which has `have` bytes. Returns why it ended early, if it did. */
async function receive(
  url: string,
  part: string,
  have: number,
  file: RemoteFile,
  report: Fetch['report'],
): Promise<string | undefined> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error(`no answer for ${patience / 1000} seconds`)), patience);
  try {
    const response = await fetch(url, {
      signal: idle.signal,
      headers: {'accept-encoding': 'identity', ...(have > 0 && {range: `bytes=${have}-`})},
    }).catch((error: unknown) => {
      throw new Unavailable(reason(error));
    });
    // With 206 the server continues where we are; a server that can't do that answers 200 and sends everything.
    const start = response.status === 206 ? have : 0;
    const length = response.headers.get('content-length');
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new Unavailable(`the server answers ${response.status} ${response.statusText}`.trimEnd());
    }
    if (length !== null && start + Number(length) !== file.bytes) {
      await response.body.cancel();
      throw new Unavailable(`expected ${file.bytes} bytes, but the server has ${start + Number(length)}`);
    }
    const to = await open(part, start > 0 ? 'a' : 'w');
    let size = start;
    try {
      let told = Math.floor((10 * size) / file.bytes);
      const reader = response.body.getReader();
      for (;;) {
        const piece = await reader.read().catch((error: unknown) => reason(error));
        if (typeof piece === 'string') return piece;
        if (piece.done) return undefined;
        timer.refresh();
        await to.writeFile(piece.value);
        size += piece.value.length;
        if (size > file.bytes) throw new Unavailable(`expected ${file.bytes} bytes, but more come`);
        const tenths = Math.floor((10 * size) / file.bytes);
        if (tenths > told) report(`${file.name}: ${bytes(size)} of ${bytes(file.bytes)} fetched`);
        told = tenths;
      }
    } finally {
      await to.close();
    }
  } finally {
    clearTimeout(timer);
    idle.abort();
  }
}

const sizeOf = async (path: string): Promise<number> => (existsSync(path) ? (await stat(path)).size : 0);

/** The innermost cause: the message of the outer error is only `fetch failed`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reason(error.cause);
}
