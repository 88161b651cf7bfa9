import {mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {sha256} from '../../../src/core/base/canonical.ts';
import {digestOfFile, readTextIfThere, walk, writeFileAtomic} from '../../../src/core/base/files.ts';
import {withFailingDisk} from '../../rig/faults.ts';

const fresh = (): string => mkdtempSync(join(tmpdir(), 'files-'));

test('an atomic write makes folders, and replaces what was there', async () => {
  const path = join(fresh(), 'a', 'b', 'file');
  await writeFileAtomic(path, 'one');
  await writeFileAtomic(path, Uint8Array.of(1, 2));
  expect([...readFileSync(path)]).toEqual([1, 2]);
  expect(readdirSync(join(path, '..'))).toEqual(['file']);
});

test('an atomic write that fails at any point leaves the old file or the new, and no litter', async () => {
  const folder = fresh();
  const path = join(folder, 'file');
  let n = 0;
  for (let done = false; !done; n++) {
    await writeFileAtomic(path, 'old');
    done = await withFailingDisk(n, 'ENOSPC', () => writeFileAtomic(path, 'new')).then(
      () => true,
      () => false,
    );
    // Only the last step, which makes the rename last, may fail after the rename.
    expect(['old', 'new']).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(folder)).toEqual(['file']);
  }
  expect(n).toBeGreaterThan(3);
  expect(readFileSync(path, 'utf8')).toBe('new');
});

test.each([0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 4 << 20, (8 << 20) + 3])(
  'the digest of %i bytes',
  async (size) => {
    const path = join(fresh(), 'file');
    const bytes = Buffer.alloc(size, 'some text of 31 bytes, a prime.');
    writeFileSync(path, bytes);
    expect(await digestOfFile(path)).toEqual({bytes: size, sha256: sha256(bytes)});
  },
);

test('digests taken at the same time do not mix', async () => {
  const folder = fresh();
  const contents = Array.from({length: 20}, (_, i) => Buffer.alloc(i % 2 === 0 ? 1000 : 600_000, i));
  contents.forEach((content, i) => {
    writeFileSync(join(folder, `${i}`), content);
  });
  const digests = await Promise.all(contents.map((_, i) => digestOfFile(join(folder, `${i}`))));
  expect(digests.map((digest) => digest.sha256)).toEqual(contents.map((content) => sha256(content)));
});

test('walking lists all but folders, in the same order everywhere', () => {
  const folder = fresh();
  mkdirSync(join(folder, 'b', 'empty'), {recursive: true});
  for (const name of ['B', 'b/z', 'b/a', 'a', 'ä']) writeFileSync(join(folder, name), '');
  symlinkSync('nowhere', join(folder, 'link'));
  expect(walk(folder)).toEqual(['B', 'a', 'b/a', 'b/z', 'link', 'ä']);
});

test('a text that is not there is undefined, one that can not be read an error', () => {
  expect(readTextIfThere(join(fresh(), 'nothing'))).toBeUndefined();
  expect(() => readTextIfThere(fresh())).toThrow('EISDIR');
});
