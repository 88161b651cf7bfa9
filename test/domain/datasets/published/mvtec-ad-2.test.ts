import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {mvtecAd2} from '../../../../src/domain/datasets/published/mvtec-ad-2.ts';
import {mvtecAd2Tree} from '../../../rig/images.ts';

const dataset = mvtecAd2.create({size: 24, interpolation: 'bicubic'});

test('reads train/good and test_public, whose masks lie in it; nothing private and no validation images', async () => {
  const place = await mvtecAd2Tree('vial', [3, 2, 2]);
  const locate = () => dataset.locate({folders: [place.folder]}, 'vial');
  const said = async () => {
    const found = await locate();
    return found.ok ? 'found' : found.failures.map(({message}) => message.replaceAll(place.folder, '/data'));
  };
  try {
    const found = await locate();
    if (!found.ok) throw new Error(found.failures[0]!.message);
    expect(found.value.map(({name}) => name)).toEqual([
      ...['000', '001', '002'].map((name) => `train/good/${name}.png`),
      ...['bad', 'good'].flatMap((kind) => ['000', '001'].map((name) => `test/${kind}/${name}.png`)),
      ...['000', '001'].map((name) => `ground_truth/bad/${name}_mask.png`),
    ]);
    for await (const {classes, masks} of dataset.read(found.value, 'test', 'vial')) {
      expect([...classes]).toEqual([1, 1, 0, 0]);
      // 4 × 5 of 12 × 10 pixels.
      const marked = [0, 1, 2, 3].map((i) =>
        masks!.subarray(i * 576, (i + 1) * 576).reduce((sum, one) => sum + one, 0),
      );
      expect(marked).toEqual([96, 96, 0, 0]);
    }
    const tests = join(place.folder, 'mvtec-ad-2', 'vial', 'test_public');
    rmSync(join(tests, 'ground_truth', 'bad', '001_mask.png'));
    expect(await said()).toEqual([
      '/data/mvtec-ad-2/vial/test_public/ground_truth/bad: masks are missing: 001_mask.png',
    ]);
    rmSync(join(tests, 'good'), {recursive: true});
    expect(await said()).toEqual(['there are no images in /data/mvtec-ad-2/vial/test_public/good']);
    rmSync(tests, {recursive: true});
    expect(await said()).toEqual(['there is no folder /data/mvtec-ad-2/vial/test_public']);
  } finally {
    place.remove();
  }
});
