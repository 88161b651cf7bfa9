import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {sha256} from '../../../../src/core/base/canonical.ts';
import {openCache} from '../../../../src/pipeline/store/cache/cache.ts';
import {watchWrites} from '../../../rig/disk.js';
import {ended, startScript, withFailingDisk} from '../../../rig/faults.ts';
import {holder} from '../../../rig/holder.ts';

const fresh = (): string => mkdtempSync(join(tmpdir(), 'faults-'));
const fingerprint = sha256('a');
const unexpected = {warn: (message: string) => expect.unreachable(message)};
const parts = {kind: 'score' as const, label: 'score kde', fingerprint, key: {}, summary: null, provenance: {}};
/** Beginnings of locks (`.new-…`) are no locks yet, stand in nobody's way, and go after a minute. */
const litter = (root: string): readonly string[] =>
  ['tmp', 'locks', 'damaged']
    .flatMap((name) => readdirSync(join(root, name)))
    .filter((name) => !name.startsWith('.new-'));
const disk = new URL('../../../rig/disk.js', import.meta.url).href;

test.each([
  ['ENOSPC', 'the disk is full. Free some space (`pipeline cache prune` helps)'],
  ['EDQUOT', 'the disk quota is used up. Free some space (`pipeline cache prune` helps)'],
  ['EACCES', 'you may not write to it. Check its owner and permissions'],
  ['EROFS', 'its file system is read-only. Use another folder for the cache'],
])('%s at any write of a commit is a clear error, and leaves a complete entry or none', async (code, remedy) => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  let n = 0;
  for (let done = false; !done; n++) {
    const attempt = withFailingDisk(n, code, async () => {
      const draft = await cache.begin(fingerprint, holder);
      await draft.commit(parts);
    });
    done = await attempt.then(
      () => true,
      (error: Error) => {
        expect(error.message).toBe(`cannot write to the cache ${root}: ${remedy}, then run the command again.`);
        return false;
      },
    );
    expect(litter(root)).toEqual([]);
    // Only after the rename may there be one.
    const found = await cache.find(fingerprint);
    if (found) break;
  }
  expect(n).toBeGreaterThan(4);
  expect(await cache.find(fingerprint)).toBeDefined();
});

test('before an entry appears, its files and folders are on the disk; afterwards the folder that it lies in is', async () => {
  const cache = openCache(fresh(), unexpected);
  const draft = await cache.begin(fingerprint, holder);
  for (const name of ['a.arrow', 'b.arrow']) writeFileSync(join(draft.folder, name), name);
  const calls: string[] = [];
  const restore = watchWrites((_, name) => calls.push(name));
  await draft.commit(parts).finally(restore);
  const at = calls.indexOf('rename');
  const syncs = (of: readonly string[]) => of.filter((name) => name === 'sync').length;
  // Two files, the manifest, their folder; and the shelf, which is new.
  expect([syncs(calls.slice(0, at)), syncs(calls.slice(at))]).toEqual([5, 1]);
});

/** Commits entry after entry (named by numbers, of two files), and prints the number of each that is done. */
const committing = (root: string): string => `
  import {writeFileSync} from 'node:fs';
  const cache = openCache(${JSON.stringify(root)}, {warn: console.log});
  const commit = async (i) => {
    const fingerprint = sha256(String(i));
    const lock = await cache.lock(fingerprint);
    const draft = await cache.begin(fingerprint, lock);
    writeFileSync(draft.folder + '/a.arrow', 'a'.repeat(1000));
    writeFileSync(draft.folder + '/b.arrow', 'b'.repeat(300_000));
    await draft.commit({kind: 'score', label: 's', fingerprint, key: {i}, summary: null, provenance: {}});
    lock.release();
    console.log(i);
  };`;
const imports = {openCache: 'src/pipeline/store/cache/cache.ts', sha256: 'src/core/base/canonical.ts'};

/** What a new process finds: every entry that was reported done, nothing torn, no litter. */
async function checkAfter(root: string, output: string): Promise<number> {
  const cache = openCache(root, unexpected);
  expect(litter(root)).toEqual([]);
  for await (const verdict of cache.verify()) expect(verdict.state).toBe('ok');
  const done = output.split('\n').filter((line) => line !== '');
  for (const i of done) expect(await cache.find(sha256(i)), `entry ${i}`).toBeDefined();
  return done.length;
}

