import {existsSync} from 'node:fs';
import {isAbsolute, join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice} from '../../../core/base/text.ts';
import type {ImageShape} from '../../../core/contracts/data.ts';
import type {DataRoots, DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {type Mask, resizedMask} from '../../../core/images/mask.ts';
import {type Interpolation, type Picture, resized} from '../../../core/images/picture.ts';
import {Type} from '../../../core/plugin/type.ts';
import {DatasetError} from '../dataset-error.ts';
import {oneVersusRest} from '../one-class.ts';
import {coveringSquare, coveringSquareOfMask, type LabelledFile, readImageFiles} from '../readers/image-files.ts';
import {checkMasks, isFolder, labelled, listTree, masksOf, partsOf} from '../readers/image-tree.ts';
import {readImageList} from './image-list.ts';

const name = Type.String({pattern: '^[a-z0-9][a-z0-9_-]*$'});

export const imageFolder = defineDataset({
  name: 'image-folder',
  version: 2,
  summary:
    'Your own JPEG and PNG images: train/good, test/good and test/<defect>, or a CSV list of paths, splits and labels.',
  options: Type.Object(
    {
      folder: Type.String({
        minLength: 1,
        default: 'image-folder',
        description: 'Where the images are: a folder below a data folder, or an absolute path.',
      }),
      list: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'A CSV file in that folder with the columns path (relative to the file), split (train or test) and label, ' +
            'instead of the folders train and test.',
        }),
      ),
      normal: Type.String({
        pattern: '^[a-z0-9][a-z0-9_-]*$',
        default: 'good',
        description: 'Folder (or label) of the normal images. All others are anomalous, and may only be in test.',
      }),
      classes: Type.Optional(
        Type.Array(name, {
          minItems: 2,
          uniqueItems: true,
          description:
            'Each of these folders (or labels) of train and test is normal in turn, and all others are anomalous.',
        }),
      ),
      masks: Type.Boolean({
        default: false,
        description:
          'Read the masks, ground_truth/<defect>/<image>_mask.png for every image of test/<defect>, for metrics of pixels: what is not ' +
          'black is defective, or, where all has one colour, what is not transparent. Not ' +
          'with "list" or "classes".',
      }),
      size: Type.Integer({minimum: 8, maximum: 1024, default: 256, description: 'Height and width that images get.'}),
      fit: Type.Union([Type.Literal('stretch'), Type.Literal('crop')], {
        default: 'stretch',
        description: 'How an image that is not square becomes one: stretch it, or crop its middle.',
      }),
      interpolation: Type.Union([Type.Literal('area'), Type.Literal('bicubic')], {
        default: 'bicubic',
        description: 'area works as in OpenCV, bicubic as in PIL.',
      }),
    },
    {additionalProperties: false},
  ),
  create(options) {
    const {normal, size} = options;
    const shape: ImageShape = {height: size, width: size, channels: 3};
    const classes = options.classes ?? [normal, 'anomalous'];
    const prepare = (picture: Picture) => fitted(picture, options);
    return {
      ...(options.classes
        ? oneVersusRest(classes)
        : {inliers: [normal], classes, perInlier: false, normalClass: () => normal}),
      shape,
      ...(hasMasks(options) && {masks: true}),
      locate: (roots) => Promise.resolve(locate(roots, options)),
      prepare,
      read: (files, split) =>
        readImageFiles(
          options.list === undefined
            ? labelled(files, split, labelOf(options))
            : ofList(files, split, options.list, labelOf(options)),
          shape,
          prepare,
          ...(hasMasks(options) && split === 'test' ? [(mask: Mask) => fittedMask(mask, options)] : []),
        ),
    };
  },
});

interface Options {
  readonly folder: string;
  readonly list?: string;
  readonly normal: string;
  readonly classes?: readonly string[];
  readonly masks: boolean;
  readonly size: number;
  readonly fit: 'stretch' | 'crop';
  readonly interpolation: Interpolation;
}

const fitted = (picture: Picture, {size, fit, interpolation}: Options): Picture =>
  fit === 'crop' ? coveringSquare(picture, size, interpolation) : resized(picture, size, size, interpolation);

