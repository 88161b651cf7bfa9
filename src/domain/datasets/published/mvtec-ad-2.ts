import {join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {LeftOut} from '../../../core/images/files.ts';
import {Type} from '../../../core/plugin/type.ts';
import {isFolder, listClasses, listMasks} from '../readers/image-tree.ts';
import {categoriesOfSquares, cropOption, findCategory, squareOptions} from './squares.ts';

const categories = ['can', 'fabric', 'fruit_jelly', 'rice', 'sheet_metal', 'vial', 'wallplugs', 'walnuts'];
const classes = ['good', 'bad'] as const;
const get =
  'get it from https://www.mvtec.com/company/research/datasets/mvtec-ad-2 (a form asks for your name; CC BY-NC-SA 4.0)';

export const mvtecAd2 = defineDataset({
  name: 'mvtec-ad-2',
  version: 1,
  summary:
    'MVTec AD 2: eight categories, resized to squares. Tests on its public test images; the private ones have no labels.',
  paper: 'Heckler-Kram et al. 2025',
  options: Type.Object({...squareOptions, ...cropOption}, {additionalProperties: false}),
  create: (options) => categoriesOfSquares(options, {categories, classes, locate}),
});

/** `train/good` and `test_public` of a category; the masks lie in the latter. */
function locate(roots: DataRoots, category: string): Result<readonly SourceFile[], DatasetProblem> {
  const found = findCategory(roots, {folder: 'mvtec-ad-2', category, get, sign: 'test_public'});
  if (!found.ok) return found;
  const [train, tests] = [join(found.value, 'train'), join(found.value, 'test_public')];
  for (const place of [train, tests])
    if (!isFolder(place)) return fail({message: `there is no folder ${place}`, hint: `${get} again`});
  const left = new LeftOut();
  const lists = [
    listClasses(train, 'train', {required: ['good'], others: false}, left),
    listClasses(tests, 'test', {required: classes, others: false}, left),
  ];
  const problems = lists.flatMap((list) => (list.ok ? [] : list.failures));
  if (problems.length > 0) return fail(...problems);
  const images = lists.flatMap((list) => (list.ok ? list.value : []));
  const masks = listMasks(tests, images, 'good', left);
  const leftOut = left.say();
  if (leftOut !== undefined) roots.report?.(`note: ${found.value}: ${leftOut}`);
  return masks.ok ? succeed([...images, ...masks.value]) : masks;
}
