/** What the datasets of industrial inspection share: pictures of any size become squares, and each category lies in a folder of its own. */
import {join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice} from '../../../core/base/text.ts';
import type {DataRoots, DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import type {Interpolation} from '../../../core/images/picture.ts';
import type {Step} from '../../../core/images/preparation.ts';
import {Type} from '../../../core/plugin/type.ts';
import {readImageFiles} from '../readers/image-files.ts';
import {isFolder, labelled, partsOf} from '../readers/image-tree.ts';

export const squareOptions = {
  size: Type.Integer({
    minimum: 8,
    maximum: 1024,
    default: 256,
    description: 'Height and width that images are resized to.',
  }),
  interpolation: Type.Union([Type.Literal('area'), Type.Literal('bicubic')], {
    default: 'bicubic',
    description: 'How images are resized: bicubic as in PIL, area as in OpenCV. The paper does not say.',
  }),
};

export const cropOption = {
  crop: Type.Optional(
    Type.Integer({
      minimum: 8,
      maximum: 1024,
      description:
        'Side of the middle that is cut out afterwards, at most "size": 224 of 256 in PatchCore and PaDiM. Default: the whole image. ' +
        'What lies outside is not seen, and its defects do not count.',
    }),
  ),
};

interface Square {
  readonly size: number;
  readonly interpolation: Interpolation;
  readonly crop?: number | undefined;
}

/** Colour images of `crop` × `crop` pixels. Throws where "crop" is more than "size". */
export function squares({size, interpolation, crop = size}: Square) {
  if (crop > size) throw new Error(`"crop" is ${crop}, more than the "size" of ${size} pixels`);
  const preparation: readonly Step[] = [
    {step: 'resize', height: size, width: size, interpolation},
    ...(crop === size ? [] : [{step: 'crop-middle', height: crop, width: crop} as const]),
  ];
  return {shape: {height: crop, width: crop, channels: 3} as const, preparation};
}

interface Categories {
  readonly categories: readonly string[];
  /** The normal one first; they are the folders of the images' names. */
  readonly classes: readonly string[];
  readonly locate: (roots: DataRoots, category: string) => Result<readonly SourceFile[], DatasetProblem>;
}

/** A dataset whose categories are normal classes of their own, each with its training images, test images and masks. */
export function categoriesOfSquares(options: Square, {categories, classes, locate}: Categories) {
  const {shape, preparation} = squares(options);
  return {
    inliers: categories,
    classes,
    shape,
    perInlier: true,
    masks: true,
    normalClass: () => classes[0]!,
    trainImages: (_: string, files?: readonly SourceFile[]) =>
      files?.filter(({name}) => partsOf(name).split === 'train').length,
    locate: (roots: DataRoots, category: string) => Promise.resolve(locate(roots, category)),
    preparation,
    read: (files: readonly SourceFile[], split: Split) =>
      readImageFiles(
        labelled(files, split, (folder) => classes.indexOf(folder)),
        shape,
        preparation,
        {withMasks: split === 'test'},
      ),
  };
}

/** The folder of a category: `<root>/<folder>/<category>` or `<root>/<category>`. `get`: how to get the dataset, a clause. `sign`: a folder in it. */
export function findCategory(
  roots: DataRoots,
  {folder, category, get, sign}: {folder: string; category: string; get: string; sign: string},
): Result<string, DatasetProblem> {
  const places = [...new Set(roots.folders.flatMap((root) => [join(root, folder, category), join(root, category)]))];
  const place = places.find(isFolder);
  if (place !== undefined) return succeed(place);
  const home = roots.fetchInto ?? roots.folders[0];
  const where = home === undefined ? '' : `, and unpack it so that ${join(home, folder, category, sign)} is there`;
  return fail({message: `not found: looked for ${choice(places)}`, hint: `${get}${where}`});
}