const fittedMask = (mask: Mask, {size, fit}: Options): Mask =>
  fit === 'crop' ? coveringSquareOfMask(mask, size) : resizedMask(mask, size, size);

const hasMasks = ({masks, list, classes}: Options): boolean => masks && list === undefined && classes === undefined;

/** A folder's or label's name → index into the classes; negative where it has none. */
const labelOf =
  ({normal, classes}: Options) =>
  (given: string): number =>
    classes ? classes.indexOf(given) : given === normal ? 0 : 1;

function locate(roots: DataRoots, options: Options): Result<readonly SourceFile[], DatasetProblem> {
  const {folder, list, normal, classes} = options;
  const places = isAbsolute(folder) ? [folder] : [...new Set(roots.folders.map((root) => join(root, folder)))];
  const place = places.find(isFolder);
  if (place === undefined)
    return fail({
      message: `not found: looked for ${choice(places)}`,
      hint:
        list === undefined
          ? `Make the folder with train/${normal}, test/${normal} and test/<defect> in it, or give another as option "folder"`
          : `Make the folder with ${list} in it, or give another as option "folder"`,
    });
  if (list !== undefined) return listed(place, list, options);
  const tree = classes
    ? listTree(place, {train: {required: classes, others: false}, test: {required: classes, others: false}})
    : listTree(place, {train: {required: [normal], others: false}, test: {required: [normal], others: true}});
  if (!tree.ok || classes) return tree;
  if (!tree.value.some((file) => partsOf(file.name).split === 'test' && partsOf(file.name).folder !== normal))
    return fail({
      message: `there are no anomalous images in ${join(place, 'test')}`,
      hint: `Put them into folders of any name beside ${normal}.`,
    });
  if (!hasMasks(options) && !existsSync(join(place, 'ground_truth'))) return tree;
  const masks = checkMasks(place, tree.value, normal);
  if (!masks.ok) return masks;
  return hasMasks(options) ? succeed([...tree.value, ...masksOf(place, tree.value, normal)]) : tree;
}

function listed(folder: string, list: string, options: Options): Result<readonly SourceFile[], DatasetProblem> {
  const path = join(folder, list);
  const index = labelOf(options);
  try {
    const rows = readImageList(path);
    for (const {label, split, line} of rows) {
      const came = `line ${line} has the label "${label}"`;
      if (index(label) < 0)
        throw new DatasetError(
          path,
          `a label of ${options.classes!.join(', ')}`,
          came,
          'Correct it, or add it to option "classes".',
        );
      if (!options.classes && split === 'train' && index(label) > 0)
        throw new DatasetError(
          path,
          `only "${options.normal}" in split train`,
          came,
          'Move it to split test, or list option "classes".',
        );
    }
    const absent = rows.find((row) => !existsSync(join(folder, row.path)));
    if (absent)
      throw new DatasetError(
        path,
        'images that exist',
        `line ${absent.line} lists ${absent.path}, which does not`,
        'Correct it.',
      );
    for (const split of ['train', 'test'])
      if (!rows.some((row) => row.split === split))
        throw new DatasetError(path, 'images in train and in test', `there are none in ${split}`, 'Add them.');
    return succeed([{name: list, path}, ...rows.map((row) => ({name: row.path, path: join(folder, row.path)}))]);
  } catch (error) {
    if (error instanceof DatasetError)
      return fail({message: error.message, hint: `It is read because of option "list".`});
    throw error;
  }
}

function* ofList(
  files: readonly SourceFile[],
  split: Split,
  list: string,
  index: (label: string) => number,
): Generator<LabelledFile> {
  const paths = new Map(files.map((file) => [file.name, file.path]));
  const path = paths.get(list);
  if (path === undefined) throw new Error(`Internal error: ${list} is not among the files`);
  const rows = readImageList(path);
  if (rows.length !== files.length - 1 || rows.some((row) => !paths.has(row.path)))
    throw new DatasetError(
      path,
      `the ${files.length - 1} images that it listed before`,
      `it lists ${rows.length}`,
      'Run the spec again when no other program writes to it.',
    );
  for (const row of rows) if (row.split === split) yield {path: paths.get(row.path)!, label: index(row.label)};
}
