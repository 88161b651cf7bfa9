/** MVTec AD's layout, `<split>/<class>/<image>` with `ground_truth/<class>/<image>_mask.png`, and what is wrong with a tree. */

import {existsSync, statSync} from 'node:fs';
import {join, parse} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {clippedList, suggest} from '../../../core/base/text.ts';
import type {DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {contentsOf, imagesIn, type LabelledFile} from './image-files.ts';

export interface Layout {
  /** Folders that must be there with at least one image, of each split. */
  readonly [split: string]: {
    readonly required: readonly string[];
    /** Whether folders of other names are welcome. */
    readonly others: boolean;
  };
}

export const isFolder = (path: string): boolean => statSync(path, {throwIfNoEntry: false})?.isDirectory() ?? false;

/** Every image of a tree, named by its path in the tree, class after class; or all that is wrong. */
export function listTree(folder: string, layout: Layout): Result<readonly SourceFile[], DatasetProblem> {
  const found: SourceFile[] = [];
  const problems: DatasetProblem[] = [];
  for (const [split, {required, others}] of Object.entries(layout)) {
    const place = join(folder, split);
    if (!isFolder(place)) {
      problems.push({
        message: `there is no folder ${place}`,
        hint: `Put the images into ${join(place, required[0]!)}.`,
      });
      continue;
    }
    const contents = contentsOf(place);
    if (!contents.ok) {
      problems.push(...contents.failures);
      continue;
    }
    const {folders, files} = contents.value;
    const wrong = [...(others ? [] : folders.filter((name) => !required.includes(name))), ...files];
    if (wrong.length > 0)
      problems.push({
        message: `${place}: expected ${others ? 'folders' : `the folders ${required.join(', ')}`} and nothing else, but found ${clippedList(wrong, 5)}`,
        hint: others ? 'Put images into the folder of their class.' : suggest(wrong[0]!, required, 'Known'),
      });
    for (const name of [...required.filter((one) => !folders.includes(one)), ...folders]) {
      const images = folders.includes(name) ? imagesIn(join(place, name)) : succeed([]);
      if (!images.ok) problems.push(...images.failures);
      else if (images.value.length === 0 && required.includes(name))
        problems.push({
          message: `there are no images in ${join(place, name)}`,
          hint: `Put .jpg, .jpeg or .png files there.`,
        });
      else
        for (const image of images.value)
          found.push({name: `${split}/${name}/${image}`, path: join(place, name, image)});
    }
  }
  return problems.length > 0 ? fail(...problems) : succeed(found);
}

/** `train/good/000.png` → its parts. */
export function partsOf(name: string): {readonly split: Split; readonly folder: string; readonly image: string} {
  const [split, folder, ...image] = name.split('/');
  return {split: split as Split, folder: folder!, image: image.join('/')};
}

/** The name of the mask of a test image that is not normal: `test/cut/000.png` → `ground_truth/cut/000_mask.png`. */
function maskName(image: string): string {
  const parts = partsOf(image);
  return `ground_truth/${parts.folder}/${parse(parts.image).name}_mask.png`;
}

/** The masks of all test images that are not normal, named by their paths in the tree. */
export const masksOf = (folder: string, files: readonly SourceFile[], normal: string): readonly SourceFile[] =>
  files
    .map(({name}) => partsOf(name).split === 'test' && partsOf(name).folder !== normal && maskName(name))
    .filter((name) => name !== false)
    .map((name) => ({name, path: join(folder, ...name.split('/'))}));

/** Images of a split of a located tree, with their masks where those are among the files. */
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

/**
 * Whether every anomalous test image has its mask, and every mask its image. `suffix` stands between the image's name
 * and `.png`: `_mask` at MVTec.
 */
export function checkMasks(
  folder: string,
  files: readonly SourceFile[],
  normal: string,
): Result<undefined, DatasetProblem> {
  const truth = join(folder, 'ground_truth');
  const wanted = new Map<string, string[]>();
  for (const {name} of files) {
    const {split, folder: defect, image} = partsOf(name);
    if (split !== 'test' || defect === normal) continue;
    wanted.set(defect, [...(wanted.get(defect) ?? []), `${parse(image).name}_mask.png`]);
  }
  const problems: DatasetProblem[] = [];
  for (const [defect, masks] of wanted) {
    const place = join(truth, defect);
    const there = existsSync(place) ? imagesIn(place) : succeed([]);
    if (!there.ok) {
      problems.push(...there.failures);
      continue;
    }
    const had = new Set(there.value);
    const needed = new Set(masks);
    const missing = masks.filter((mask) => !had.has(mask));
    const idle = there.value.filter((mask) => !needed.has(mask));
    if (missing.length > 0)
      problems.push({
        message: `${place}: masks are missing: ${clippedList(missing, 5)}`,
        hint: 'Every image of test/ but the normal ones needs <image>_mask.png there.',
      });
    if (idle.length > 0)
      problems.push({
        message: `${place}: masks without an image: ${clippedList(idle, 5)}`,
        hint: `Put the images into ${join(folder, 'test', defect)}, or remove the masks.`,
      });
  }
  return problems.length > 0 ? fail(...problems) : succeed(undefined);
}
