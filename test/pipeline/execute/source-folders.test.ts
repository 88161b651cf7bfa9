import {expect, test} from 'vitest';
import {foldersOf} from '../../../src/pipeline/execute/source-folders.ts';

const watched = (name: string, path: string) => foldersOf({sources: [{name, path}]});

test('folders are watched as far as path and name agree', () => {
  expect(watched('train/good/1.png', '/data/train/good/1.png')).toEqual(['/data/train/good', '/data/train', '/data']);
  expect(watched('test/good/1.png', '/data/train/good/1.png')).toEqual(['/data/train/good', '/data/train']);
  expect(watched('train/good/1.png', '/tmp/photos/1.png')).toEqual(['/tmp/photos']);
  expect(watched('ground_truth/cut/1_mask.png', '/data/ground_truth/cut/1_MASK.tif')).toEqual([
    '/data/ground_truth/cut',
  ]);
  expect(watched('images.bin', '/data/images.bin')).toEqual([]);
});
