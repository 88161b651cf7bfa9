import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {sha256} from '../../../../src/core/base/canonical.ts';
import {sealManifest} from '../../../../src/pipeline/store/cache/entry.ts';
import {fetchFiles, pushEntry, remoteManifest} from '../../../../src/pipeline/store/remote/entries.ts';
import {blobKey, entryKey} from '../../../../src/pipeline/store/remote/layout.ts';
import {flipByte} from '../../../rig/faults.ts';
import {commitEntry, disturbed, freshCache, freshFolder, freshStore} from '../../../rig/stores.ts';

test('an entry comes back as it was, and equal files lie in the store once', async () => {
  const {objects} = freshStore();
  const cache = freshCache();
  const one = await commitEntry(cache, 'one', {a: 'same', b: 'same', c: 'x'.repeat(100_000)});
  expect(await pushEntry(objects, one)).toEqual({state: 'pushed', bytes: 100_004});
  const two = await commitEntry(cache, 'two', {a: 'same'});
  expect(await pushEntry(objects, two)).toEqual({state: 'pushed', bytes: 0});
  expect(await pushEntry(objects, two)).toEqual({state: 'there', bytes: 0});
  const manifest = await remoteManifest(objects, sha256('one'));
  expect(manifest).toEqual(one.manifest);
  const folder = freshFolder();
  let bytes = 0;
  await fetchFiles(objects, manifest!, folder, (more) => {
    bytes += more;
  });
  expect([readdirSync(folder), bytes]).toEqual([['a', 'b', 'c'], 100_008]);
  expect(readFileSync(join(folder, 'c'), 'utf8')).toBe('x'.repeat(100_000));
  expect(await remoteManifest(objects, sha256('none'))).toBeUndefined();
});

test('of two results for one stage the first stays, and both makers are named', async () => {
  const {objects} = freshStore();
  const make = (text: string, host: string) =>
    commitEntry(freshCache(), 'one', {out: text}, {run: `run-${text}`, host});
  await pushEntry(objects, await make('first', 'host-a'));
  // By whom and when is no difference.
  expect(await pushEntry(objects, await make('first', 'host-b'))).toMatchObject({state: 'there'});
  expect(await pushEntry(objects, await make('other', 'host-b'))).toMatchObject({
    state: 'differs',
    first: {provenance: {run: 'run-first', host: 'host-a'}},
    own: {provenance: {run: 'run-other', host: 'host-b'}},
  });
  expect((await remoteManifest(objects, sha256('one')))?.provenance).toEqual({run: 'run-first', host: 'host-a'});
});

test('a record is put only when all its files are there', async () => {
  const {objects} = freshStore();
  const entry = await commitEntry(freshCache(), 'one', {a: 'a', b: 'b'});
  const broken = disturbed(objects, (operation, key) => {
    if (operation === 'upload' && key === blobKey(sha256('b'))) throw new Error('broken off');
  });
  await expect(pushEntry(broken, entry)).rejects.toThrow('broken off');
  expect(await remoteManifest(objects, sha256('one'))).toBeUndefined();
  // Begun again, it sends the rest alone.
  expect(await pushEntry(objects, entry)).toEqual({state: 'pushed', bytes: 1});
});

test('what is damaged here is not pushed', async () => {
  const {objects} = freshStore();
  const entry = await commitEntry(freshCache(), 'one');
  flipByte(join(entry.folder, 'out'), 0);
  await expect(pushEntry(objects, entry)).rejects.toThrow('is not as it was committed, and was not pushed');
  expect(await objects.size(blobKey(sha256('one')))).toBeUndefined();
});

/** Something else in the place of a file. */
const inPlaceOf = (path: string, put: (path: string) => void): void => {
  rmSync(path);
  put(path);
};

