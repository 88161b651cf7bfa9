/** What every store promises (`objects.ts`), checked on one. */
import {randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {ObjectStore} from '../../../../src/pipeline/store/remote/objects.ts';
import {freshFolder} from '../../../rig/stores.ts';

/** `large`: bytes of the largest file. */
export function checkObjects(open: () => ObjectStore, large: number): void {
  const keysUnder = async (objects: ObjectStore, prefix: string): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const {key} of objects.list(prefix)) keys.push(key);
    return keys;
  };

  test('what was written is read, as a whole and in parts; what is not there is undefined', async () => {
    const objects = open();
    expect(await objects.read('a/none')).toBeUndefined();
    expect(await objects.size('a/none')).toBeUndefined();
    await objects.write('a/b', Buffer.from('0123456789'));
    expect((await objects.read('a/b'))?.toString()).toBe('0123456789');
    expect((await objects.read('a/b', {from: 2, bytes: 3}))?.toString()).toBe('234');
    expect(await objects.size('a/b')).toBe(10);
    await objects.write('a/b', Buffer.from('new'));
    expect((await objects.read('a/b'))?.toString()).toBe('new');
    await objects.remove('a/b');
    await objects.remove('a/b');
    expect(await objects.read('a/b')).toBeUndefined();
  });

  test('of many that create one name at once, one succeeds, and its bytes stay', async () => {
    const objects = open();
    const created = await Promise.all(
      Array.from({length: 12}, (_, i) => objects.create('race', Buffer.from(`by ${i}`))),
    );
    expect(created.filter(Boolean)).toHaveLength(1);
    expect((await objects.read('race'))?.toString()).toBe(`by ${created.indexOf(true)}`);
  });

  test('files of any size arrive as they are', async () => {
    const objects = open();
    for (const bytes of [0, 1, large]) {
      const path = join(freshFolder(), 'file');
      const content = randomBytes(bytes);
      writeFileSync(path, content);
      let sent = 0;
      await objects.upload(`file/${bytes}`, path, bytes, (more) => {
        sent += more;
      });
      expect(sent).toBe(bytes);
      expect(await objects.size(`file/${bytes}`)).toBe(bytes);
      expect((await objects.read(`file/${bytes}`))?.equals(content)).toBe(true);
    }
  });

  test('names are listed in their order, by prefixes that may end in the middle of one; a name that is written again has another tag', async () => {
    const objects = open();
    for (const key of ['l/b/2', 'l/b/1.9', 'l/a', 'l/b/1.10', 'm']) await objects.write(key, Buffer.from(key));
    expect(await keysUnder(objects, 'l/')).toEqual(['l/a', 'l/b/1.10', 'l/b/1.9', 'l/b/2']);
    expect(await keysUnder(objects, 'l/b/1.')).toEqual(['l/b/1.10', 'l/b/1.9']);
    expect(await keysUnder(objects, 'none/')).toEqual([]);
    const tagOf = async (): Promise<unknown> => {
      for await (const {tag, bytes} of objects.list('l/a')) return [tag, bytes];
    };
    const before = await tagOf();
    await objects.write('l/a', Buffer.from('l/z'));
    expect(await tagOf()).not.toEqual(before);
  });

  test('what is swept is no object', async () => {
    const objects = open();
    await objects.write('kept', Buffer.from('kept'));
    await objects.sweep(Date.now() + 1000);
    expect((await objects.read('kept'))?.toString()).toBe('kept');
  });
}
