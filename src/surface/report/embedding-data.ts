/** Where a task's test images lie in the space of its features: maps of a sample of them. */

import {Rng} from '../../core/base/random.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {normaliseRows, pickRows} from '../../core/linalg/matrix.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {embed} from '../../pipeline/stages/embed.ts';
import type {Artifacts} from './artifacts.ts';
import {principalPlane} from './pca.ts';
import type {Scored} from './scores-data.ts';
import {umap} from './umap.ts';

/** Points of each kind, normal and anomalous. */
const most = 250;

type Points = readonly (readonly [x: number, y: number])[];

export interface Embedding {
  readonly layer: string;
  /** Of the features. */
  readonly columns: number;
  /** Test images in all; the maps show `classes.length` of them. */
  readonly images: number;
  /** Of each point. */
  readonly classes: readonly string[];
  readonly anomalous: readonly boolean[];
  /** Where features are of two numbers: their own place, on the circle. */
  readonly circle?: Points;
  readonly pca?: {readonly points: Points; readonly explained: readonly [number, number]};
  readonly umap?: Points;
}

/** Of the features that the first of the classifiers reads, scaled to length 1; undefined where they are of windows. */
export async function embeddingOf(
  task: Task,
  scored: readonly Scored[],
  artifacts: Artifacts,
): Promise<Result<Embedding | undefined, Problem>> {
  for (const {stage, labels} of scored) {
    const embedded = artifacts.maker(stage, 'test');
    const recipe = recipeOf(embed, embedded?.node);
    if (!embedded || !recipe || recipe.windows) continue;
    const {layer} = recipe;
    const file = await artifacts.file(embedded, 'features.arrow');
    if (!file.ok) return file;
    const {features, classes, classNames} = await readFeatures(file.value);
    const rng = new Rng(task.seed).fork('report');
    const order = rng.fork('sample').permutation(features.rows);
    const of = (kind: number) => [...order].filter((row) => labels[row] === kind).slice(0, most);
    // In the order of the file, so that neither kind covers the other.
    const rows = [...of(0), ...of(1)].sort((a, b) => order[a]! - order[b]!);
    const sample = normaliseRows(pickRows(features, rows));
    const about = {
      layer,
      columns: features.columns,
      images: features.rows,
      classes: rows.map((row) => classNames[classes[row]!]!),
      anomalous: rows.map((row) => labels[row] === 1),
    };
    if (features.columns === 2) {
      const circle = rows.map((_, i) => [sample.data[2 * i]!, sample.data[2 * i + 1]!] as const);
      return succeed({...about, circle});
    }
    const neighbours = umap(sample, rng.fork('umap'));
    return succeed({...about, pca: principalPlane(sample), ...(neighbours && {umap: neighbours})});
  }
  return succeed(undefined);
}
