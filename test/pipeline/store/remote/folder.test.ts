import {chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs';
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
