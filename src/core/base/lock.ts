/**
 * Lock files that nobody has to remove by hand. The file names its holder (process, host, start time); whoever waits checks whether
 * that process is still alive, and takes the lock over if it is not. Works between processes and between hosts that share a file
 * system; on another host, where processes cannot be seen, a holder that has not written its heartbeat for a minute is dead.
 */
import {randomBytes} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import {hostname} from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {sha256} from './canonical.ts';
import {codeOf} from './files.ts';

/** A process, distinguished from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Identifies one boot of a host and one container in it: processes see each other only within one place. */
  readonly place: string;
  /** When the process began, in clock ticks since boot; absent if the system does not say. */
  readonly started?: string;
}

export interface Holder extends ProcessIdentity {
  /** Unique for each time that the lock is taken. */
  readonly token: string;
  /** ISO time, for people. */
  readonly since: string;
}

export interface Lock {
  /** Gives the lock back; later calls do nothing. */
  release(): void;
}

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Called once when the lock is held by somebody else; `undefined`: by an unknown process. */
  onWait?(holder: Holder | undefined): void;
}

/** Seconds between heartbeats, and the number without one after which an invisible holder counts as dead. */
export const heartbeat = {every: 5, deadAfter: 60} as const;

const whole = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
};

const pidNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
};

let self: ProcessIdentity | undefined;

/** This process. */
export function thisProcess(): ProcessIdentity {
  if (!self) {
    const started = startTimeOf(process.pid);
    self = {
      pid: process.pid,
      host: hostname(),
      place: `${whole('/proc/sys/kernel/random/boot_id') ?? ''} ${pidNamespace()}`.trim(),
      ...(started !== undefined && started !== 'gone' && {started}),
    };
  }
  return self;
}

/**
 * Clock ticks from boot to the start of a process; `gone` if there is no such process (or only a zombie); undefined without /proc.
 */
export function startTimeOf(pid: number): string | 'gone' | undefined {
  const stat = whole(`/proc/${pid}/stat`);
  if (stat === undefined) return whole('/proc/self/stat') === undefined ? undefined : 'gone';
  // The name in parentheses may contain anything; fields are counted after it: state is the third, start time the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : fields[19];
}

/** `unknown`: on another host or in another container, where only its heartbeat shows whether it is alive. */
export function stateOf(owner: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  const me = thisProcess();
  if (owner.host !== me.host || owner.place !== me.place) return 'unknown';
  const started = startTimeOf(owner.pid);
  if (started === 'gone') return 'dead';
  if (started !== undefined && owner.started !== undefined) return started === owner.started ? 'alive' : 'dead';
  try {
    process.kill(owner.pid, 0);
    return 'alive';
  } catch (error) {
    return codeOf(error) === 'ESRCH' ? 'dead' : 'alive';
  }
}

/** Waits for the lock at `path` and takes it. Rejects with the signal's reason when aborted. */
export async function acquireLock(path: string, {signal, onWait}: LockOptions = {}): Promise<Lock> {
  mkdirSync(dirname(path), {recursive: true});
  let told = false;
  for (let wait = 20; ; wait = Math.min(wait * 1.5, 500)) {
    signal?.throwIfAborted();
    const lock = tryLock(path);
    if (lock) return lock;
    if (!told) {
      told = true;
      onWait?.(readHolder(path));
    }
    await delay(wait, undefined, signal ? {signal} : {}).catch(() => signal?.throwIfAborted());
  }
}

/** Takes the lock if it is free or its holder is dead. */
export function tryLock(path: string): Lock | undefined {
  return create(path) ?? (removeDeadLock(path) ? create(path) : undefined);
}

function create(path: string): Lock | undefined {
  if (existsSync(path)) return undefined;
  const token = randomBytes(4).toString('hex');
  const holder: Holder = {...thisProcess(), token, since: new Date().toISOString()};
  const text = `${JSON.stringify(holder)}\n`;
  const file = place(path, token, text);
  if (file === undefined) return undefined;
  // The heartbeat writes the same bytes again, through the open file: the time is then that of the file server, like the one that
  // it is compared with, and a lock that another process has made in the meantime is not touched.
  const beat = setInterval(() => {
    try {
      writeSync(file, text, 0);
    } catch {
      // A full or briefly missing disk must not end the process; one missed heartbeat does no harm.
    }
  }, heartbeat.every * 1000).unref();
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      clearInterval(beat);
      closeSync(file);
      if (readHolder(path)?.token === token) removeIfThere(path);
    },
  };
}

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
function removeDeadLock(path: string): boolean {
  const token = deadToken(path);
  if (token === undefined) return false;
  const right = tryLock(`${path}.${token}`);
  if (!right) return false;
  try {
    if (deadToken(path) !== token) return false;
    removeIfThere(path);
    return true;
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

/** The token of a holder that is dead; undefined when it lives or there is no lock. */
function deadToken(path: string): string | undefined {
  const holder = readHolder(path);
  const state = holder ? stateOf(holder) : 'unknown';
  if (state === 'alive') return undefined;
  if (state === 'unknown' && !isStale(path)) return undefined;
  return holder?.token ?? 'unreadable';
}

/** True when nothing was written to the file for `heartbeat.deadAfter` seconds, by the clock of the file system that holds it. */
function isStale(path: string): boolean {
  try {
    const written = statSync(path).mtimeMs;
    return clockOf(dirname(path)) - written > heartbeat.deadAfter * 1000;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Now, by the clock that stamps files in this folder: a file server's may differ from ours. */
function clockOf(folder: string): number {
  const path = join(folder, `.clock-${randomBytes(4).toString('hex')}`);
  const file = openSync(path, 'wx');
  try {
    return fstatSync(file).mtimeMs;
  } finally {
    closeSync(file);
    removeIfThere(path);
  }
}

/** Who holds the lock; undefined if nobody does or the file is not readable (not yet written, or damaged by a power cut). */
export function readHolder(path: string): Holder | undefined {
  const text = whole(path);
  if (!text) return undefined;
  try {
    const {pid, host, place, started, token, since} = JSON.parse(text) as Partial<Holder>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof place !== 'string') return undefined;
    if (typeof token !== 'string' || !/^[0-9a-f]{8}$/.test(token) || typeof since !== 'string') return undefined;
    return {pid, host, place, token, since, ...(typeof started === 'string' && {started})};
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
