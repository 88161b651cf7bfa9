/** Lists folders with MVTec AD's layout, `<split>/<class>/<image>` and `ground_truth/<class>/<image>_mask.png`, and reports problems. */

import {existsSync, statSync} from 'node:fs';
import {join, parse} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {clippedList, suggest} from '../../../core/base/text.ts';
import type {DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {imageFormats} from '../../../core/images/codec.ts';
import type {LeftOut} from '../../../core/images/files.ts';
import {imagesIn, type LabelledFile, soundContents} from './image-files.ts';

/** The class folders that a folder should have. */
export interface Layout {
  /** Folders that must be there with at least one image. */
  readonly required: readonly string[];
  /** Whether folders with other names are permitted. */
  readonly others: boolean;
}

/** Folder of the masks of test images. It is not a class. */
export const groundTruth = 'ground_truth';

export const isFolder = (path: string): boolean => statSync(path, {throwIfNoEntry: false})?.isDirectory() ?? false;

/** Every image of a tree, split after split and class after class, named by its path in the tree; or all problems. */
export function listTree(
  folder: string,
  layouts: {readonly [split: string]: Layout},
  left: LeftOut,
): Result<readonly SourceFile[], DatasetProblem> {
  const lists = Object.entries(layouts).map(([split, layout]) => {
    const place = join(folder, split);
    if (isFolder(place)) return listClasses(place, split, layout, left);
    const hint = `Put the images into ${join(place, layout.required[0]!)}.`;
    return fail({message: `there is no folder ${place}`, hint});
  });
  const problems = lists.flatMap((list) => (list.ok ? [] : list.failures));
  return problems.length > 0 ? fail(...problems) : succeed(lists.flatMap((list) => (list.ok ? list.value : [])));
}

/** Every image of the folders in `place`, named `<split>/<class>/<image>`; or all problems. */
export function listClasses(
  place: string,
  split: string,
  {required, others}: Layout,
  left: LeftOut,
): Result<readonly SourceFile[], DatasetProblem> {
  const contents = soundContents(place);
  if (!contents.ok) return contents;
  left.add(contents.value);
  const {images} = contents.value;
  const folders = contents.value.folders.filter((name) => name !== groundTruth);
  const problems: DatasetProblem[] = [];
  const folderOf = (name: string): string | undefined => folders.find((folder) => isSame(folder, name));
  const strange = folders.filter((folder) => !required.some((name) => isSame(folder, name)));
  const wrong = [...(others ? [] : strange), ...images];
  if (wrong.length > 0)
    problems.push({
      message: `${place}: expected ${others ? 'folders' : `the folders ${required.join(', ')}`} and nothing else, but found ${clippedList(wrong, 5)}`,
      hint:
        others || images.length > 0
          ? 'Put images into the folder of their class.'
          : suggest(wrong[0]!, required, 'Known'),
    });
  const found: SourceFile[] = [];
  const classes = [
    ...required.map((name) => ({name, folder: folderOf(name)})),
    ...strange.map((name) => ({name, folder: name})),
  ];
  // Missing folders come first, then the others in their order.
  const order = (folder: string | undefined): number => (folder === undefined ? -1 : folders.indexOf(folder));
  for (const {name, folder} of classes.sort((a, b) => order(a.folder) - order(b.folder))) {
    const there = folder === undefined ? succeed([]) : imagesIn(join(place, folder), left);
    if (!there.ok) problems.push(...there.failures);
    else if (there.value.length === 0 && required.includes(name))
      problems.push({
        message: `there are no images in ${join(place, name)}`,
        hint: `Put ${imageFormats} files there.`,
      });
    else
      for (const image of there.value)
        found.push({name: `${split}/${name}/${image}`, path: join(place, folder!, image)});
  }
  return problems.length > 0 ? fail(...problems) : succeed(found);
}

/** Whether two names are the same. Some systems write ä as one character, others as two. */
export const isSame = (a: string, b: string): boolean => a.normalize() === b.normalize();

/** `train/good/000.png` → its parts. */
export function partsOf(name: string): {readonly split: Split; readonly folder: string; readonly image: string} {
  const [split, folder, ...image] = name.split('/');
  return {split: split as Split, folder: folder!, image: image.join('/')};
}

/** Source name of a test image's mask, in whatever format the mask is: `test/cut/000.jpg` → `ground_truth/cut/000_mask.png`. */
export function maskName(image: string): string {
  const parts = partsOf(image);
  return `${groundTruth}/${parts.folder}/${parse(parts.image).name}_mask.png`;
}

/** Images of one split of a located tree, with their masks if these are among the files. */
export function* labelled(
  files: readonly SourceFile[],
  split: Split,
  index: (folder: string) => number,
): Generator<LabelledFile> {
  const paths = new Map(files.map(({name, path}) => [name, path]));
  for (const {name, path} of files) {
    const parts = partsOf(name);
    if (parts.split !== split) continue;
    const mask = split === 'test' ? paths.get(maskName(name)) : undefined;
    yield {path, label: index(parts.folder), ...(mask !== undefined && {mask})};
  }
}

/** The masks of all test images that are not normal, one for each; or all problems. */
export function listMasks(
  folder: string,
  files: readonly SourceFile[],
  normal: string,
  left: LeftOut,
): Result<readonly SourceFile[], DatasetProblem> {
  const images = new Map<string, SourceFile[]>();
  for (const file of files) {
    const {split, folder: defect} = partsOf(file.name);
    if (split === 'test' && defect !== normal) images.set(defect, [...(images.get(defect) ?? []), file]);
  }
  const masks: SourceFile[] = [];
  const problems: DatasetProblem[] = [];
  for (const [defect, defective] of images) {
    const found = masksOf(join(folder, groundTruth, defect), defective, left);
    if (found.ok) masks.push(...found.value);
    else problems.push(...found.failures);
  }
  return problems.length > 0 ? fail(...problems) : succeed(masks);
}

/** The masks of the images of one defect. `place`: the folder of the masks. */
function masksOf(
  place: string,
  images: readonly SourceFile[],
  left: LeftOut,
): Result<readonly SourceFile[], DatasetProblem> {
  const there = existsSync(place) ? imagesIn(place, left) : succeed([]);
  if (!there.ok) return there;
  const byStem = new Map(there.value.map((mask) => [stemOfMask(mask), mask]));
  const stems = images.map(({name}) => stemOf(name));
  const missing = images.filter(({name}) => !byStem.has(stemOf(name)));
  const idle = there.value.filter((mask) => !stems.includes(stemOfMask(mask)) || byStem.get(stemOfMask(mask)) !== mask);
  const twins = images.filter(({name}, i) => stems.indexOf(stemOf(name)) !== i);
  const problems: DatasetProblem[] = [];
  const list = (names: readonly string[]): string => clippedList(names, 5);
  if (missing.length > 0)
    problems.push({
      message: `${place}: masks are missing: ${list(missing.map(({name}) => `${stemOf(name)}_mask.png`))}`,
      hint: 'Every image of test/ but the normal ones needs <image>_mask.png there.',
    });
  if (idle.length > 0)
    problems.push({
      message: `${place}: masks without an image: ${list(idle)}`,
      hint: `An image needs one mask, <image>_mask.png. Add the images to the others of ${parse(place).name}, or remove the masks.`,
    });
  if (twins.length > 0)
    problems.push({
      message: `${place}: several images would have one mask: ${list(twins.map(({name}) => `${stemOf(name)}_mask.png`))}`,
      hint: 'Rename images that differ only in their extensions.',
    });
  if (problems.length > 0) return fail(...problems);
  return succeed(images.map(({name}) => ({name: maskName(name), path: join(place, byStem.get(stemOf(name))!)})));
}

const stemOf = (name: string): string => parse(name).name;

/** Stem of the mask's image: `000_mask.PNG` → `000`. */
const stemOfMask = (mask: string): string => stemOf(mask).replace(/_mask$/i, '');
