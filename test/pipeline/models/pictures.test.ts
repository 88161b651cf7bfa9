import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeEach, expect, test} from 'vitest';
import {listPictures} from '../../../src/pipeline/models/pictures.ts';
import {type TemporaryFolder, temporaryFolder} from '../../rig/archives.ts';

let place: TemporaryFolder;
const at = (...path: readonly string[]): string => join(place.folder, ...path);
const plain = (text: string): string => text.replaceAll(place.folder, '/photos');

beforeEach(() => {
  place = temporaryFolder('photos');
  return () => place.remove();
});

const listed = (...paths: readonly string[]) => {
  const {files, leftOut} = listPictures(paths);
  return {
    files: files.map(({path, problem}) => plain(problem === undefined ? path : `${path}: ${problem}`)),
    leftOut,
  };
};

test('a folder gives every image in and below it; what else is there is counted, what claims to be one is listed', () => {
  mkdirSync(at('deep', 'x.png'), {recursive: true});
  for (const name of ['b.bmp', 'u16.tiff', 'a.gif', 'plain', '._000.png', 'deep/x.png/c.JPG'])
    writeFileSync(at(name), '');
  symlinkSync(place.folder, at('deep', 'round'));
  symlinkSync('/nowhere', at('lost.png'));
  expect(listed(place.folder)).toEqual({
    files: [
      '/photos/a.gif',
      '/photos/b.bmp',
      '/photos/deep/x.png/c.JPG',
      '/photos/lost.png: it is a link to nothing, or a special file',
      '/photos/u16.tiff',
    ],
    leftOut: 'left out: 1 hidden file, 1 file that is not an image (plain)',
  });
});

test('a file that is named is taken whatever its name is', () => {
  writeFileSync(at('.hidden'), '');
  expect(listed(at('.hidden'), at('absent.png'))).toEqual({
    files: ['/photos/.hidden', '/photos/absent.png: there is no such file'],
    leftOut: undefined,
  });
});

test('a folder without images is told', () => {
  writeFileSync(at('notes.txt'), '');
  expect(listed(place.folder).files).toEqual(['/photos: the folder has no image (JPEG, PNG, WebP, TIFF or BMP)']);
});
