import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {sha256} from '../../../../src/core/base/canonical.ts';
import {findFile, findManifest} from '../../../../src/pipeline/store/cache/artifact.ts';
import {openCache} from '../../../../src/pipeline/store/cache/cache.ts';
import {flipByte} from '../../../rig/faults.ts';
import {holder} from '../../../rig/holder.ts';

const fingerprint = sha256('a');
let root: string;
let entry: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'artifact-'));
  const draft = await openCache(root, {warn: (message) => expect.unreachable(message)}).begin(fingerprint, holder);
  for (const name of ['curve.arrow', 'weights.arrow']) writeFileSync(join(draft.folder, name), name);
  const about = {kind: 'learn' as const, label: 'learn rotation', key: {}, summary: null, provenance: {}};
  entry = (await draft.commit({...about, fingerprint})).folder;
});
afterEach(() => rmSync(root, {recursive: true}));

const reasonOf = (result: Awaited<ReturnType<typeof findFile>>): string | undefined =>
  result.ok ? undefined : result.failures[0]!.message;

test('a file is found although another file of the entry is damaged', async () => {
  flipByte(join(entry, 'weights.arrow'), 3);
  const found = await findFile(root, fingerprint, 'curve.arrow');
  expect(found.ok && readFileSync(found.value, 'utf8')).toBe('curve.arrow');
  expect(findManifest(root, fingerprint)).toMatchObject({ok: true, value: {label: 'learn rotation'}});
  expect(reasonOf(await findFile(root, fingerprint, 'weights.arrow'))).toBe(
    `cache entry ${fingerprint.slice(0, 12)} is damaged: weights.arrow differs from its checksum`,
  );
});

test('files and entries that do not exist are reported', async () => {
  expect(reasonOf(await findFile(root, fingerprint, 'maps.arrow'))).toBe(
    'the stage "learn rotation" has left no maps.arrow',
  );
  rmSync(join(entry, 'curve.arrow'));
  expect(reasonOf(await findFile(root, fingerprint, 'curve.arrow'))).toContain('curve.arrow cannot be read (ENOENT)');
  rmSync(entry, {recursive: true});
  expect(reasonOf(await findFile(root, fingerprint, 'curve.arrow'))).toContain('it was pruned');
});

test('a damaged manifest', async () => {
  flipByte(join(entry, 'manifest.json'), 20);
  expect(reasonOf(await findFile(root, fingerprint, 'curve.arrow'))).toContain('is damaged: manifest.json');
});
