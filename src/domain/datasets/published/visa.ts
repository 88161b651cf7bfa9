import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {CsvSyntaxError, readCsv} from '../../../core/base/csv.ts';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice, clippedList, compareText, plural} from '../../../core/base/text.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../../core/contracts/dataset.ts';
import {defineDataset} from '../../../core/contracts/dataset.ts';
import {Type} from '../../../core/plugin/type.ts';
import {maskName} from '../readers/image-tree.ts';
import {categoriesOfSquares, cropOption, squareOptions} from './squares.ts';

/** In the paper's order: complex structures, several objects, one object. */
const objects = [
  ...['pcb1', 'pcb2', 'pcb3', 'pcb4'],
  ...['macaroni1', 'macaroni2', 'capsules', 'candle'],
  ...['cashew', 'chewinggum', 'fryum', 'pipe_fryum'],
] as const;

/** As the split's file calls them. */
const classes = ['normal', 'anomaly'] as const;
const list = join('split_csv', '1cls.csv');
const columns = ['object', 'split', 'label', 'image', 'mask'];

export const visa = defineDataset({
  name: 'visa',
  version: 1,
  summary:
    'VisA: twelve objects, with the one-class split that is published with it (split_csv/1cls.csv); resized to squares.',
  paper: 'Zou et al. 2022',
  options: Type.Object({...squareOptions, ...cropOption}, {additionalProperties: false}),
  create: (options) => categoriesOfSquares(options, {categories: objects, classes, locate}),
});

const get =
  'get VisA_20220922.tar, of which https://github.com/amazon-science/spot-diff has the address (CC BY 4.0), ' +
  'and unpack it';

/** An object's images as the list of the split has them, named as in MVTec AD's layout; each anomaly of the test images with its mask. */
function locate(roots: DataRoots, object: string): Result<readonly SourceFile[], DatasetProblem> {
  const places = [...new Set(roots.folders.flatMap((root) => [join(root, 'visa'), root]))];
  const place = places.find((one) => existsSync(join(one, list)));
  const home = roots.fetchInto ?? roots.folders[0];
  if (place === undefined)
    return fail({
      message: `not found: looked for ${list} in ${choice(places)}`,
      hint: `${get}${home === undefined ? '' : ` so that ${join(home, 'visa', list)} is there`}`,
    });
  const path = join(place, list);
  const rows = rowsOf(path, object);
  if (!rows.ok) return rows;
  const files = rows.value.flatMap(({split, label, image, mask}): readonly SourceFile[] => {
    const name = `${split}/${label}/${image.split('/').at(-1)}`;
    const own = {name, path: join(place, image)};
    return mask === '' ? [own] : [own, {name: maskName(name), path: join(place, mask)}];
  });
  const absent = files.filter((file) => !existsSync(file.path));
  if (absent.length > 0)
    return fail({
      message: `${place}: ${plural(absent.length, 'file')} of ${list} missing: ${clippedList(
        absent.map((file) => file.path),
        3,
      )}`,
      hint: `${get} again`,
    });
  return succeed(files.toSorted((a, b) => compareText(a.name, b.name)));
}

interface Row {
  readonly split: string;
  readonly label: string;
  /** Path below the dataset's folder. */
  readonly image: string;
  /** Empty: it has none. */
  readonly mask: string;
}

/** The rows of an object. Fails unless every one is complete, and normal if it is for training. */
function rowsOf(path: string, object: string): Result<readonly Row[], DatasetProblem> {
  const wrong = (came: string) =>
    fail({message: `${path}: expected the columns ${columns.join(', ')}, but ${came}`, hint: `${get} again`});
  try {
    const [head, ...records] = readCsv(readFileSync(path, 'utf8'));
    if (head?.fields.join() !== columns.join()) return wrong(`its first line is "${(head?.fields ?? []).join()}"`);
    const own = records.filter(({fields}) => fields[0] === object);
    for (const {line, fields} of own) {
      const fault = faultOf(fields);
      if (fault !== undefined)
        return fail({message: `${path}, line ${line} ("${fields.join()}"): ${fault}`, hint: `${get} again`});
    }
    const rows = own.map(({fields: [, split, label, image, mask]}) => ({split, label, image, mask}) as Row);
    const kinds = new Set(rows.map(({split, label}) => `${split} ${label}`));
    if (kinds.size < 3)
      return wrong(`of ${object} it has only these kinds of images: ${[...kinds].join(', ') || 'none'}`);
    return succeed(rows);
  } catch (error) {
    if (error instanceof CsvSyntaxError) return wrong(error.message);
    throw error;
  }
}

/**
 * The cell that is wrong, and how. Training images are normal; a mask is there if, and only if, the image is anomalous. Paths stay below
 * the dataset's folder. Undefined: none is.
 */
function faultOf([object, split, label, image, mask, ...rest]: readonly string[]): string | undefined {
  const isIn = (path: string | undefined): boolean =>
    path?.startsWith(`${object}/`) === true && !path.split('/').includes('..');
  if (mask === undefined || rest.length > 0) return 'it has not five cells';
  if (split !== 'train' && split !== 'test') return `its split "${split}" is not train or test`;
  if (label !== 'normal' && label !== 'anomaly') return `its label "${label}" is not normal or anomaly`;
  if (split === 'train' && label !== 'normal') return 'a training image has the label anomaly';
  if (!isIn(image)) return `its image "${image}" is not below ${object}/`;
  if (label === 'normal' && mask !== '') return `its mask "${mask}" is that of a normal image`;
  if (label === 'anomaly' && mask === '') return 'an anomaly has no mask';
  return label === 'normal' || isIn(mask) ? undefined : `its mask "${mask}" is not below ${object}/`;
}
