import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {type Digest, sha256} from '../../../../src/core/base/canonical.ts';
import {type Cache, type Entry, LeaseLost, openCache} from '../../../../src/pipeline/store/cache/cache.ts';
import {flipByte} from '../../../rig/faults.ts';
import {holder} from '../../../rig/holder.ts';
import {withFs} from '../../../rig/network.ts';

const fresh = (): string => mkdtempSync(join(tmpdir(), 'cache-'));
const fingerprint = sha256('a');
const unexpected = {warn: (message: string) => expect.unreachable(message)};

const partsOf = (fingerprint: Digest) => ({
  kind: 'score' as const,
  label: 'score kde',
  fingerprint,
  key: {recipe: {seed: 0}, 7: 'seven'},
  summary: {auc: 1 / 3},
  provenance: {host: 'größer'},
});

async function put(cache: Cache, name: string, files: {readonly [name: string]: string}): Promise<Entry> {
  const draft = await cache.begin(sha256(name), holder);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(draft.folder, file, '..'), {recursive: true});
    writeFileSync(join(draft.folder, file), content);
  }
  return await draft.commit(partsOf(sha256(name)));
}

const files = {'scores.arrow': 'scores', 'deep/er/classifier.arrow': 'x'.repeat(300_000), 'empty.arrow': ''};

/** Names of all that is in the cache beside whole entries. */
const litter = (root: string): readonly string[] =>
  ['tmp', 'locks', 'scratch', 'damaged'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
  );

test('a committed entry is found by this process and by the next', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  expect(await cache.find(fingerprint)).toBeUndefined();
  const entry = await put(cache, 'a', files);
  expect(entry.folder).toBe(join(root, fingerprint.slice(0, 2), fingerprint));
  expect(entry.manifest).toMatchObject({format: 1, ...partsOf(fingerprint)});
  expect(entry.manifest.files['scores.arrow']).toEqual({bytes: 6, sha256: sha256('scores')});
  expect(await cache.find(fingerprint)).toEqual(entry);
  expect(await openCache(root, unexpected).find(fingerprint)).toEqual(entry);
  expect(readFileSync(join(entry.folder, 'scores.arrow'), 'utf8')).toBe('scores');
  expect(litter(root)).toEqual([]);
});

test('an entry with a flipped byte is a miss with a warning, and is computed again', async () => {
  const root = fresh();
  const warnings: string[] = [];
  const cache = openCache(root, {warn: (message) => warnings.push(message)});
  const {folder} = await put(cache, 'a', {'scores.arrow': 'scores', 'b/c.arrow': 'content'});
  for (const name of ['manifest.json', 'scores.arrow', 'b/c.arrow']) {
    const {length} = readFileSync(join(folder, name));
    for (let at = 0; at < length; at++) {
      flipByte(join(folder, name), at);
      expect(await cache.find(fingerprint), `${name} byte ${at}`).toBeUndefined();
      expect(existsSync(folder)).toBe(false);
      await put(cache, 'a', {'scores.arrow': 'scores', 'b/c.arrow': 'content'});
      expect(await cache.find(fingerprint)).toBeDefined();
    }
  }
  expect(warnings.length).toBe(readdirSync(join(root, 'damaged')).length);
});

