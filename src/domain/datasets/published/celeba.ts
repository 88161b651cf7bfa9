import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice, clippedList, plural, count as thousands} from '../../../core/base/text.ts';
import type {DataRoots, DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import type {Step} from '../../../core/images/preparation.ts';
import {Type} from '../../../core/plugin/type.ts';
import {DatasetError} from '../dataset-error.ts';
import {type LabelledFile, readImageFiles, soundContents} from '../readers/image-files.ts';
import {type Face, readFaces} from './celeba-lists.ts';

const images = 'img_align_celeba';
const attributes = 'list_attr_celeba.txt';
const partition = 'list_eval_partition.txt';
const attribute = 'Eyeglasses';

const classes = ['no-eyeglasses', 'eyeglasses'] as const;
const parts: {readonly [split in Split]: number} = {train: 0, test: 2};
/** Number of images in each part of the published lists: training, validation, test. */
const published = [162_770, 19_867, 19_962];

const side = 64;
const shape = {height: side, width: side, channels: 3} as const;
/** Size of the published aligned images. `cut` leaves 158 × 158 of it (paper, section 5). */
const official = {height: 218, width: 178};
const cut = {top: 40, bottom: 20, left: 10, right: 10};

export const celeba = defineDataset({
  name: 'celeba',
  version: 2,
  summary:
    'CelebA: faces without eyeglasses are normal, faces with them are anomalous; cropped to the middle at 64 × 64.',
  paper: 'Liu et al. 2015; task and crop as in Sohn et al. 2021',
  options: Type.Object(
    {
      images: Type.Union([Type.Literal('official'), Type.Literal('any-size')], {
        default: 'official',
        description:
          'official: all images of the published lists must be there, with 178 × 218 pixels. any-size: copies of other ' +
          'sizes and subsets are accepted, and the crop is scaled; their AUCs are not comparable with published ones.',
      }),
    },
    {additionalProperties: false},
  ),
  create: (options) => ({
    inliers: [classes[0]],
    classes,
    shape,
    perInlier: false,
    normalClass: () => classes[0],
    locate: (roots) => Promise.resolve(locate(roots, options)),
    preparation: preparationOf(options),
    read: (files, split) => readImageFiles(facesOf(files, split), shape, preparationOf(options)),
  }),
});

/** Cuts off 40 rows at the top, 20 at the bottom, and 10 columns on each side, in proportion if the image has another size. */
const preparationOf = (options: Options): readonly Step[] => [
  ...(options.images === 'official'
    ? [
        {
          step: 'expect-size',
          ...official,
          remedy: 'Take the aligned images as published, or set option images to any-size, which scales the crop.',
        } as const,
      ]
    : []),
  {step: 'trim', of: official, ...cut},
  {step: 'resize', height: side, width: side, interpolation: 'bicubic'},
];

interface Options {
  readonly images: 'official' | 'any-size';
}

const hint = (roots: DataRoots): string => {
  const home = roots.fetchInto ?? roots.folders[0];
  const where =
    home === undefined
      ? ''
      : `, and put ${attributes}, ${partition} and the folder ${images} into ${join(home, 'celeba')}`;
  return `get "Align&Cropped Images" and the lists from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html (for non-commercial research)${where}`;
};

function locate(roots: DataRoots, options: Options): Result<readonly SourceFile[], DatasetProblem> {
  const places = [...new Set(roots.folders.flatMap((root) => [join(root, 'celeba'), root]))];
  const needed = [attributes, partition, images];
  const missing = (place: string): readonly string[] => needed.filter((name) => !existsSync(join(place, name)));
  const place = places.find((one) => missing(one).length === 0);
  if (place === undefined) {
    const partly = places
      .filter((one) => missing(one).length < needed.length)
      .map((one) => `; ${one} lacks ${missing(one).join(', ')}`);
    return fail({
      message: `not found: looked for ${needed.join(', ')} in ${choice(places)}${partly.join('')}`,
      hint: hint(roots),
    });
  }
  const lists = [attributes, partition].map((name) => ({name, path: join(place, name)}));
  try {
    const faces = readFaces(lists[0]!.path, lists[1]!.path, attribute);
    const counts = published.map((_, part) => faces.filter((face) => face.partition === part).length);
    if (options.images === 'official' && counts.some((many, part) => many !== published[part]))
      return fail({
        message: `${lists[1]!.path}: expected ${published.map(thousands).join(' + ')} images for training, validation and test, but there are ${counts.map(thousands).join(' + ')}`,
        hint: `${hint(roots)}; for a part of it set option images to any-size`,
      });
    const there = soundContents(join(place, images));
    if (!there.ok) return there;
    const had = new Set(there.value.images);
    const used = faces.filter(isUsed);
    const absent = used.filter(({name}) => !had.has(name)).map(({name}) => name);
    if (absent.length > 0)
      return fail({
        message: `${join(place, images)}: ${plural(absent.length, 'image')} of the lists missing: ${clippedList(absent, 5)}`,
        hint: hint(roots),
      });
    return succeed([...lists, ...used.map(({name}) => ({name, path: join(place, images, name)}))]);
  } catch (error) {
    if (error instanceof DatasetError) return fail({message: error.message, hint: hint(roots)});
    throw error;
  }
}

/** The papers do not use validation images. */
const isUsed = ({partition: part}: Face): boolean => part !== 1;

/** The images of a split. Training images with eyeglasses are included: later stages take only the normal class. */
function facesOf(files: readonly SourceFile[], split: Split): readonly LabelledFile[] {
  const paths = new Map(files.map(({name, path}) => [name, path]));
  const faces = readFaces(paths.get(attributes)!, paths.get(partition)!, attribute).filter(isUsed);
  const wanted = faces.filter((face) => face.partition === parts[split]);
  const stranger = wanted.find(({name}) => !paths.has(name));
  if (faces.length !== paths.size - 2 || stranger)
    throw new DatasetError(
      paths.get(partition)!,
      `the ${paths.size - 2} images for training and test that it listed before`,
      stranger ? `it lists ${stranger.name}` : `it lists ${faces.length}`,
      'Run the spec again when no other program writes to it.',
    );
  return wanted.map(({name, wears}) => ({path: paths.get(name)!, label: wears ? 1 : 0}));
}
