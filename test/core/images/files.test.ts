import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {contentsOf, LeftOut} from '../../../src/core/images/files.ts';
import {temporaryFolder} from '../../rig/archives.ts';

const inFolder = (make: (at: (name: string) => string) => void) => {
  const place = temporaryFolder('files');
  try {
    make((name) => join(place.folder, name));
    return contentsOf(place.folder);
  } finally {
    place.remove();
  }
};

test('images are told by their extensions in any case; links count as what they lead to', () => {
  const contents = inFolder((at) => {
    for (const name of ['b.JPG', 'a.png', 'c.Tiff', 'd.bmp', 'e.gif', 'plain', 'notes.txt', '._a.png', 'Thumbs.db'])
      writeFileSync(at(name), '');
    for (const name of ['x.png', '.git']) mkdirSync(at(name));
    symlinkSync(at('a.png'), at('link.webp'));
    symlinkSync(at('x.png'), at('folder'));
    symlinkSync('/nowhere/at/all', at('lost.png'));
  });
  expect(contents).toEqual({
    folders: ['folder', 'x.png'],
    images: ['a.png', 'b.JPG', 'c.Tiff', 'd.bmp', 'e.gif', 'link.webp'],
    others: ['notes.txt', 'plain'],
    litter: ['._a.png', '.git', 'Thumbs.db'],
    broken: ['lost.png'],
  });
});

test('what is left out is counted over all folders', () => {
  const left = new LeftOut();
  const nothing = {folders: [], images: ['a.png'], others: [], litter: [], broken: []};
  left.add(nothing);
  expect(left.say()).toBeUndefined();
  left.add({...nothing, litter: ['.DS_Store']});
  expect(left.say()).toBe('left out: 1 hidden file');
  left.add({...nothing, litter: ['._a.png'], others: ['a.txt', 'b.pdf', 'c', 'd', 'e']});
  expect(left.say()).toBe('left out: 2 hidden files, 5 files that are not images (a.txt, b.pdf, c, d … and 1 more)');
});