test.each([
  ['scores.arrow differs from its checksum', (folder: string) => flipByte(join(folder, 'scores.arrow'), 2)],
  ['scores.arrow has 3 bytes instead of 6', (folder: string) => writeFileSync(join(folder, 'scores.arrow'), 'sco')],
  ['scores.arrow is missing', (folder: string) => rmSync(join(folder, 'scores.arrow'))],
  ['stranger is not part of the entry', (folder: string) => writeFileSync(join(folder, 'stranger'), '')],
  ['manifest.json is missing', (folder: string) => rmSync(join(folder, 'manifest.json'))],
  ['manifest.json is not JSON', (folder: string) => writeFileSync(join(folder, 'manifest.json'), '{')],
  ['manifest.json is not as it was written', (folder: string) => writeFileSync(join(folder, 'manifest.json'), 'null')],
  [
    'scores.arrow is not a file',
    (folder: string) => {
      rmSync(join(folder, 'scores.arrow'));
      mkdirSync(join(folder, 'scores.arrow'));
    },
  ],
])('a damaged entry is set aside: %s', async (reason, damage) => {
  const root = fresh();
  const warnings: string[] = [];
  const cache = openCache(root, {warn: (message) => warnings.push(message)});
  const {folder} = await put(cache, 'a', {'scores.arrow': 'scores'});
  damage(folder);
  expect(await cache.find(fingerprint)).toBeUndefined();
  const [aside] = readdirSync(join(root, 'damaged'));
  expect(warnings).toEqual([
    `cache entry ca978112ca1b is damaged: ${reason}. It is not used, was moved to ${join(root, 'damaged', aside!)} ` +
      'and will be computed again.',
  ]);
  expect(await cache.find(fingerprint)).toBeUndefined();
  expect(warnings).toHaveLength(1);
});

test('an entry under another fingerprint is not used', async () => {
  const root = fresh();
  const warnings: string[] = [];
  const cache = openCache(root, {warn: (message) => warnings.push(message)});
  const {folder} = await put(cache, 'a', files);
  const other = sha256('b');
  mkdirSync(join(root, other.slice(0, 2)), {recursive: true});
  renameSync(folder, join(root, other.slice(0, 2), other));
  expect(await cache.find(other)).toBeUndefined();
  expect(warnings[0]).toContain('manifest.json belongs to ca978112ca1b');
});

test('if two processes commit the same entry, the first one stays', async () => {
  const root = fresh();
  const [one, two] = [openCache(root, unexpected), openCache(root, unexpected)];
  const drafts = [await one.begin(fingerprint, holder), await two.begin(fingerprint, holder)];
  drafts.forEach((draft, i) => {
    writeFileSync(join(draft.folder, 'file'), `by ${i}`);
  });
  const entries = [await drafts[0]!.commit(partsOf(fingerprint)), await drafts[1]!.commit(partsOf(fingerprint))];
  expect(entries[1]).toEqual(entries[0]);
  expect(readFileSync(join(entries[1]!.folder, 'file'), 'utf8')).toBe('by 0');
  expect(litter(root)).toEqual([]);
});

test('a commit replaces an entry that is damaged', async () => {
  const root = fresh();
  const warnings: string[] = [];
  const cache = openCache(root, {warn: (message) => warnings.push(message)});
  const {folder} = await put(cache, 'a', files);
  flipByte(join(folder, 'scores.arrow'), 0);
  const entry = await put(cache, 'a', files);
  expect(await cache.find(fingerprint)).toEqual(entry);
  expect(warnings).toHaveLength(1);
});

test('a link to nowhere in the place of an entry is moved aside, and the entry is written', async () => {
  const root = fresh();
  const entry = join(root, fingerprint.slice(0, 2), fingerprint);
  mkdirSync(join(root, fingerprint.slice(0, 2)), {recursive: true});
  symlinkSync('/nowhere/at/all', entry);
  const cache = openCache(root, unexpected);
  expect(await cache.find(fingerprint)).toBeUndefined();
  await put(cache, 'a', files);
  expect(await cache.find(fingerprint)).toMatchObject({folder: entry});
  expect(readlinkSync(`${entry}.moved`)).toBe('/nowhere/at/all');
});

test('a discarded draft leaves nothing; a stage may not write a manifest', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  const draft = await cache.begin(fingerprint, holder);
  writeFileSync(join(draft.folder, 'file'), '');
  await draft.discard();
  await draft.discard();
  await expect(put(cache, 'a', {'manifest.json': '{}'})).rejects.toThrow(
    'a score stage left a file named manifest.json',
  );
  expect(litter(root)).toEqual([]);
  expect(await cache.find(fingerprint)).toBeUndefined();
});

test('drafts of living processes are kept', async () => {
  const root = fresh();
  const draft = await openCache(root, unexpected).begin(fingerprint, holder);
  const lock = await openCache(root, unexpected).lock(fingerprint);
  writeFileSync(join(draft.folder, 'file'), '');
  openCache(root, unexpected);
  await draft.commit(partsOf(fingerprint));
  expect(litter(root)).toEqual([`locks/${fingerprint}`]);
  lock.release();
});

