import {existsSync} from 'node:fs';
import {join, parse} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {clippedList} from '../../../core/base/text.ts';
import type {DataRoots, DatasetProblem, SourceFile, Split} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {LeftOut} from '../../../core/images/files.ts';
import {Type} from '../../../core/plugin/type.ts';
import {imagesIn, type LabelledFile, readImageFiles} from '../readers/image-files.ts';
import {groundTruth, listTree, partsOf} from '../readers/image-tree.ts';
import {readSaturations} from './mvtec-loco-saturations.ts';
import {categoriesOfSquares, cropOption, findCategory, squareOptions} from './squares.ts';

const categories = ['breakfast_box', 'screw_bag', 'pushpins', 'splicing_connectors', 'juice_bottle'];
const classes = ['good', 'logical_anomalies', 'structural_anomalies'] as const;
const normal = classes[0];
const config = 'defects_config.json';
const get =
  'get it from https://www.mvtec.com/company/research/datasets/mvtec-loco (a form asks for your name; CC BY-NC-SA 4.0)';

export const mvtecLoco = defineDataset({
  name: 'mvtec-loco',
  version: 1,
  summary:
    'MVTec LOCO AD: five categories with logical and structural anomalies, which are two classes; resized to squares. Its validation images are not used.',
  paper: 'Bergmann et al. 2022',
  options: Type.Object({...squareOptions, ...cropOption}, {additionalProperties: false}),
  create: (options) => {
    const shared = categoriesOfSquares(options, {categories, classes, locate});
    return {
      ...shared,
      regions: true,
      async *read(files, split) {
        const enough = split === 'test' ? {enough: readSaturations(files.find(({name}) => name === config)!.path)} : {};
        yield* readImageFiles(labelled(files, split), shared.shape, shared.preparation, enough);
      },
    };
  },
});

/** The images of a split, each anomaly of the test images with the masks of its defects. */
function labelled(files: readonly SourceFile[], split: Split): readonly LabelledFile[] {
  const masks = new Map<string, string[]>();
  for (const {name, path} of files) {
    const image = name.slice(0, name.lastIndexOf('/'));
    if (name.startsWith(groundTruth)) masks.set(image, [...(masks.get(image) ?? []), path]);
  }
  return files
    .map(({name, path}) => ({...partsOf(name), path}))
    .filter((file) => file.split === split)
    .map(({folder, image, path}) => ({
      path,
      label: classes.indexOf(folder as (typeof classes)[number]),
      ...(folder !== normal && {defects: masks.get(masksOf(folder, image)) ?? []}),
    }));
}

/** The folder of an image's masks. */
const masksOf = (folder: string, image: string): string => `${groundTruth}/${folder}/${parse(image).name}`;

function locate(roots: DataRoots, category: string): Result<readonly SourceFile[], DatasetProblem> {
  const found = findCategory(roots, {folder: 'mvtec-loco', category, get, sign: join('train', normal)});
  if (!found.ok) return found;
  const place = found.value;
  const path = join(place, config);
  if (!existsSync(path)) return fail({message: `there is no ${path}`, hint: `${get} again`});
  const left = new LeftOut();
  const layouts = {train: {required: [normal], others: false}, test: {required: classes, others: false}};
  const tree = listTree(place, layouts, left);
  if (!tree.ok) return tree;
  const masks: SourceFile[] = [];
  const without: string[] = [];
  for (const {name} of tree.value) {
    const {split, folder, image} = partsOf(name);
    if (split !== 'test' || folder === normal) continue;
    const own = masksOf(folder, image);
    const there = existsSync(join(place, own)) ? imagesIn(join(place, own), left) : succeed([]);
    if (!there.ok) return there;
    if (there.value.length === 0) without.push(own);
    masks.push(...there.value.map((mask) => ({name: `${own}/${mask}`, path: join(place, own, mask)})));
  }
  if (without.length > 0)
    return fail({
      message: `${place}: expected a folder of masks for each anomaly, but there are none in ${clippedList(without, 5)}`,
      hint: `${get} again`,
    });
  const leftOut = left.say();
  if (leftOut !== undefined) roots.report?.(`note: ${place}: ${leftOut}`);
  return succeed([...tree.value, ...masks, {name: config, path}]);
}
