import {spawnSync} from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test, vi} from 'vitest';
import {
  acquireLock,
  describeHolder,
  type Holder,
  heartbeat,
  readHolder,
  sweepLocks,
  tryLock,
} from '../../../src/core/base/lock.ts';
import {startTimeOf, stateOf, thisProcess} from '../../../src/core/base/process-identity.ts';
import {ended, startScript} from '../../rig/faults.ts';
import {systemError, withFs} from '../../rig/network.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const fresh = (): string => join(mkdtempSync(join(tmpdir(), 'lock-')), 'a.lock');
const since = '2026-01-31T12:00:00.000Z';

/** A lock as another process would have left it. */
function leave(path: string, holder: Partial<Holder>): void {
  writeFileSync(path, JSON.stringify({...thisProcess(), token: '0123abcd', since, ...holder}));
}

/** A process that has ended; also where start times can't be had. */
const dead: Partial<Holder> = {pid: spawnSync(process.execPath, ['--version']).pid, started: '1'};

/** Start times are told apart only where the system tells them. */
const tells = existsSync('/proc/self/stat');

const age = (path: string, seconds: number): void => {
  const then = Date.now() / 1000 - seconds;
  utimesSync(path, then, then);
};

test('one holder at a time; release gives it back, twice is once', async () => {
  const path = fresh();
  const lock = await acquireLock(path);
  expect(readHolder(path)).toMatchObject(thisProcess());
  expect(tryLock(path)).toBeUndefined();
  let told: Holder | undefined;
  const waiting = acquireLock(path, {
    onWait: (holder) => {
      told = holder;
      lock.release();
      lock.release();
    },
  });
  const second = await waiting;
  expect(told).toMatchObject({pid: process.pid});
  lock.release();
  expect(existsSync(path)).toBe(true);
  second.release();
  expect(existsSync(path)).toBe(false);
});

test('waiting ends when it is aborted', async () => {
  const path = fresh();
  const lock = await acquireLock(path);
  const controller = new AbortController();
  const waiting = acquireLock(path, {signal: controller.signal, onWait: () => controller.abort(new Error('enough'))});
  await expect(waiting).rejects.toThrow('enough');
  lock.release();
});

test('the lock of a process that was killed is taken over', async () => {
  const path = fresh();
  const child = startScript(
    `await acquireLock(${JSON.stringify(path)}); process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`,
    {acquireLock: 'src/core/base/lock.ts'},
  );
  expect((await ended(child)).end).toBe('SIGKILL');
  expect(readHolder(path)?.pid).toBe(child.pid);
  const lock = tryLock(path);
  expect(readHolder(path)?.pid).toBe(process.pid);
  lock?.release();
});

test.skipIf(!tells)('a process that got the number of a dead one is not mistaken for it', () => {
  const path = fresh();
  // This process is alive; one of its number that began at another time is not.
  leave(path, {started: '1'});
  expect(stateOf(readHolder(path)!)).toBe('dead');
  tryLock(path)!.release();
  leave(path, {});
  expect(tryLock(path)).toBeUndefined();
});

/** Time passes for who watches locks: a minute at a look. */
function watching(): {pass(seconds: number): void} {
  let now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  return {
    pass(seconds) {
      now += seconds * 1000;
    },
  };
}

test('a holder on another host is dead when its heartbeat does not change while it is watched, whatever its clock says', () => {
  for (const elsewhere of [{host: 'elsewhere'}, {place: 'another container'}])
    for (const seconds of [-3600, 0, 3600]) {
      const {pass} = watching();
      const path = fresh();
      leave(path, {...elsewhere, pid: 1});
      age(path, seconds);
      expect(tryLock(path)).toBeUndefined();
      pass(heartbeat.deadAfter - 1);
      expect(tryLock(path)).toBeUndefined();
      age(path, seconds - 5); // it beats
      expect(tryLock(path)).toBeUndefined();
      pass(heartbeat.deadAfter - 1);
      expect(tryLock(path)).toBeUndefined();
      pass(2);
      tryLock(path)!.release();
    }
});

test('a heartbeat changes what is in the lock, and keeps its length', () => {
  vi.useFakeTimers({toFake: ['setInterval', 'clearInterval']});
  const path = fresh();
  const lock = tryLock(path)!;
  const before = readFileSync(path, 'utf8');
  vi.advanceTimersByTime(heartbeat.every * 1000);
  const after = readFileSync(path, 'utf8');
  expect([after.length, after === before]).toEqual([before.length, false]);
  expect(readHolder(path)).toMatchObject(thisProcess());
  lock.release();
});

test('the holder keeps its lock, and takes it again if somebody has removed the file', () => {
  const path = fresh();
  const lock = tryLock(path)!;
  expect(lock.renew()).toBe(true);
  rmSync(path);
  expect(lock.renew()).toBe(true);
  expect(readHolder(path)).toMatchObject(thisProcess());
  // Damage to its text does not make it another's.
  writeFileSync(path, 'x'.repeat(30));
  expect(lock.renew()).toBe(true);
  lock.release();
  expect(lock.renew()).toBe(false);
});

test('who was taken for dead and goes on finds that out at its next heartbeat, and leaves its successor alone', () => {
  vi.useFakeTimers({toFake: ['setInterval', 'clearInterval']});
  const path = fresh();
  const lock = tryLock(path)!;
  rmSync(path);
  const successor = tryLock(path)!;
  expect(lock.lost.aborted).toBe(false);
  vi.advanceTimersByTime(heartbeat.every * 1000);
  expect([lock.lost.aborted, lock.renew()]).toEqual([true, false]);
  lock.release();
  expect(successor.renew()).toBe(true);
  successor.release();
});

