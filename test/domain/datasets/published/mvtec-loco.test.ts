import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, expect, test} from 'vitest';
import type {ImageBatch} from '../../../../src/core/contracts/dataset.ts';
import {mvtecLoco} from '../../../../src/domain/datasets/published/mvtec-loco.ts';
import type {TemporaryFolder} from '../../../rig/archives.ts';
import {mvtecLocoTree, writeMask} from '../../../rig/images.ts';

let place: TemporaryFolder | undefined;
afterEach(() => {
  place?.remove();
  place = undefined;
});

async function opened(): Promise<(...path: string[]) => string> {
  place = await mvtecLocoTree('pushpins', [2, 1, 2, 1]);
  return (...path) => join(place!.folder, 'mvtec-loco', 'pushpins', ...path);
}

const said = (text: string): string => text.replaceAll(place!.folder, '/data');

const locate = (options = {}) =>
  mvtecLoco.create({size: 24, interpolation: 'bicubic', ...options}).locate({folders: [place!.folder]}, 'pushpins');

async function read(options = {}): Promise<ImageBatch> {
  const found = await locate(options);
  if (!found.ok) throw new Error(found.failures[0]!.message);
  const dataset = mvtecLoco.create({size: 24, interpolation: 'bicubic', ...options});
  for await (const batch of dataset.read(found.value, 'test', 'pushpins')) return batch;
  throw new Error('no images');
}

test('every mask is one defect, which keeps the share that is enough when images are resized', async () => {
  await opened();
  const {classes, regions, masks} = await read();
  expect([...classes]).toEqual([0, 1, 1, 2]);
  // 12 × 10 pixels become 24 × 24: 4 × 5 pixels become 8 × 12.
  const [good, logical, , structural] = regions!;
  expect(good).toEqual([]);
  expect(logical!.map(({pixels, enough}) => [pixels.length, enough])).toEqual([
    [96, 5 / 20],
    [144, 0.8],
  ]);
  // More than its area is no more than all of it.
  expect(structural!.map(({enough}) => enough)).toEqual([1]);
  const marked = (image: number) =>
    [...masks!.subarray(image * 576, (image + 1) * 576).keys()].filter((at) => masks![image * 576 + at] === 1);
  expect(marked(0)).toEqual([]);
  expect(marked(1)).toEqual([...new Set(logical!.flatMap(({pixels}) => [...pixels]))].sort((a, b) => a - b));
});

test('a defect that is cut off is no region', async () => {
  const inside = await opened();
  await writeMask(inside('ground_truth', 'logical_anomalies', '000', '000.png'), {top: 0, height: 1});
  const {regions} = await read({crop: 16});
  expect(regions!.map((own) => own.length)).toEqual([0, 1, 2, 1]);
});

test('what is missing or strange is reported with its place', async () => {
  const inside = await opened();
  await writeMask(inside('ground_truth', 'structural_anomalies', '000', '000.png'), {value: 7});
  const strange: unknown = await read().catch((error: unknown) => error);
  expect(said((strange as Error).message)).toBe(
    '/data/mvtec-loco/pushpins/ground_truth/structural_anomalies/000/000.png: expected a value of /data/mvtec-loco/pushpins/defects_config.json (253, 254, 255), but its highest is 7. Unpack the published archive again.',
  );
  writeFileSync(inside('defects_config.json'), '[{"pixel_value": 255, "saturation_threshold": "5"}]');
  const wrong: unknown = await read().catch((error: unknown) => error);
  expect(said((wrong as Error).message)).toContain(
    'expected a list of pixel_value, saturation_threshold and relative_saturation, but entry 0 is {"pixel_value":255,"saturation_threshold":"5"}',
  );
  rmSync(inside('ground_truth', 'logical_anomalies', '001'), {recursive: true});
  const missing = await locate();
  expect(missing.ok || said(missing.failures[0]!.message)).toBe(
    '/data/mvtec-loco/pushpins: expected a folder of masks for each anomaly, but there are none in ground_truth/logical_anomalies/001',
  );
  rmSync(inside('defects_config.json'));
  const none = await locate();
  expect(none.ok || said(none.failures[0]!.message)).toBe('there is no /data/mvtec-loco/pushpins/defects_config.json');
});
