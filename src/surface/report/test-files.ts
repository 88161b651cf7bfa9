/** What the test images' files are called, and what kind of defect each shows: the folders of MVTec AD's layout. */
import {compareText} from '../../core/base/text.ts';
import {partsOf} from '../../domain/datasets/readers/image-tree.ts';

export interface TestFiles {
  /** `broken_large/000.png` of each test image. */
  readonly names: readonly string[];
  /** The folder of each: a class, or a kind of defect. */
  readonly folders: readonly string[];
}

/**
 * `sources`: names of the files that a dataset has read. Datasets read folders and files by code unit, which is the order of the test
 * images; undefined where their number or their classes contradict that: the dataset has another layout.
 */
export function testFilesOf(
  sources: readonly string[],
  classes: ArrayLike<number>,
  classNames: readonly string[],
): TestFiles | undefined {
  const tests = sources
    .map(partsOf)
    .filter(({split, image}) => split === 'test' && image !== '')
    .toSorted((a, b) => compareText(a.folder, b.folder) || compareText(a.image, b.image));
  if (tests.length === 0 || tests.length !== classes.length) return undefined;
  const known = new Set(classNames);
  const folders = new Set(tests.map(({folder}) => folder));
  const fits = tests.every(({folder}, i) => {
    const name = classNames[classes[i]!]!;
    // A class of several folders, such as MVTec's defects, is called as none of them.
    return folders.has(name) ? folder === name : !known.has(folder);
  });
  if (!fits) return undefined;
  return {names: tests.map(({folder, image}) => `${folder}/${image}`), folders: tests.map(({folder}) => folder)};
}