test('every holder that takes over from another has a greater fence', () => {
  const path = fresh();
  leave(path, {...dead, fence: 41});
  const lock = tryLock(path)!;
  expect(lock.fence).toBe(42);
  lock.release();
});

test('a fence is taken that is greater than what others have left while the lock was taken', async () => {
  const path = fresh();
  let highest = 3;
  const lock = await acquireLock(path, {above: () => (highest < 5 ? highest++ : highest)});
  expect(lock.fence).toBe(6);
  lock.release();
});

test('a link that was made is known as made, although its answer was lost', async () => {
  for (const code of ['EEXIST', 'ETIMEDOUT', 'EIO']) {
    const path = fresh();
    const lock = await withFs(
      {
        linkSync(real, ...args) {
          real(...args);
          throw systemError(code);
        },
      },
      () => tryLock(path),
    );
    expect(lock?.renew()).toBe(true);
    expect(readdirSync(join(path, '..'))).toEqual(['a.lock']);
    lock?.release();
  }
});

test('a name whose file was replaced on the server is asked for again', async () => {
  const path = fresh();
  const lock = tryLock(path)!;
  let stale = 3;
  await withFs(
    {
      openSync(real, ...args) {
        if (stale-- > 0) throw systemError('ESTALE');
        return real(...args);
      },
    },
    () => expect(lock.renew()).toBe(true),
  );
  expect(stale).toBeLessThan(0);
  lock.release();
});

test("a lock that was torn by a power cut is nobody's after a while", () => {
  for (const text of [
    '',
    '{"pid": 12',
    '{"pid": 12}',
    '{"pid":1,"host":"a","place":"","token":"../../x","since":""}',
  ]) {
    const {pass} = watching();
    const path = fresh();
    writeFileSync(path, text);
    expect(tryLock(path)).toBeUndefined();
    pass(heartbeat.deadAfter + 1);
    tryLock(path)!.release();
  }
});

test('a lock that a person has made is waited for, watched, taken, and all that is said', async () => {
  const {pass} = watching();
  const path = fresh();
  writeFileSync(path, 'mine\n');
  const said: unknown[] = [];
  const lock = await acquireLock(path, {
    onWait: (holder) => {
      said.push(holder);
      pass(heartbeat.deadAfter + 1);
    },
    onSilent: () => said.push('silent'),
  });
  lock.release();
  expect(said).toEqual([undefined, 'silent']);
});

test('a folder or a link in the place of a lock is moved away, with what is in it', () => {
  const path = fresh();
  mkdirSync(path);
  writeFileSync(join(path, 'mine'), 'kept');
  tryLock(path)!.release();
  expect(readFileSync(join(`${path}.moved`, 'mine'), 'utf8')).toBe('kept');
  for (const target of ['nowhere', `${path}.moved/mine`]) {
    symlinkSync(target, path);
    tryLock(path)!.release();
  }
  expect(readFileSync(join(`${path}.moved`, 'mine'), 'utf8')).toBe('kept');
});

test('a crash in the middle of taking over is survived, too', () => {
  const path = fresh();
  leave(path, dead);
  leave(`${path}.0123abcd`, {...dead, token: '4567cdef'});
  tryLock(path)!.release();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

test('sweeping removes the locks of the dead and no others', () => {
  const path = fresh();
  const folder = join(path, '..');
  leave(path, dead);
  leave(`${path}.0123abcd`, {...dead, token: '4567cdef'});
  leave(join(folder, 'elsewhere'), {host: 'elsewhere'});
  const lock = tryLock(join(folder, 'mine'))!;
  sweepLocks(folder);
  expect(readdirSync(folder).sort()).toEqual(['elsewhere', 'mine']);
  lock.release();
});

test('a process killed before it had written its lock leaves a file, which is swept', async () => {
  const path = fresh();
  const script = `
    fs.writeSync = () => process.kill(process.pid, 'SIGKILL');
    syncBuiltinESMExports();
    tryLock(${JSON.stringify(path)});`;
  const imports = `import fs from 'node:fs'; import {syncBuiltinESMExports} from 'node:module';`;
  await ended(startScript(imports + script, {tryLock: 'src/core/base/lock.ts'}));
  const folder = join(path, '..');
  const left = readdirSync(folder);
  expect(left).toHaveLength(1);
  expect(readFileSync(join(folder, left[0]!), 'utf8')).toBe('');
  sweepLocks(folder);
  expect(readdirSync(folder)).toEqual([]);
});

test('many processes after a dead holder, one at a time', async () => {
  const path = fresh();
  const counter = join(path, '..', 'counter');
  writeFileSync(counter, '0');
  leave(path, dead);
  const script = `
    for (let i = 0; i < 25; i++) {
      const lock = await acquireLock(${JSON.stringify(path)});
      const before = Number(readFileSync(${JSON.stringify(counter)}));
      await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(${JSON.stringify(counter)}, String(before + 1));
      lock.release();
    }`;
  const imports = `import {readFileSync, writeFileSync} from 'node:fs';`;
  const children = Array.from({length: 4}, () => startScript(imports + script, {acquireLock: 'src/core/base/lock.ts'}));
  expect(await Promise.all(children.map(ended))).toEqual(children.map(() => ({output: '', end: 0})));
  expect(readFileSync(counter, 'utf8')).toBe('100');
});

test.skipIf(!tells)('start times: ours and none', () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/);
  expect(startTimeOf(process.pid)).toBe(thisProcess().started);
  expect(startTimeOf(2 ** 22 + 1)).toBe('gone');
});

test('a holder for people', () => {
  const holder = {...thisProcess(), pid: 4711, host: 'build-3', token: '0123abcd', fence: 1, since};
  expect(describeHolder(holder)).toBe('process 4711 on build-3, since 2026-01-31T12:00:00.000Z');
  expect(describeHolder(undefined)).toBe('an unknown process');
});