test('after a kill at any write of a commit, the entry is complete or absent, and the next process cleans up', async () => {
  const writes = 24;
  const roots = Array.from({length: writes}, fresh);
  const kill = async (root: string, n: number) => {
    // The cache is opened first: its folders are there, as they are on any but the first run.
    openCache(root, unexpected);
    const script = `${committing(root)}
      const {watchWrites} = await import(${JSON.stringify(disk)});
      watchWrites((write) => { if (write === ${n}) process.kill(process.pid, 'SIGKILL'); });
      await commit(0);`;
    const {output, end} = await ended(startScript(script, imports));
    return {end, done: await checkAfter(root, output)};
  };
  const results: Awaited<ReturnType<typeof kill>>[] = [];
  for (let n = 0; n < writes; n += 4) {
    results.push(...(await Promise.all(roots.slice(n, n + 4).map((root, i) => kill(root, n + i)))));
  }
  const killed = results.filter(({end}) => end === 'SIGKILL');
  expect(killed.length).toBeGreaterThan(8);
  expect(killed.every(({done}) => done === 0)).toBe(true);
  expect(results.at(-1)).toEqual({end: 0, done: 1});
});

test('the same holds for a kill from outside at any moment', async () => {
  const root = fresh();
  let total = 0;
  for (let round = 0; round < 5; round++) {
    const script = `${committing(root)} for (let i = ${round * 1000}; ; i++) await commit(i);`;
    const child = startScript(script, imports);
    let lines = 0;
    child.stdout!.on('data', () => {
      if (++lines === 3 + round) child.kill('SIGKILL');
    });
    const {output, end} = await ended(child);
    expect(end).toBe('SIGKILL');
    total += await checkAfter(root, output);
  }
  expect(total).toBeGreaterThanOrEqual(15);
});

test('if many processes need one entry, one makes it', async () => {
  const root = fresh();
  const made = join(root, 'made');
  writeFileSync(made, '');
  const script = `
    import {appendFileSync, writeFileSync} from 'node:fs';
    const cache = openCache(${JSON.stringify(root)}, {warn: console.log});
    for (let i = 0; i < 5; i++) {
      const fingerprint = sha256(String(i));
      const lock = await cache.lock(fingerprint);
      if (!(await cache.find(fingerprint))) {
        appendFileSync(${JSON.stringify(made)}, i + '\\n');
        const draft = await cache.begin(fingerprint, lock);
        writeFileSync(draft.folder + '/by', String(process.pid));
        await draft.commit({kind: 'score', label: 's', fingerprint, key: {}, summary: null, provenance: {}});
      }
      lock.release();
    }`;
  const children = Array.from({length: 3}, () => startScript(script, imports));
  expect(await Promise.all(children.map(ended))).toEqual(children.map(() => ({output: '', end: 0})));
  expect(readFileSync(made, 'utf8').trim().split('\n').sort()).toEqual(['0', '1', '2', '3', '4']);
  await checkAfter(root, '0\n1\n2\n3\n4\n');
});

test('a file where the cache wants a folder is moved away before the work, and said', async () => {
  const root = join(fresh(), 'cache');
  const warnings: string[] = [];
  const open = () => openCache(root, {warn: (message) => warnings.push(message)});
  writeFileSync(root, 'not a folder');
  open();
  expect(readFileSync(`${root}.moved`, 'utf8')).toBe('not a folder');
  const shelf = join(root, fingerprint.slice(0, 2));
  for (const place of ['tmp', 'locks', 'scratch', 'damaged'].map((name) => join(root, name))) {
    rmSync(place, {recursive: true});
    writeFileSync(place, 'mine');
  }
  writeFileSync(shelf, 'mine');
  const cache = open();
  writeFileSync(join(root, 'scratch', fingerprint), 'mine');
  expect(await cache.find(fingerprint)).toBeUndefined();
  const draft = await cache.begin(fingerprint, holder);
  cache.scratch(fingerprint, holder);
  await draft.commit(parts);
  expect(await cache.find(fingerprint)).toBeDefined();
  const places = [root, ...['tmp', 'locks', 'scratch', 'damaged'].map((name) => join(root, name)), shelf];
  expect(warnings).toEqual(
    [...places, join(root, 'scratch', fingerprint)].map(
      (place) => `${place} is to be a folder of the cache: what lay there was moved to ${place}.moved.`,
    ),
  );
  // What is strange beside the entries hinders neither the list nor the removal.
  writeFileSync(join(root, 'ab'), '');
  writeFileSync(join(root, 'damaged', 'file'), 'four');
  expect((await cache.prune({keep: new Set()})).entries).toBe(1);
});
