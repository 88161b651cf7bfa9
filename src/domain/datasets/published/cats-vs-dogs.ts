import {readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {NumpyRandom} from '../../../core/base/numpy-random.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice, clippedList} from '../../../core/base/text.ts';
import type {DataRoots, DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import type {Step} from '../../../core/images/preparation.ts';
import {Type} from '../../../core/plugin/type.ts';
import {oneVersusRest} from '../one-class.ts';
import {type LabelledFile, readImageFiles, soundContents} from '../readers/image-files.ts';
import {isFolder} from '../readers/image-tree.ts';

const classes = ['cat', 'dog'] as const;
const side = 64;
const shape = {height: side, width: side, channels: 3} as const;

/** The two published editions: Microsoft's archive and Kaggle's `train.zip`. */
const editions = [
  {
    tree: 'PetImages',
    files: {cat: /^\d+\.jpg$/, dog: /^\d+\.jpg$/},
    folders: {cat: join('PetImages', 'Cat'), dog: join('PetImages', 'Dog')},
  },
  {tree: 'train', files: {cat: /^cat\.\d+\.jpg$/, dog: /^dog\.\d+\.jpg$/}, folders: {cat: 'train', dog: 'train'}},
] as const;

export const catsVsDogs = defineDataset({
  name: 'cats-vs-dogs',
  version: 2,
  summary:
    'Photographs of cats and of dogs, cropped to the middle at 64 × 64; one against the other. 10 000 + 2500 images in each class.',
  paper: 'Elson et al. 2007; split and size as in Sohn et al. 2021',
  options: Type.Object(
    {
      train: Type.Integer({
        minimum: 1,
        default: 10_000,
        description: 'Training images of each class: the first of its shuffled files.',
      }),
      test: Type.Integer({
        minimum: 1,
        default: 2500,
        description:
          'Test images of each class: all others. Values other than the defaults are for copies with fewer files; ' +
          'their AUCs are not comparable with published ones.',
      }),
    },
    {additionalProperties: false},
  ),
  create: (options) => ({
    ...oneVersusRest(classes),
    shape,
    trainImages: () => options.train,
    locate: (roots) => Promise.resolve(locate(roots, options)),
    preparation,
    read: (files, split) => readImageFiles(chosen(files, split, options.train), shape, preparation),
  }),
});

const preparation: readonly Step[] = [
  {step: 'resize-short-side', side, interpolation: 'area'},
  {step: 'crop-middle', height: side, width: side},
];

type Sizes = {readonly [split in Split]: number};

function locate(roots: DataRoots, {train, test}: Sizes): Result<readonly SourceFile[], DatasetProblem> {
  const folders = [...new Set(roots.folders.flatMap((root) => [join(root, 'cats-vs-dogs'), root]))];
  const places = folders.flatMap((folder) => editions.map((edition) => ({folder, edition})));
  const home = roots.fetchInto ?? roots.folders[0];
  const hint =
    'get train.zip of https://www.kaggle.com/c/dogs-vs-cats (an account is needed)' +
    (home === undefined ? '' : `, and unpack it so that ${join(home, 'cats-vs-dogs', 'train', 'cat.0.jpg')} is there`);
  const place = places.find(({folder, edition}) =>
    classes.every((name) => {
      const where = join(folder, edition.folders[name]);
      return isFolder(where) && readdirSync(where).some((file) => edition.files[name].test(file));
    }),
  );
  if (!place)
    return fail({
      message: `not found: looked for PetImages/Cat and PetImages/Dog, or train/cat.0.jpg and the like, in ${choice(folders)}`,
      hint,
    });
  const files: SourceFile[] = [];
  const problems: DatasetProblem[] = [];
  for (const name of classes) {
    const where = join(place.folder, place.edition.folders[name]);
    const contents = soundContents(where);
    if (!contents.ok) return contents;
    const known = Object.values(place.edition.files);
    const there = [...contents.value.images, ...contents.value.others];
    const strange = there.filter((file) => !known.some((pattern) => pattern.test(file)));
    if (strange.length > 0)
      problems.push({
        message: `${where}: expected the published images only, but found ${clippedList(strange, 5)}`,
        hint: 'move it elsewhere',
      });
    // Sorted by code unit (0, 1, 10, 100, 1000 …), as Python's `sorted` did when the paper's split was drawn.
    const images = contents.value.images.filter((file) => place.edition.files[name].test(file));
    if (images.length !== train + test)
      problems.push({
        message: `${where}: expected ${train} + ${test} images of ${name}s, but there are ${images.length}`,
        hint: `${hint}; for a copy with fewer files set options train and test: its split is not the paper's`,
      });
    const empty = images.filter((file) => statSync(join(where, file)).size === 0);
    if (empty.length > 0)
      problems.push({
        message: `${where}: expected images, but ${clippedList(empty, 5)} ${empty.length === 1 ? 'is' : 'are'} empty, as in Microsoft's archive`,
        hint: `${hint}: only those files give the paper's split`,
      });
    for (const image of images)
      files.push({name: `${name}/${image.replace(`${name}.`, '')}`, path: join(where, image)});
  }
  return problems.length > 0 ? fail(...problems) : succeed(files);
}

/** The paper's split: one generator with seed 0 shuffles the files of each class, cats first; the first files are for training. */
function chosen(files: readonly SourceFile[], split: Split, train: number): readonly LabelledFile[] {
  const random = new NumpyRandom(0);
  return classes.flatMap((name, label) => {
    const own = files.filter((file) => file.name.startsWith(`${name}/`));
    const order = random.permutation(own.length);
    const part = split === 'train' ? order.subarray(0, train) : order.subarray(train);
    return Array.from(part, (i) => ({path: own[i]!.path, label}));
  });
}