test('every damage in the store is found when it is fetched, and mended by who has the result', async () => {
  const entry = await commitEntry(freshCache(), 'one', {a: 'aaa', b: 'bbb'});
  const damages: readonly (readonly [(folder: string) => void, string])[] = [
    [(folder) => flipByte(join(folder, blobKey(sha256('aaa'))), 1), 'a differs from its checksum'],
    [(folder) => writeFileSync(join(folder, blobKey(sha256('aaa'))), 'aa'), 'a is not of 3 bytes'],
    [(folder) => rmSync(join(folder, blobKey(sha256('bbb')))), 'b is missing'],
    [(folder) => flipByte(join(folder, entryKey(sha256('one'))), 40), 'its manifest.json '],
    [(folder) => writeFileSync(join(folder, entryKey(sha256('one'))), ''), 'its manifest.json is not JSON'],
    [(folder) => writeFileSync(join(folder, entryKey(sha256('one'))), 'null\n'), 'its manifest.json is not as it was'],
    [
      (folder) => inPlaceOf(join(folder, blobKey(sha256('aaa'))), (path) => execFileSync('mkfifo', [path])),
      'a is a named pipe, a device or a socket, not a file',
    ],
    [
      (folder) =>
        inPlaceOf(join(folder, blobKey(sha256('bbb'))), (path) => mkdirSync(join(path, 'work'), {recursive: true})),
      'b is a folder, not a file',
    ],
    [
      (folder) => inPlaceOf(join(folder, entryKey(sha256('one'))), (path) => symlinkSync('/nowhere/x', path)),
      'its manifest.json is a link to nothing',
    ],
  ];
  for (const [damage, said] of damages) {
    const {objects, folder} = freshStore();
    await pushEntry(objects, entry);
    damage(folder);
    const fetched = async (): Promise<void> =>
      fetchFiles(objects, (await remoteManifest(objects, sha256('one')))!, freshFolder());
    await expect(fetched()).rejects.toThrow(said);
    expect(await pushEntry(objects, entry, {again: true})).toMatchObject({state: 'pushed'});
    await fetched();
  }
});

test('a push replaces a record that is damaged or vanishes, says so, and moves a folder aside', async () => {
  const {objects, folder} = freshStore();
  const entry = await commitEntry(freshCache(), 'one');
  const record = join(folder, entryKey(sha256('one')));
  await pushEntry(objects, entry);
  inPlaceOf(record, (path) => symlinkSync('/nowhere/x', path));
  expect(await pushEntry(objects, entry)).toMatchObject({
    state: 'pushed',
    damage: `its manifest.json is a link to nothing (${record})`,
  });
  inPlaceOf(record, (path) => mkdirSync(join(path, 'work'), {recursive: true}));
  expect(await pushEntry(objects, entry, {listed: true})).toMatchObject({
    state: 'pushed',
    damage: `its manifest.json is a folder, not a file (${record})`,
  });
  expect(existsSync(join(`${record}.moved`, 'work'))).toBe(true);
  expect(await pushEntry(objects, entry, {listed: true})).toEqual({state: 'there', bytes: 0});
  const vanishing = {...objects, create: async () => false, read: async () => undefined};
  expect(await pushEntry(vanishing, entry)).toMatchObject({state: 'pushed'});
});

test('a record that names a file outside its entry is refused', async () => {
  const {objects} = freshStore();
  for (const name of ['../evil', '/etc/evil', 'a/../../evil', 'a//b', '.', 'a\\b']) {
    const parts = {
      kind: 'score' as const,
      label: 's',
      fingerprint: sha256('one'),
      key: {},
      summary: null,
      provenance: {},
    };
    const {text} = sealManifest({format: 1, ...parts, files: {[name]: {bytes: 0, sha256: sha256('')}}});
    await objects.write(entryKey(sha256('one')), Buffer.from(text));
    const manifest = (await remoteManifest(objects, sha256('one')))!;
    await expect(fetchFiles(objects, manifest, freshFolder())).rejects.toThrow('it names the file');
  }
});