test('scratch folders survive the process that made them', async () => {
  const root = fresh();
  writeFileSync(join(openCache(root, unexpected).scratch(fingerprint, holder), 'checkpoint'), 'kept');
  const cache = openCache(root, unexpected);
  expect(readFileSync(join(cache.scratch(fingerprint, holder), 'checkpoint'), 'utf8')).toBe('kept');
  await cache.dropScratch(fingerprint, holder);
  await cache.dropScratch(fingerprint, holder);
  expect(litter(root)).toEqual([]);
});

test('a holder takes over the scratch of the one before, who can then neither read nor spoil it', () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  const of = (fence: number): string => cache.scratch(fingerprint, {fence});
  const mine = of(1);
  writeFileSync(join(mine, 'checkpoint'), 'epoch 1');
  const theirs = of(2);
  expect(readFileSync(join(theirs, 'checkpoint'), 'utf8')).toBe('epoch 1');
  // Taken for dead, it goes on.
  expect(() => writeFileSync(join(mine, 'checkpoint'), 'epoch 2')).toThrow('ENOENT');
  expect(of(1)).toBe(mine);
  writeFileSync(join(mine, 'checkpoint'), 'epoch 2');
  expect(readFileSync(join(theirs, 'checkpoint'), 'utf8')).toBe('epoch 1');
  // Whoever is next goes on from the latest holder's.
  expect(readFileSync(join(of(3), 'checkpoint'), 'utf8')).toBe('epoch 1');
});

test('who is no longer the holder drops only what is its own', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  writeFileSync(join(cache.scratch(fingerprint, {fence: 1}), 'checkpoint'), '');
  cache.scratch(fingerprint, {fence: 2});
  cache.scratch(fingerprint, {fence: 1});
  await cache.dropScratch(fingerprint, {fence: 1});
  expect(litter(root)).toEqual([`scratch/${fingerprint}.2`]);
});

test('the checkpoints of an earlier version are taken over', () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  mkdirSync(join(root, 'scratch', fingerprint));
  writeFileSync(join(root, 'scratch', fingerprint, 'checkpoint'), 'kept');
  expect(readFileSync(join(cache.scratch(fingerprint, holder), 'checkpoint'), 'utf8')).toBe('kept');
});

test('a fence is greater than that of all who have left something', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  expect((await cache.lock(sha256('b'))).fence).toBe(1);
  cache.scratch(fingerprint, {fence: 7});
  expect((await cache.lock(fingerprint)).fence).toBe(8);
});

test('who has lost the lock publishes nothing, and leaves nothing', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  const lock = await cache.lock(fingerprint);
  const draft = await cache.begin(fingerprint, lock);
  writeFileSync(join(draft.folder, 'file'), 'mine');
  // As who takes over a holder that it takes for dead.
  rmSync(join(root, 'locks', fingerprint));
  const successor = await cache.lock(fingerprint);
  await expect(draft.commit(partsOf(fingerprint))).rejects.toThrow(LeaseLost);
  expect(await cache.find(fingerprint)).toBeUndefined();
  expect(lock.lost.aborted).toBe(true);
  const second = await cache.begin(fingerprint, successor);
  writeFileSync(join(second.folder, 'file'), 'theirs');
  await second.commit(partsOf(fingerprint));
  lock.release();
  successor.release();
  expect(litter(root)).toEqual([]);
});

test('who was swept as dead is told so at the commit', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  const draft = await cache.begin(fingerprint, holder);
  rmSync(draft.folder, {recursive: true});
  expect(draft.isThere()).toBe(false);
  await expect(draft.commit(partsOf(fingerprint))).rejects.toThrow(LeaseLost);
});

