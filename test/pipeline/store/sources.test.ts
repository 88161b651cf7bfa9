import {readFileSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {sha256} from '../../../src/core/base/canonical.ts';
import {openFileDigests} from '../../../src/pipeline/store/sources.ts';
import {World} from '../../rig/world.ts';

const remembered = (world: World): string => readFileSync(join(world.cacheRoot, 'sources.json'), 'utf8');

/** A file that has not been written to for a while: one that came with Node, as times of change can't be set. */
const settled = process.execPath;

test('a digest is that of the current content', async () => {
  using world = new World();
  const path = world.write('images.bin', 'one');
  const digests = openFileDigests(world.cacheRoot);
  expect(await digests.digest(path)).toBe(sha256('one'));
  const {atime, mtime} = statSync(path);
  writeFileSync(path, 'two');
  utimesSync(path, atime, mtime); // same size, same time: another content all the same
  expect(await digests.digest(path)).toBe(sha256('two'));
  expect(await digests.rehash(path)).toBe(sha256('two'));
});

test('a file that was just written is not remembered', async () => {
  using world = new World();
  const digests = openFileDigests(world.cacheRoot);
  await digests.digest(world.write('images.bin', 'one'));
  await digests.save();
  expect(() => remembered(world)).toThrow('ENOENT');
});

test('the digest of an unchanged file is remembered; a damaged record is ignored', async () => {
  using world = new World();
  const first = openFileDigests(world.cacheRoot);
  const digest = await first.digest(settled);
  await first.save();
  const memory = remembered(world);
  expect(JSON.parse(memory).files[settled].sha256).toBe(digest);
  const file = join(world.cacheRoot, 'sources.json');
  const wrong = sha256('wrong');
  writeFileSync(file, memory.replace(digest, wrong));
  expect(await openFileDigests(world.cacheRoot).digest(settled)).toBe(digest);
  writeFileSync(file, memory.slice(0, -20));
  expect(await openFileDigests(world.cacheRoot).digest(settled)).toBe(digest);
});

test('a missing file is an error', async () => {
  using world = new World();
  await expect(openFileDigests(world.cacheRoot).digest(join(world.root, 'gone'))).rejects.toThrow('ENOENT');
});
