import {chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {openFolder} from '../../../../src/pipeline/store/remote/folder.ts';
import {StoreError} from '../../../../src/pipeline/store/remote/objects.ts';
import {systemError, withFs} from '../../../rig/network.ts';
import {freshFolder, freshStore} from '../../../rig/stores.ts';
import {checkObjects} from './objects.ts';

describe('a folder', () => {
  const folder = freshFolder();
  let made = 0;
  checkObjects(() => {
    const own = join(folder, String(made++));
    mkdirSync(own);
    return openFolder(own);
  }, 300_000);
});

test('a mount that is not there is unreachable, and no folder is made in its place', async () => {
  const folder = join(freshFolder(), 'mount');
  const objects = openFolder(folder);
  for (const work of [
    () => objects.write('a', Buffer.from('')),
    () => objects.create('a', Buffer.from('')),
    async () => {
      for await (const _ of objects.list('a/'));
    },
  ])
    await expect(work()).rejects.toMatchObject({kind: 'unreachable', message: expect.stringContaining(folder)});
  expect(existsSync(folder)).toBe(false);
});

test('a folder that may not be written to is refused, and a draft that was broken off is swept', async () => {
  const {objects, folder} = freshStore();
  await objects.create('a', Buffer.from('a'));
  const draft = join(folder, '.drafts', 'left');
  writeFileSync(draft, 'half');
  await objects.sweep(Date.now() - 60_000);
  expect(existsSync(draft)).toBe(true);
  await objects.sweep(Date.now() + 60_000);
  expect(readdirSync(join(folder, '.drafts'))).toEqual([]);
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o500);
    await expect(objects.write('b', Buffer.from(''))).rejects.toMatchObject({kind: 'refused'});
  }
});

test('other errors of the system are unreachable, in words', async () => {
  const {objects, folder} = freshStore();
  mkdirSync(join(folder, 'l'));
  await withFs(
    {
      readdirSync() {
        throw systemError('EIO');
      },
    },
    async () => {
      const listing = (async () => {
        for await (const _ of objects.list('l/'));
      })();
      await expect(listing).rejects.toThrow(StoreError);
      await expect(listing).rejects.toThrow("can't be read or written");
    },
  );
});

test('what lies in the place of an object is listed as damage, and is no object', async () => {
  const {objects, folder} = freshStore();
  await objects.write('l/a/file', Buffer.from('file'));
  symlinkSync('file', join(folder, 'l/a/link'));
  mkdirSync(join(folder, 'l/a/folder/below'), {recursive: true});
  symlinkSync('self', join(folder, 'l/a/self'));
  const found = [];
  for await (const {key, bytes, damage} of objects.list('l/')) found.push([key, bytes, damage]);
  expect(found).toEqual([
    ['l/a/file', 4, undefined],
    ['l/a/folder', 0, 'is a folder, not a file'],
    ['l/a/link', 4, undefined],
    ['l/a/self', 0, 'is a link to nothing'],
  ]);
  expect([await objects.size('l/a/folder'), await objects.create('l/a/folder', Buffer.from(''))]).toEqual([
    undefined,
    false,
  ]);
  expect(await objects.remove('l/a/folder')).toBe(join(folder, 'l/a/folder.moved'));
  expect(existsSync(join(folder, 'l/a/folder.moved/below'))).toBe(true);
});

test('a file in the place of a folder is moved aside, and stops nothing', async () => {
  const {objects, folder} = freshStore();
  mkdirSync(join(folder, 'l'));
  writeFileSync(join(folder, 'l/a'), 'mine');
  symlinkSync('/nowhere/x', join(folder, '.drafts'));
  expect(await objects.create('l/a/file', Buffer.from('file'))).toBe(true);
  expect(String(await objects.read('l/a/file'))).toBe('file');
  expect(readFileSync(join(folder, 'l/a.moved'), 'utf8')).toBe('mine');
});

test('a store that is a file is refused; of a full disk it is said how its space is freed', async () => {
  const file = join(freshFolder(), 'file');
  writeFileSync(file, '');
  const objects = openFolder(file);
  const listing = (async () => {
    for await (const _ of objects.list('a/'));
  })();
  await expect(listing).rejects.toMatchObject({kind: 'refused', message: `${file} is not a folder`});
  const {objects: full, folder} = freshStore();
  mkdirSync(join(folder, 'l'));
  const readdirSync = () => {
    throw systemError('ENOSPC');
  };
  await withFs({readdirSync}, async () => {
    const filled = (async () => {
      for await (const _ of full.list('l/'));
    })();
    await expect(filled).rejects.toMatchObject({
      message: 'its disk is full',
      hint: expect.stringContaining('pipeline store prune'),
    });
  });
});
