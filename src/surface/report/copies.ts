/**
 * Normal test images under the transforms of `map_copies`: where the features of each copy lie beside those of the images themselves. With
 * distribution augmentation they lie apart (Sohn et al. 2021, section 3.2).
 */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {columnMeans, normaliseRows, pickRows} from '../../core/linalg/matrix.ts';
import {dot} from '../../core/linalg/vectors.ts';
import {copiedImages, type Task} from '../../pipeline/config/spec.ts';
import {copyNames} from '../../pipeline/plan/names.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {embed, takenOf} from '../../pipeline/stages/embed.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import type {Markup} from '../html.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {Artifacts} from './artifacts.ts';

export interface Copies {
  /** Of each copy. */
  readonly names: readonly string[];
  /** Places of their images among the test images, the same for all copies. */
  readonly images: readonly number[];
  readonly rows: readonly CopyRow[];
}

/** How near features lie to those of the images: mean cosines. */
interface CopyRow {
  readonly kind: string;
  readonly count: number;
  /** To the image that each is a copy of; absent: it is none. */
  readonly own?: number;
  readonly others: number;
}

export interface CopiedFeatures extends Copies {
  /** Of each copy, one row for each of `images`. */
  readonly features: readonly Matrix[];
}

interface TestFeatures {
  readonly layer: string;
  readonly features: Matrix;
  readonly labels: Uint8Array;
}

/** Undefined where the task asks for none, or their features are not in the cache (any more). */
export async function copiesOf(
  record: RunRecord,
  task: Task,
  test: TestFeatures,
  artifacts: Artifacts,
): Promise<CopiedFeatures | undefined> {
  const {mapCopies = []} = task;
  const allNames = copyNames(mapCopies);
  const normal = [...test.labels.keys()].filter((row) => test.labels[row] === 0);
  const images = takenOf(normal.length, copiedImages).map((at) => normal[at]!);
  const names: string[] = [];
  const features: Matrix[] = [];
  for (const [i, copy] of mapCopies.entries()) {
    const stage = record.stages.find((one) => embedsCopy(one, task, test.layer, copy as Json));
    const file = stage && (await artifacts.file(stage, 'features.arrow'));
    if (!file?.ok) continue;
    names.push(allNames[i]!);
    features.push((await readFeatures(file.value)).features);
  }
  if (features.length === 0) return undefined;
  const anomalous = [...test.labels.keys()].filter((row) => test.labels[row] === 1);
  const originals = normaliseRows(pickRows(test.features, images));
  const row = (kind: string, of: Matrix): CopyRow => {
    const own = meanOwn(of, originals);
    return {kind, count: of.rows, own, others: meanOthers(of, originals, own)};
  };
  const {own: _, ...unchanged} = row('normal', originals);
  return {
    names,
    images,
    features,
    rows: [
      unchanged,
      ...(anomalous.length > 0
        ? [
            {
              kind: 'anomalous',
              count: anomalous.length,
              others: meanAll(normaliseRows(pickRows(test.features, anomalous)), originals),
            },
          ]
        : []),
      ...features.map((one, i) => row(names[i]!, normaliseRows(one))),
    ],
  };
}

function embedsCopy({node}: StageRecord, task: Task, layer: string, copy: Json): boolean {
  const recipe = recipeOf(embed, node);
  return (
    recipe?.view !== undefined &&
    recipe.layer === layer &&
    recipe.most === copiedImages &&
    node.tasks.includes(task.id) &&
    canonicalJson(recipe.view.augment as unknown as Json) === canonicalJson(copy)
  );
}

const rowOf = ({columns, data}: Matrix, row: number) => data.subarray(row * columns, (row + 1) * columns);

/** Of each row and the same row of the other. */
const meanOwn = (a: Matrix, b: Matrix): number => {
  let sum = 0;
  for (let i = 0; i < a.rows; i++) sum += dot(rowOf(a, i), rowOf(b, i));
  return sum / a.rows;
};

/** Of all pairs: the product of the means. */
const meanAll = (a: Matrix, b: Matrix): number => dot(columnMeans(a), columnMeans(b));

/** Of all pairs of different rows. */
const meanOthers = (a: Matrix, b: Matrix, own: number): number =>
  (a.rows * meanAll(a, b) - own) / Math.max(1, a.rows - 1);

export const copiesTable = ({rows, images}: Copies): Markup =>
  tableHtml(
    {
      columns: [
        {name: 'kind', align: 'left'},
        {name: 'images', align: 'right'},
        {name: 'to the same image', align: 'right'},
        {name: 'to other normal images', align: 'right'},
      ],
      rows: rows.map(({kind, count, own, others}) => [
        kind,
        String(count),
        own === undefined ? '' : own.toFixed(3),
        others.toFixed(3),
      ]),
      lead: 1,
    },
    {
      caption: `How near copies lie to ${images.length} normal test images: mean cosine of their features, 1 = the same direction`,
    },
  );
