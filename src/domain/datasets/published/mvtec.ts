import {join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {LeftOut} from '../../../core/images/files.ts';
import {Type} from '../../../core/plugin/type.ts';
import {readImageFiles} from '../readers/image-files.ts';
import {labelled, listMasks, listTree, partsOf} from '../readers/image-tree.ts';
import {cropOption, findCategory, squareOptions, squares} from './squares.ts';

/** Numbers of images in train/good, in test/good, and in the other folders of test. Textures come first, as in the papers' tables. */
const categories = {
  carpet: [280, 28, 89],
  grid: [264, 21, 57],
  leather: [245, 32, 92],
  tile: [230, 33, 84],
  wood: [247, 19, 60],
  bottle: [209, 20, 63],
  cable: [224, 58, 92],
  capsule: [219, 23, 109],
  hazelnut: [391, 40, 70],
  metal_nut: [220, 22, 93],
  pill: [267, 26, 141],
  screw: [320, 41, 119],
  toothbrush: [60, 12, 30],
  transistor: [213, 60, 40],
  zipper: [240, 32, 119],
} as const;

type Category = keyof typeof categories;

/** Objects that are always in the same pose, so that every place gets its own density (docs/paper-notes.md 3.5). */
const aligned: ReadonlySet<Category> = new Set([
  'bottle',
  'cable',
  'capsule',
  'metal_nut',
  'pill',
  'toothbrush',
  'transistor',
  'zipper',
]);

const normal = 'good';

/** Folders of defects, of all categories together. */
const kinds = [
  ...[
    'bent',
    'bent_lead',
    'bent_wire',
    'broken',
    'broken_large',
    'broken_small',
    'broken_teeth',
    'cable_swap',
    'color',
    'combined',
  ],
  ...[
    'contamination',
    'crack',
    'cut',
    'cut_inner_insulation',
    'cut_lead',
    'cut_outer_insulation',
    'damaged_case',
    'defective',
  ],
  ...[
    'fabric_border',
    'fabric_interior',
    'faulty_imprint',
    'flip',
    'fold',
    'glue',
    'glue_strip',
    'gray_stroke',
    'hole',
    'liquid',
  ],
  ...[
    'manipulated_front',
    'metal_contamination',
    'misplaced',
    'missing_cable',
    'missing_wire',
    'oil',
    'pill_type',
    'poke',
  ],
  ...[
    'poke_insulation',
    'print',
    'rough',
    'scratch',
    'scratch_head',
    'scratch_neck',
    'split_teeth',
    'squeeze',
    'squeezed_teeth',
  ],
  ...['thread', 'thread_side', 'thread_top'],
];
/** The last is for a folder of another name. */
const classes = [normal, ...kinds, 'defect'];

export const mvtec = defineDataset({
  name: 'mvtec',
  version: 4,
  summary: 'MVTec AD: fifteen categories of textures and objects, good ones and defects, resized to squares.',
  paper: 'Bergmann et al. 2019',
  options: Type.Object(
    {
      ...squareOptions,
      ...cropOption,
    },
    {additionalProperties: false},
  ),
  create: (options) => {
    const {shape, preparation} = squares(options);
    return {
      inliers: Object.keys(categories),
      classes,
      shape,
      perInlier: true,
      masks: true,
      aligned: (inlier) => aligned.has(inlier as Category),
      normalClass: () => normal,
      trainImages: (inlier) => categories[inlier as Category][0],
      locate: (roots, inlier) => Promise.resolve(locate(roots, inlier as Category)),
      preparation,
      read: (files, split) =>
        readImageFiles(
          labelled(files, split, (folder) => {
            const known = classes.indexOf(folder);
            return known < 0 ? classes.length - 1 : known;
          }),
          shape,
          preparation,
          {withMasks: split === 'test'},
        ),
    };
  },
});

/** The category's files. Fails unless there are as many images as published, and a mask for every defect. */
function locate(roots: DataRoots, category: Category): Result<readonly SourceFile[], DatasetProblem> {
  const found = findCategory(roots, {
    folder: 'mvtec',
    category,
    get: 'get it from https://www.mvtec.com/company/research/datasets/mvtec-ad (a form asks for your name; CC BY-NC-SA 4.0)',
    sign: join('train', normal),
  });
  if (!found.ok) return found;
  const place = found.value;
  const left = new LeftOut();
  const layouts = {train: {required: [normal], others: false}, test: {required: [normal], others: true}};
  const tree = listTree(place, layouts, left);
  if (!tree.ok) return tree;
  const counts = [0, 0, 0];
  for (const {name} of tree.value) {
    const {split, folder} = partsOf(name);
    counts[split === 'train' ? 0 : folder === normal ? 1 : 2]!++;
  }
  const published = categories[category];
  if (counts.some((many, i) => many !== published[i])) {
    const told = ([train, good, defect]: readonly number[]): string =>
      `${train} images in train/good, ${good} in test/good and ${defect} in the other folders of test`;
    return fail({
      message: `${place}: expected ${told(published)}, but there are ${told(counts)}`,
      hint: 'unpack the published archive again; for a part of it, or images of your own, use dataset image-folder',
    });
  }
  const masks = listMasks(place, tree.value, normal, left);
  const leftOut = left.say();
  if (leftOut !== undefined) roots.report?.(`note: ${place}: ${leftOut}`);
  return masks.ok ? succeed([...tree.value, ...masks.value]) : masks;
}
