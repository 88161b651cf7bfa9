/** Where a task's test images lie in the space of its features: maps of a sample of them, by principal components and UMAP, or the circle. */
import {Rng} from '../../core/base/random.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {normaliseRows, pickRows} from '../../core/linalg/matrix.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {embed} from '../../pipeline/stages/embed.ts';
import type {Markup} from '../html.ts';
import type {Artifacts} from './artifacts.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';
import {principalPlane} from './pca.ts';
import type {Scored} from './scores.ts';
import {type Neighbourhoods, umap} from './umap.ts';

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
  readonly umap?: Neighbourhoods;
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
    // In the order of the file: no kind lies on top of the other.
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
    const neighbourhoods = umap(sample, rng.fork('umap'));
    return succeed({...about, pca: principalPlane(sample), ...(neighbourhoods && {umap: neighbourhoods})});
  }
  return succeed(undefined);
}

export async function embeddingFigures(embedding: Embedding): Promise<readonly Markup[]> {
  const {layer, columns, images, classes, circle, pca, umap} = embedding;
  const note = `Features of layer ${layer} (${columns} numbers, scaled to length 1), for ${classes.length} of ${images} test images`;
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const figures: Markup[] = [];
  const add = async (title: string, points: Points, axes: readonly [string, string] | null) => {
    const chart = await draw(mapOf(embedding, points, axes), `${title}. ${note}`);
    figures.push(figure(chart, {title, note}));
  };
  if (circle) await add('Features on the circle', circle, ['first feature', 'second feature']);
  if (pca) {
    const [first, second] = pca.explained;
    await add('Principal components', pca.points, [
      `first, ${percent(first)} of the variance`,
      `second, ${percent(second)}`,
    ]);
  }
  // Distances in it mean little, and its axes nothing.
  if (umap) await add(`UMAP, ${umap.neighbours} neighbours`, umap.points, null);
  return figures;
}

function mapOf(
  {classes, anomalous, circle}: Embedding,
  points: readonly (readonly [x: number, y: number])[],
  axes: readonly [string, string] | null,
): ChartSpec {
  const values = points.map(([x, y], i) => ({
    x,
    y,
    kind: anomalous[i] ? 'anomalous' : 'normal',
    class: classes[i]!,
  }));
  const place = (field: 'x' | 'y', at: 0 | 1) => ({
    field,
    type: 'quantitative' as const,
    // The circle is to be round.
    scale: circle ? {domain: [-1.1, 1.1]} : {zero: false, nice: false, padding: 8},
    axis: axes && {title: axes[at], labels: false, grid: false},
  });
  return {
    width: 260,
    height: 260,
    data: {values},
    mark: {type: 'point', filled: true, size: 18, opacity: 0.72, aria: true},
    encoding: {
      x: place('x', 0),
      y: place('y', 1),
      color: {field: 'kind', scale: {domain: ['normal', 'anomalous'], range: [colours.normal, colours.anomalous]}},
      shape: {field: 'kind', scale: {domain: ['normal', 'anomalous'], range: ['circle', 'triangle-up']}},
      description: {field: 'class'},
    },
  };
}
