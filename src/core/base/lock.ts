/**
 * Leases: lock files that never need a human. The file names its holder (process, host, start time); whoever waits finds out
 * whether that process still lives, and takes the lock over when it does not. Works between processes and between hosts
 * that share a file system, NFS too: by links and renames alone. On another host, where processes can't be seen, the heartbeat is
 * watched: one that does not change for a minute of our watching is dead. No clock of a host is compared with that of another, nor
 * with a file's. A holder that was taken for dead and goes on finds that out (`renew`, `lost`); until then the fence, a number that
 * grows from holder to holder, keeps apart what each of them writes.
 */
import {randomBytes} from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {sha256} from './canonical.ts';
import {codeOf, moveAway, openToRead, readText} from './files.ts';
import {insistently} from './network-files.ts';
import {isStopped, type ProcessIdentity, stateOf, thisProcess} from './process-identity.ts';

export interface Holder extends ProcessIdentity {
  /** Unique for each time that the lock is taken. */
  readonly token: string;
  /** Greater than the fence of every earlier holder that may still be working. */
  readonly fence: number;
  /** ISO time, for people. */
  readonly since: string;
}

export interface Lock {
  readonly fence: number;
  /** Aborted if a heartbeat finds that another process has the lock: this process was taken for dead. */
  readonly lost: AbortSignal;
  /**
   * Reads the file again, and tells whether this process still has the lock. Call it right before anything is published. If somebody has
   * removed the file, the lock is taken again.
   */
  renew(): boolean;
  /** Gives the lock back; later calls do nothing. */
  release(): void;
}

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** The largest fence that is in use outside the lock's file. Default: 0. */
  above?(): number;
  /** Called once if somebody else holds the lock; `undefined`: an unknown process. */
  onWait?(holder: Holder | undefined): void;
  /** Called if the lock was taken from a process that could not be seen and gave no sign of life while it was watched. */
  onSilent?(): void;
}

/** Seconds between two heartbeats, and seconds without one after which a holder that can't be seen counts as dead. */
export const heartbeat = {every: 5, deadAfter: 60} as const;

const whole = (path: string): string | undefined => {
  try {
    return insistently(() => readText(path)).trim();
  } catch {
    return undefined;
  }
};

/** Waits for the lock at `path` and takes it. Rejects with the signal's reason when aborted. */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const {signal, onWait, onSilent} = options;
  mkdirSync(dirname(path), {recursive: true});
  let told = false;
  for (let wait = 20; ; wait = Math.min(wait * 1.5, 500)) {
    signal?.throwIfAborted();
    const taken = tryTake(path, options.above);
    if (taken) {
      if (taken.from === 'silent') onSilent?.();
      return taken.lock;
    }
    if (!told) {
      told = true;
      onWait?.(readHolder(path));
    }
    await delay(wait, undefined, signal ? {signal} : {}).catch(() => signal?.throwIfAborted());
  }
}

/** Takes the lock if it is free or its holder is dead. */
export const tryLock = (path: string): Lock | undefined => tryTake(path)?.lock;

/** `from`: what its former holder was. */
function tryTake(
  path: string,
  above: () => number = () => 0,
): {readonly lock: Lock; readonly from: Verdict | undefined} | undefined {
  const free = HeldLock.take(path, above() + 1);
  const dead = free ? undefined : removeDeadLock(path);
  const lock = free ?? (dead && HeldLock.take(path, Math.max(above(), dead.fence) + 1));
  if (!lock) return undefined;
  // Others have come and gone since we looked, with a fence as high as ours.
  if (above() >= lock.fence) {
    lock.release();
    return tryTake(path, above);
  }
  return {lock, from: dead?.verdict};
}

class HeldLock implements Lock {
  readonly #path: string;
  readonly #holder: Holder;
  readonly #lost = new AbortController();
  readonly #beating: NodeJS.Timeout;
  #file: number;
  #beats = 0;
  #held = true;

