import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {digestOf, type Json} from '../../../src/core/base/canonical.ts';
import {pastIn} from '../../../src/pipeline/ending/past.ts';
import {entryFolder, manifestName, sealManifest} from '../../../src/pipeline/store/cache/entry.ts';

function put(root: string, key: {[key: string]: Json}, provenance: Json, summary: Json, files: string[] = []): void {
  const fingerprint = digestOf(key);
  const folder = entryFolder(root, fingerprint);
  mkdirSync(folder, {recursive: true});
  const {text} = sealManifest({
    format: 1,
    kind: key['kind'] as string,
    label: 'x',
    fingerprint,
    key,
    files: Object.fromEntries(files.map((name) => [name, {bytes: 1, sha256: digestOf(name)}])),
    summary,
    provenance,
  });
  writeFileSync(join(folder, manifestName), text);
}

test('a cache tells what its stages took, on which engine, and of how many images', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pipeline-past-'));
  try {
    const engine = {name: 'wasm', version: '1', device: 'cpu', threads: 1};
    const recipe = {learner: {type: 'rotation', epochs: 3}, versions: {}, augment: [], seed: 0, normal: 'coat'};
    const counts = {classes: ['bag', 'coat'], train: [500, 400], test: [9, 9]};
    put(root, {kind: 'data', recipe: {}, inputs: {}}, {seconds: 2, engine: null}, counts, ['train.arrow']);
    put(root, {kind: 'learn', recipe, inputs: {images: digestOf('train.arrow')}}, {seconds: 60, engine}, null);
    put(root, {kind: 'score', recipe: {}, inputs: {}}, null, null); // of an older version
    const past = await pastIn(root);
    expect([...past].sort((a, b) => a.seconds - b.seconds)).toEqual([
      {kind: 'data', recipe: {}, seconds: 2},
      {kind: 'learn', recipe, seconds: 60, images: 400, engine},
    ]);
    expect(await pastIn(join(root, 'nowhere'))).toEqual([]);
  } finally {
    rmSync(root, {recursive: true});
  }
});
