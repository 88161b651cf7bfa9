import {existsSync} from 'node:fs';
import {isAbsolute, join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice, plural} from '../../../core/base/text.ts';
import type {ImageShape} from '../../../core/contracts/data.ts';
import type {DataRoots, DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {imageFormats} from '../../../core/images/codec.ts';
import {LeftOut} from '../../../core/images/files.ts';
import type {Interpolation} from '../../../core/images/picture.ts';
import type {Step} from '../../../core/images/preparation.ts';
import {placeOption} from '../../../core/plugin/registry.ts';
import {Type} from '../../../core/plugin/type.ts';
import {DatasetError} from '../dataset-error.ts';
import {oneVersusRest} from '../one-class.ts';
import {type LabelledFile, readImageFiles, soundContents} from '../readers/image-files.ts';
import {
  groundTruth,
  isFolder,
  isSame,
  labelled,
  listClasses,
  listMasks,
  listTree,
  partsOf,
} from '../readers/image-tree.ts';
import {heldOut} from './hold-out.ts';
import {type Listed, readImageList} from './image-list.ts';
import {withOneMeaning} from './same-file.ts';

/** Name of a folder that is not hidden. */
const nameOptions = {
  pattern: '^[^./\\\\\\u0000-\\u001f][^/\\\\\\u0000-\\u001f]*$',
  'x-expected': "a folder's name",
};
const name = Type.String(nameOptions);

export const imageFolder = defineDataset({
  name: 'image-folder',
  version: 3,
  summary:
    'Your own images: train/good, test/good and test/<defect>, good images alone, or a CSV list of paths, splits and labels.',
  options: Type.Object(
    {
      folder: placeOption(
        'image-folder',
        `Where the images (${imageFormats}) are: a path relative to the spec, or below a data folder, or absolute. Without a ` +
          'folder test in it, every fifth normal image is for testing. Without train, the folders of classes, or normal images alone, are right in it.',
      ),
      list: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'A CSV file in that folder with the columns path (relative to the file), split (train or test) and label, ' +
            'instead of the folders train and test. If no row is for testing, every fifth normal one is.',
        }),
      ),
      normal: Type.String({
        ...nameOptions,
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
          'Read the masks, ground_truth/<defect>/<image>_mask.png (or of another format) for every image of test/<defect>, for metrics of pixels: what is not ' +
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
    const {normal, size, list} = options;
    const shape: ImageShape = {height: size, width: size, channels: 3};
    const classes = options.classes ?? [normal, normal === 'anomalous' ? 'other' : 'anomalous'];
    const preparation = preparationOf(options);
    const index = labelOf(options);
    const filesOf = (files: readonly SourceFile[], split: Split): Iterable<LabelledFile> =>
      list === undefined ? labelled(files, split, index) : ofList(files, split, list, index);
    return {
      ...(options.classes
        ? oneVersusRest(classes)
        : {inliers: [normal], classes, perInlier: false, normalClass: () => normal}),
      shape,
      ...(hasMasks(options) && {masks: true}),
      trainImages: (inlier, files) =>
        files && [...filesOf(files, 'train')].filter(({label}) => label === classes.indexOf(inlier)).length,
      locate: (roots) => Promise.resolve(locate(roots, options)),
      preparation,
      read: (files, split) =>
        readImageFiles(filesOf(files, split), shape, preparation, {withMasks: hasMasks(options) && split === 'test'}),
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

function preparationOf({size, fit, interpolation}: Options): readonly Step[] {
  const square = {height: size, width: size};
  return fit === 'crop'
    ? [
        {step: 'resize-short-side', side: size, interpolation},
        {step: 'crop-middle', ...square},
      ]
    : [{step: 'resize', ...square, interpolation}];
}

const hasMasks = ({masks, list, classes}: Options): boolean => masks && list === undefined && classes === undefined;

/** Whether they differ by case or by how their characters are stored. */
const isAlike = (a: string, b: string): boolean =>
  a.normalize('NFKC').toLowerCase() === b.normalize('NFKC').toLowerCase();

/** Name of a folder or label → index into the classes; negative if it is not one of option `classes`. */
const labelOf =
  ({normal, classes}: Options) =>
  (given: string): number =>
    classes ? classes.indexOf(given) : given === normal ? 0 : 1;

function locate(roots: DataRoots, options: Options): Result<readonly SourceFile[], DatasetProblem> {
  const {folder, list, normal} = options;
  const places = isAbsolute(folder) ? [folder] : [...new Set(roots.folders.map((root) => join(root, folder)))];
  const place = places.find(isFolder);
  if (place === undefined)
    return fail({
      message: `not found: looked for ${choice([...(isAbsolute(folder) ? [] : [`${folder} beside the spec`]), ...places])}`,
      hint: `Make the folder with ${list ?? `train/${normal}, test/${normal} and test/<defect>`} in it, or give another as option "folder"`,
    });
  const note = (text: string): void => roots.report?.(`note: ${place}: ${text}`);
  if (list !== undefined) return listed(place, list, options, note);
  const left = new LeftOut();
  const files = inFolder(place, options, left, note);
  const leftOut = left.say();
  if (leftOut !== undefined) note(leftOut);
  return files;
}

const everyFifth = 'every fifth normal image is for testing';

function inFolder(
  place: string,
  options: Options,
  left: LeftOut,
  note: (text: string) => void,
): Result<readonly SourceFile[], DatasetProblem> {
  const found = listFolder(place, options, left);
  if (!found.ok) return found;
  const {files, heldOut: chosen} = found.value;
  if (chosen > 0) note(`there is no folder test, so ${everyFifth}: ${plural(chosen, 'image')}`);
  const isUsed = hasMasks(options);
  const images = withOneMeaning(files, ({name}) => {
    const {split, folder} = partsOf(name);
    return `${split}, ${folder}`;
  });
  if (!images.ok || (!isUsed && (options.classes || !existsSync(join(place, groundTruth))))) return images;
  const masks = listMasks(place, files, options.normal, left);
  if (!masks.ok) return masks;
  return succeed(isUsed ? [...files, ...masks.value] : files);
}

interface Found {
  readonly files: readonly SourceFile[];
  /** Number of test images that were chosen from the training images. */
  readonly heldOut: number;
}

/** Lists the images. The folder has `train` and `test`, or `train` alone, or folders of classes, or the images themselves. */
function listFolder(place: string, {normal, classes}: Options, left: LeftOut): Result<Found, DatasetProblem> {
  const contents = soundContents(place);
  if (!contents.ok) return contents;
  const {folders, images} = contents.value;
  const trained = classes ?? [normal];
  const train = {required: trained, others: false};
  const test = {required: trained, others: !classes};
  const isThere = (name: string): boolean => folders.some((folder) => isSame(folder, name));
  // A folder "train" or "test", in any case of letters, is meant as a split even if images lie beside it.
  const isSplit = folders.some((folder) => /^(train|test)$/i.test(folder));
  if (isSplit || (images.length === 0 && !trained.some(isThere))) {
    if (folders.includes('test')) return whole(listTree(place, {train, test}, left));
    return splitUp(listTree(place, {train}, left), trained);
  }
  const isFlat = images.length > 0 && !classes && !isThere(normal);
  if (!isFlat) return splitUp(listClasses(place, 'train', {required: trained, others: !classes}, left), trained);
  left.add(contents.value);
  return splitUp(
    succeed(images.map((image) => ({name: `train/${normal}/${image}`, path: join(place, image)}))),
    trained,
  );
}

const whole = (files: Result<readonly SourceFile[], DatasetProblem>): Result<Found, DatasetProblem> =>
  files.ok ? succeed({files: files.value, heldOut: 0}) : files;

/** All images of the other classes are for testing, and so are some of the classes that are trained on. */
function splitUp(
  files: Result<readonly SourceFile[], DatasetProblem>,
  trained: readonly string[],
): Result<Found, DatasetProblem> {
  if (!files.ok) return files;
  const classOf = ({name}: SourceFile): string => partsOf(name).folder;
  const isTrained = (file: SourceFile): boolean => trained.includes(classOf(file));
  const chosen = heldOut(files.value.filter(isTrained), classOf);
  const split = files.value.map((file) =>
    isTrained(file) && !chosen.has(file) ? file : {...file, name: file.name.replace('train/', 'test/')},
  );
  return succeed({files: split, heldOut: chosen.size});
}

function listed(
  folder: string,
  list: string,
  options: Options,
  note: (text: string) => void,
): Result<readonly SourceFile[], DatasetProblem> {
  const path = join(folder, list);
  const index = labelOf(options);
  try {
    const rows = readImageList(path);
    for (const {label, split, line} of rows) {
      const came = `line ${line} has the label "${label}"`;
      const meant = (options.classes ?? [options.normal]).find((name) => name !== label && isAlike(name, label));
      if (meant !== undefined)
        throw new DatasetError(
          path,
          'labels that are equal or unlike',
          `${came}, beside "${meant}"`,
          `Write "${meant}", or another word.`,
        );
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
    if (!rows.some((row) => row.split === 'train'))
      throw new DatasetError(path, 'images in split train', 'there are none', 'Add them.');
    const chosen = heldOutRows(rows);
    if (chosen.size > 0) note(`split test has no image, so ${everyFifth}: ${plural(chosen.size, 'image')}`);
    const images = withOneMeaning(
      rows.map((row) => ({name: row.path, path: join(folder, row.path), means: `${row.split}, ${row.label}`})),
      ({means}) => means,
    );
    if (!images.ok) return images;
    return succeed([{name: list, path}, ...images.value.map(({name, path}) => ({name, path}))]);
  } catch (error) {
    if (error instanceof DatasetError)
      return fail({message: error.message.replace(/\.$/, ''), hint: `It is read because of option "list".`});
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
  const chosen = heldOutRows(rows);
  for (const row of rows)
    if ((chosen.has(row) ? 'test' : row.split) === split) yield {path: paths.get(row.path)!, label: index(row.label)};
}

/** Training rows that are used for testing: some if no row has split test, otherwise none. */
const heldOutRows = (rows: readonly Listed[]): ReadonlySet<Listed> =>
  rows.some(({split}) => split === 'test') ? new Set() : heldOut(rows, ({label}) => label);
