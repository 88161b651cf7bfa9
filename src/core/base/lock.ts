/**
 * Lock files that never need a human. The file names its holder (process, host, start time); whoever waits finds out
 * whether that process still lives, and takes the lock over when it does not. Works between processes and between hosts
 * that share a file system. On another host, where processes can't be seen, the heartbeat is watched: one that does not change
 * for a minute of our watching is dead. No clock of a host is compared with that of another, nor with a file's.
 */
import {randomBytes} from 'node:crypto';
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import {hostname} from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {sha256} from './canonical.ts';
import {codeOf, moveAway, readText} from './files.ts';

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
  /** Called when the lock was taken from somebody who could not be seen and gave no sign of life while we watched. */
  onSilent?(): void;
}

/** Seconds between heartbeats, and after how many of watching without one a holder that can't be seen counts as dead. */
export const heartbeat = {every: 5, deadAfter: 60} as const;

const whole = (path: string): string | undefined => {
  try {
    return readText(path).trim();
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

/**
 * `unknown`: on another host or in another container, where only its heartbeat can tell. Where start times can't be had, `alive` may be
 * said of another process that got the number of a dead one.
 */
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
export async function acquireLock(path: string, {signal, onWait, onSilent}: LockOptions = {}): Promise<Lock> {
  mkdirSync(dirname(path), {recursive: true});
  let told = false;
  for (let wait = 20; ; wait = Math.min(wait * 1.5, 500)) {
    signal?.throwIfAborted();
    const taken = tryTake(path);
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
function tryTake(path: string): {readonly lock: Lock; readonly from: Verdict | undefined} | undefined {
  const free = create(path);
  if (free) return {lock: free, from: undefined};
  const from = removeDeadLock(path);
  const lock = from && create(path);
  return lock && {lock, from};
}

function create(path: string): Lock | undefined {
  const there = lstatSync(path, {throwIfNoEntry: false});
  if (there?.isFile()) return undefined;
  if (there) moveAway(path, 'moved'); // a folder or a link: no process of ours has put it there
  const token = randomBytes(4).toString('hex');
  const holder: Holder = {...thisProcess(), token, since: new Date().toISOString()};
  const file = place(path, token, textOf(holder, 0));
  if (file === undefined) return undefined;
  // Through the open file: a lock that another has made meanwhile is not touched.
  let beats = 0;
  const beat = setInterval(() => {
    try {
      writeSync(file, textOf(holder, ++beats), 0);
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

/** A lock's text; as long at every beat, so that a reader never sees the end of an older one. */
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
function removeDeadLock(path: string): Verdict | undefined {
  const found = deadHolder(path);
  if (found === undefined) return undefined;
  const right = tryLock(`${path}.${found.token}`);
  if (!right) return undefined;
  try {
    if (deadHolder(path)?.token !== found.token) return undefined;
    removeIfThere(path);
    return found.verdict;
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

/** `dead`: its process is gone; `silent`: it can't be seen, and has given no sign of life while it was watched. */
type Verdict = 'dead' | 'silent';

/** The token of a holder that is dead; undefined when it lives or there is no lock. */
function deadHolder(path: string): {readonly token: string; readonly verdict: Verdict} | undefined {
  const holder = readHolder(path);
  const state = holder ? stateOf(holder) : 'unknown';
  const isCertain = state === 'dead' || (state === 'alive' && holder?.started !== undefined);
  if (isCertain ? state === 'alive' : !isSilent(path)) return undefined;
  return {token: holder?.token ?? 'unreadable', verdict: isCertain ? 'dead' : 'silent'};
}

/** What was seen of a lock, and since when (ms, of a clock that only this process reads and nobody sets) it is the same. */
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