  /** Undefined where somebody holds it. */
  static take(path: string, fence: number): HeldLock | undefined {
    const there = lstatSync(path, {throwIfNoEntry: false});
    if (there?.isFile()) return undefined;
    if (there) moveAway(path, 'moved'); // a folder or a link: no process of ours has put it there
    const token = randomBytes(4).toString('hex');
    const holder: Holder = {...thisProcess(), token, fence, since: new Date().toISOString()};
    const file = place(path, token, textOf(holder, 0));
    return file === undefined ? undefined : new HeldLock(path, holder, file);
  }

  private constructor(path: string, holder: Holder, file: number) {
    this.#path = path;
    this.#holder = holder;
    this.#file = file;
    this.#beating = setInterval(() => this.#beat(), heartbeat.every * 1000).unref();
  }

  get fence(): number {
    return this.#holder.fence;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  #beat(): void {
    try {
      // It is written through the open file, so that a lock that another process has made meanwhile is not changed.
      writeSync(this.#file, textOf(this.#holder, ++this.#beats), 0);
      fdatasync(this.#file, () => undefined); // so that a network's server has it, too
      this.renew();
    } catch {
      // A full or briefly missing disk must not end the process; one missed heartbeat does no harm.
    }
  }

  renew(): boolean {
    if (!this.#held || this.#lost.signal.aborted) return false;
    for (let attempt = 1; attempt <= 3; attempt++) {
      const found = this.#find();
      if (found === 'ours') return true;
      if (found === 'none') {
        const file = place(this.#path, this.#holder.token, textOf(this.#holder, this.#beats));
        if (file === undefined) continue; // somebody was faster, or the network's memory is old
        closeSync(this.#file);
        this.#file = file;
        return true;
      }
      break;
    }
    clearInterval(this.#beating);
    this.#lost.abort(new Error(`${this.#path} is held by another process now`));
    return false;
  }

  /** What lies there: opened, so that a network's server is asked. A text that can't be read may still be of our file. */
  #find(): 'ours' | "another's" | 'none' {
    let file: number;
    try {
      file = insistently(() => openToRead(this.#path));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 'none';
      throw error;
    }
    try {
      const token = parseHolder(readFileSync(file, 'utf8'))?.token;
      if (token !== undefined) return token === this.#holder.token ? 'ours' : "another's";
      return fstatSync(file).ino === fstatSync(this.#file).ino ? 'ours' : "another's";
    } finally {
      closeSync(file);
    }
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    clearInterval(this.#beating);
    closeSync(this.#file);
    if (readHolder(this.#path)?.token === this.#holder.token) removeIfThere(this.#path);
  }
}

/** The text of a lock. Its length is always the same, so that a reader never sees the end of an older text. */
const textOf = (holder: Holder, beats: number): string =>
  `${JSON.stringify({...holder, beats: String(beats).padStart(12, '0')})}\n`;

/**
 * Puts a new file with this text at `path` and leaves it open; undefined if a file exists. It is linked there only after it is
 * written, so that a kill in between leaves no empty lock.
 */
function place(path: string, token: string, text: string): number | undefined {
  const draft = join(dirname(path), draftName(token));
  const file = openSync(draft, 'wx');
  try {
    writeSync(file, text, 0);
    linkSync(draft, path);
    return file;
  } catch (error) {
    // A network may lose the answer to a link that was made, and ask again: then the server says that it exists.
    if (readHolder(path)?.token === token || fstatSync(file).nlink > 1) return file;
    closeSync(file);
    if (codeOf(error) === 'EEXIST') return undefined;
    if (withoutLinks.has(codeOf(error))) return placeWithoutLink(path, text);
    throw error;
  } finally {
    removeIfThere(draft);
  }
}

/** Name of the file that becomes a lock. It contains the owner, in case that process is killed before it writes anything. */
function draftName(token: string): string {
  const {pid, started = ''} = thisProcess();
  return `.new-${placeDigest()}-${pid}-${started}-${token}`;
}

/** True for such a file whose process, of this place, is dead. */
function isDeadDraft(name: string): boolean {
  const [, place, pid, started] = /^\.new-([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{8}$/.exec(name) ?? [];
  if (place !== placeDigest()) return false;
  const {host, place: here} = thisProcess();
  return stateOf({pid: Number(pid), host, place: here, ...(started ? {started} : {})}) === 'dead';
}

const placeDigest = (): string => sha256(`${thisProcess().host} ${thisProcess().place}`).slice(0, 8);

/** Error codes of file systems without hard links (FAT, some network drives). */
const withoutLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

function placeWithoutLink(path: string, text: string): number | undefined {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw error;
  }
  writeSync(file, text, 0);
  return file;
}

/**
 * Removes the lock when its holder is dead. Two processes may find the same dead holder, and the slower one must not remove the new
 * lock of the faster one: the right to remove is itself a lock, named after the dead holder's token.
 */
function removeDeadLock(path: string): Dead | undefined {
  const found = deadHolder(path);
  if (found === undefined) return undefined;
  const right = tryLock(`${path}.${found.token}`);
  if (!right) return undefined;
  try {
    if (deadHolder(path)?.token !== found.token) return undefined;
    removeIfThere(path);
    return found;
  } finally {
    right.release();
  }
}

/** Removes every lock in a folder whose holder is dead, and what crashes in the middle of this code have left. */
export function sweepLocks(folder: string): void {
  for (const entry of readdirSync(folder, {withFileTypes: true}))
    if (isDeadDraft(entry.name)) removeIfThere(join(folder, entry.name));
    else if (entry.isFile()) removeDeadLock(join(folder, entry.name));
}

/** `dead`: its process is gone; `silent`: it can't be seen, or was stopped, and has given no sign of life while it was watched. */
type Verdict = 'dead' | 'silent';

interface Dead {
  readonly token: string;
  readonly fence: number;
  readonly verdict: Verdict;
}

/** Undefined if the holder is alive or there is no lock. */
function deadHolder(path: string): Dead | undefined {
  const holder = readHolder(path);
  const state = holder ? stateOf(holder) : 'unknown';
  const isAlive = state === 'alive' && holder?.started !== undefined && !isStopped(holder.pid);
  if (isAlive || (state !== 'dead' && !isSilent(path))) return undefined;
  const {token, fence} = holder ?? {token: 'unreadable', fence: 0};
  return {token, fence, verdict: state === 'dead' ? 'dead' : 'silent'};
}

/** The last look at a lock, and since when it has not changed (ms of a clock that nobody sets). */
const watched = new Map<string, {readonly seen: string; readonly since: number}>();

/** True when the lock has not changed while this process has watched it, from its first look on, for `heartbeat.deadAfter` seconds. */
function isSilent(path: string): boolean {
  const found = lstatSync(path, {bigint: true, throwIfNoEntry: false});
  if (!found) {
    watched.delete(path);
    return false;
  }
  const seen = `${found.ino} ${found.mtimeNs} ${whole(path)}`;
  const before = watched.get(path);
  if (before?.seen === seen) return performance.now() - before.since > heartbeat.deadAfter * 1000;
  watched.set(path, {seen, since: performance.now()});
  return false;
}

/** Who holds the lock; undefined if nobody does or the file is not readable (not yet written, or damaged by a power cut). */
export const readHolder = (path: string): Holder | undefined => parseHolder(whole(path) ?? '');

/** A lock of an earlier version has no fence. */
function parseHolder(text: string): Holder | undefined {
  try {
    const {pid, host, place, started, token, fence = 0, since} = JSON.parse(text) as Partial<Holder>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof place !== 'string') return undefined;
    if (typeof token !== 'string' || !/^[0-9a-f]{8}$/.test(token) || typeof since !== 'string') return undefined;
    if (!Number.isSafeInteger(fence)) return undefined;
    return {pid, host, place, token, fence, since, ...(typeof started === 'string' && {started})};
  } catch {
    return undefined;
  }
}

/** For messages: `process 4711 on build-3, since 2026-01-31T12:00:00.000Z`. */
export const describeHolder = (holder: Holder | undefined): string =>
  holder ? `process ${holder.pid} on ${holder.host}, since ${holder.since}` : 'an unknown process';

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