test('an entry that another host has just made is found, although a look at its name says for a moment that it is not there', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  await put(cache, 'a', files);
  const asked: string[] = [];
  const found = await withFs(
    {
      // A client of NFS remembers that a name was not there until it opens the folder.
      statSync: (real, path, ...rest) => {
        if (String(path).endsWith(fingerprint) && !asked.some((folder) => String(path).startsWith(folder)))
          throw Object.assign(new Error('ENOENT'), {code: 'ENOENT'});
        return real(path, ...rest);
      },
      readdirSync: (real, path, ...rest) => {
        if (String(path) !== root) asked.push(String(path));
        return real(path, ...rest);
      },
    },
    () => cache.find(fingerprint),
  );
  expect(found?.manifest.fingerprint).toBe(fingerprint);
});

test('scratch that a crash left beside a finished entry is removed, unless the entry is being computed again', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  await put(cache, 'a', files);
  cache.scratch(fingerprint, holder);
  const lock = await cache.lock(fingerprint);
  openCache(root, unexpected);
  expect(readdirSync(join(root, 'scratch'))).toEqual([`${fingerprint}.1`]);
  lock.release();
  openCache(root, unexpected);
  expect(litter(root)).toEqual([]);
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('listing and verifying', async () => {
  const root = fresh();
  const cache = openCache(root, unexpected);
  const entries = [await put(cache, 'a', {file: '12345'}), await put(cache, 'b', {file: '123'})];
  const listed = await collect(cache.list());
  expect(new Set(listed.map(({manifest}) => manifest.fingerprint))).toEqual(new Set([sha256('a'), sha256('b')]));
  const a = listed.find(({manifest}) => manifest.fingerprint === fingerprint)!;
  expect(a.size).toBe(5 + readFileSync(join(a.folder, 'manifest.json')).length);
  flipByte(join(entries[1]!.folder, 'file'), 0);
  const verdicts = await collect(cache.verify());
  expect(verdicts.find((verdict) => verdict.fingerprint === fingerprint)).toEqual({
    fingerprint,
    state: 'ok',
    label: 'score kde',
  });
  expect(verdicts.find((verdict) => verdict.fingerprint === sha256('b'))).toMatchObject({
    state: 'damaged',
    reason: 'file differs from its checksum',
  });
  expect(await collect(cache.list())).toHaveLength(1);
});

test('pruning keeps chosen entries and removes those that were not used for long', async () => {
  const root = fresh();
  const cache = openCache(root, {warn: () => undefined});
  const entries = [];
  for (const name of ['a', 'b', 'c', 'd']) entries.push(await put(cache, name, {file: name.repeat(1000)}));
  writeFileSync(join(cache.scratch(sha256('z'), holder), 'checkpoint'), 'x'.repeat(50));
  flipByte(join(entries[3]!.folder, 'file'), 0);
  await cache.find(sha256('d'));
  const sizes = (await collect(cache.list())).map(({size}) => size);
  const whole = sizes[0]!;
  expect(await cache.prune({keep: new Set([sha256('a'), sha256('b')])})).toEqual({entries: 1, bytes: 2 * whole + 50});
  expect(litter(root)).toEqual([]);

  const longAgo = Date.now() / 1000 - 40 * 24 * 3600;
  for (const entry of entries.slice(0, 2)) utimesSync(entry.folder, longAgo, longAgo);
  await cache.find(sha256('a'));
  expect(await cache.prune({olderThanDays: 30})).toEqual({entries: 1, bytes: whole});
  expect(await cache.find(sha256('a'))).toBeDefined();
  expect(await cache.find(sha256('b'))).toBeUndefined();
  expect(litter(root)).toEqual([]);
});

test('pruning leaves the checkpoints of a stage that is being computed', async () => {
  const cache = openCache(fresh(), unexpected);
  const checkpoint = join(cache.scratch(fingerprint, holder), 'checkpoint');
  writeFileSync(checkpoint, 'kept');
  const lock = await cache.lock(fingerprint);
  expect(await cache.prune({keep: new Set()})).toEqual({entries: 0, bytes: 0});
  expect(existsSync(checkpoint)).toBe(true);
  lock.release();
  expect(await cache.prune({keep: new Set()})).toEqual({entries: 0, bytes: 4});
  expect(existsSync(checkpoint)).toBe(false);
});
