/** What is in a folder of images, and which options of `image-folder` read it. */
import {existsSync, readFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {CsvSyntaxError, readCsv} from '../../core/base/csv.ts';
import {fail, type Result, succeed} from '../../core/base/result.ts';
import type {DatasetProblem, SourceFile} from '../../core/contracts/dataset.ts';
import {decodeImage, imageFormats} from '../../core/images/codec.ts';
import {contentsOf} from '../../core/images/files.ts';
import {checkPlugin} from '../../core/plugin/check.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {heldOut} from '../../domain/datasets/local/hold-out.ts';

/** Options of `image-folder`, without the folder. */
export interface Layout {
  readonly list?: string;
  readonly normal?: string;
  readonly classes?: readonly string[];
  readonly masks?: true;
}

export interface Survey {
  readonly layout: Layout;
  /** Images of the normal class, or of all classes where each is normal in turn. */
  readonly train: number;
  readonly test: {readonly normal: number; readonly anomalous: number};
  /** Of some of the images, one each. */
  readonly sizes: readonly {readonly height: number; readonly width: number}[];
  /** What `locate` has reported. */
  readonly notes: readonly string[];
}

/** Of these a few are looked at. */
const looked = 12;

export async function survey(folder: string, plugins: Plugins): Promise<Result<Survey, DatasetProblem>> {
  const guessed = layoutOf(folder);
  if (guessed === undefined)
    return fail({
      message: `there are no images (${imageFormats}) in ${folder}`,
      hint: 'Give a folder with images in it, with folders of classes, with train and test, or with a CSV list (path, split, label).',
    });
  const notes: string[] = [];
  const found = async (layout: Layout) => {
    const checked = checkPlugin(plugins, 'dataset', {type: 'image-folder', folder, ...layout});
    const [issue] = checked.issues;
    if (issue) return fail({message: issue.message, hint: issue.hint ?? 'Rename the folder.'});
    const dataset = plugins.create('dataset', checked.value);
    return dataset.locate({folders: [], report: (note) => notes.push(note)}, dataset.inliers[0]!);
  };
  const hasMasks = existsSync(join(folder, 'ground_truth')) && guessed.classes === undefined && !guessed.list;
  const layout: Layout = {...guessed, ...(hasMasks && {masks: true})};
  const files = await found(layout);
  if (!files.ok) return files;
  const images = files.value.filter(({name}) => /^(train|test)\//.test(name) || (layout.list && name !== layout.list));
  const sizes = await Promise.all(
    spreadOver(images).map(async ({path}) => decodeImage(await readFile(path)).catch(() => undefined)),
  );
  return succeed({
    layout,
    ...countsOf(folder, layout, images),
    sizes: sizes.flatMap((size) => (size ? [{height: size.height, width: size.width}] : [])),
    notes,
  });
}

/** Undefined: there are no images. */
function layoutOf(folder: string): Layout | undefined {
  const {folders, images, others} = contentsOf(folder);
  const list = others.find((name) => name.toLowerCase().endsWith('.csv') && isList(join(folder, name)));
  if (folders.includes('train')) return ofClasses(contentsOf(join(folder, 'train')).folders);
  if (list !== undefined) {
    const labels = rowsOf(join(folder, list)).flatMap(({split, label}) => (split === 'train' ? [label] : []));
    return {list, ...ofClasses([...new Set(labels)].sort())};
  }
  if (images.length > 0) return {};
  const classes = folders.filter((name) => name !== 'ground_truth' && contentsOf(join(folder, name)).images.length > 0);
  return classes.length === 0 ? undefined : ofClasses(classes);
}

/** One class is normal, or one that is called so. Otherwise each is normal in turn. */
function ofClasses(classes: readonly string[]): Layout {
  const normal =
    classes.length === 1 ? classes[0] : classes.find((name) => /^(good|normal|ok|pass(ed)?)\b/i.test(name));
  return normal !== undefined || classes.length === 0 ? {normal: normal ?? 'good'} : {classes};
}

function isList(file: string): boolean {
  const header = recordsOf(file)[0]?.map((field) => field.toLowerCase()) ?? [];
  return ['path', 'split', 'label'].every((column) => header.includes(column));
}

function recordsOf(file: string): readonly (readonly string[])[] {
  try {
    return readCsv(readFileSync(file, 'utf8')).map(({fields}) => fields);
  } catch (error) {
    if (error instanceof CsvSyntaxError) return [];
    throw error;
  }
}

const spreadOver = (files: readonly SourceFile[]): readonly SourceFile[] => {
  const step = Math.max(1, Math.floor(files.length / looked));
  return files.filter((_, i) => i % step === 0).slice(0, looked);
};

function countsOf(folder: string, {list, normal = 'good', classes}: Layout, images: readonly SourceFile[]) {
  const rows =
    list === undefined
      ? images.map(({name}) => ({split: name.split('/')[0]!, label: name.split('/')[1]!}))
      : withTest(rowsOf(join(folder, list)));
  const train = rows.filter(({split}) => split === 'train').length;
  const tested = rows.filter(({split}) => split === 'test');
  const anomalous = classes ? 0 : tested.filter(({label}) => label !== normal).length;
  return {train, test: {normal: tested.length - anomalous, anomalous}};
}

interface Row {
  readonly split: string;
  readonly label: string;
}

/** As `image-folder` reads a list of training images alone. */
function withTest(rows: readonly Row[]): readonly Row[] {
  if (rows.some(({split}) => split === 'test')) return rows;
  const chosen = heldOut(rows, ({label}) => label);
  return rows.map((row) => (chosen.has(row) ? {...row, split: 'test'} : row));
}

/** Of each image of a list. */
function rowsOf(file: string): readonly Row[] {
  const [header = [], ...rows] = recordsOf(file);
  const at = (column: string): number => header.findIndex((field) => field.toLowerCase() === column);
  return rows.map((row) => ({split: row[at('split')] ?? '', label: row[at('label')] ?? ''}));
}
