/** Where a task's test images lie in the space of its features: maps of a sample of them, by principal components and UMAP, or the circle. */
import {Rng} from '../../core/base/random.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {joinRows, normaliseRows, pickRows} from '../../core/linalg/matrix.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {embed, takenOf} from '../../pipeline/stages/embed.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import type {Markup} from '../html.ts';
import type {Artifacts} from './artifacts.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {type Copies, copiesOf} from './copies.ts';
import {figure} from './figure.ts';
import type {EmbeddingData} from './page-data.ts';
import {principalPlane} from './pca.ts';
import {pointsTable} from './points-table.ts';
import type {Scored} from './scores.ts';
import {type Neighbourhoods, umap} from './umap.ts';

/** Points of each kind, normal and anomalous, at most; of all tasks of a page together; and of training images and of each copy, for each of those. */
const mostEach = 250;
const mostOfAll = 720;
const trainingShare = 0.6;

type Points = readonly (readonly [x: number, y: number])[];

export interface Embedding {
  readonly layer: string;
  /** Of the features. */
  readonly columns: number;
  /** Test images in all; the maps show `rows.length` of them. */
  readonly images: number;
  /** Places of the test images that are shown; the points of training images come after theirs, then those of copies, kind by kind. */
  readonly rows: readonly number[];
  readonly training: number;
  readonly copies?: ShownCopies;
  /** Of each test image that is shown. */
  readonly classes: readonly string[];
  readonly anomalous: readonly boolean[];
  /** Where features are of two numbers: their own place, on the circle. */
  readonly circle?: Points;
  readonly pca?: {readonly points: Points; readonly explained: readonly [number, number]};
  readonly umap?: Neighbourhoods;
}

interface ShownCopies extends Copies {
  /** Those of `images` of which each copy has a point. */
  readonly shown: readonly number[];
}

/** `tasks`: so many share the page. Of the features that the first of the classifiers reads, scaled to length 1; undefined where they are of windows. */
export async function embeddingOf(
  record: RunRecord,
  task: Task,
  scored: readonly Scored[],
  artifacts: Artifacts,
  tasks: number,
): Promise<Result<Embedding | undefined, Problem>> {
  const most = Math.min(mostEach, Math.ceil(mostOfAll / tasks));
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
    const trained = await trainingSample(stage, artifacts, Math.round(trainingShare * most), rng.fork('training'));
    const copied = await copiesOf(record, task, {layer, features, labels}, artifacts);
    const ofEach = copied ? takenOf(copied.images.length, Math.round(trainingShare * most)) : [];
    const sample = normaliseRows(
      joinRows([
        pickRows(features, rows),
        ...(trained ? [trained] : []),
        ...(copied?.features ?? []).map((one) => pickRows(one, ofEach)),
      ]),
    );
    const about = {
      layer,
      columns: features.columns,
      images: features.rows,
      rows,
      training: trained?.rows ?? 0,
      ...(copied && {copies: {...copied, shown: ofEach.map((at) => copied.images[at]!)}}),
      classes: rows.map((row) => classNames[classes[row]!]!),
      anomalous: rows.map((row) => labels[row] === 1),
    };
    if (features.columns === 2) {
      const circle = Array.from(
        {length: sample.rows},
        (_, i) => [sample.data[2 * i]!, sample.data[2 * i + 1]!] as const,
      );
      return succeed({...about, circle});
    }
    const neighbourhoods = umap(sample, rng.fork('umap'));
    return succeed({...about, pca: principalPlane(sample), ...(neighbourhoods && {umap: neighbourhoods})});
  }
  return succeed(undefined);
}

/** Some of the features that its classifier was fitted on; undefined where they are not in the cache any more. */
async function trainingSample(
  stage: StageRecord,
  artifacts: Artifacts,
  most: number,
  rng: Rng,
): Promise<Matrix | undefined> {
  const embedded = artifacts.maker(stage, 'train');
  const file = embedded && (await artifacts.file(embedded, 'features.arrow'));
  if (!file?.ok) return undefined;
  const {features} = await readFeatures(file.value);
  return pickRows(features, rng.permutation(features.rows).subarray(0, most));
}

/** In the legend, with colour and shape. */
function kindsOf({training, copies}: Embedding): readonly (readonly [kind: string, colour: string, shape: string])[] {
  return [
    ['normal', colours.normal, 'circle'],
    ['anomalous', colours.anomalous, 'triangle-up'],
    ...(training > 0 ? [['training image', colours.muted, 'cross'] as const] : []),
    // The first two of the series are about the colours of the two kinds of test images.
    ...(copies?.names ?? []).map(
      (name, i) => [copyKind(name), colours.series[2 + (i % 6)]!, copyShapes[i % copyShapes.length]!] as const,
    ),
  ];
}

const copyShapes = ['square', 'diamond', 'triangle-down', 'triangle-left', 'triangle-right', 'wedge', 'arrow'];

const copyKind = (name: string): string => `normal, ${name}`;

function kindOf({anomalous, training, copies}: Embedding, point: number): string {
  if (point < anomalous.length) return anomalous[point] ? 'anomalous' : 'normal';
  const after = point - anomalous.length - training;
  return copies && after >= 0 ? copyKind(copies.names[Math.floor(after / copies.shown.length)]!) : 'training image';
}

/** What the page's script knows points by. */
export const embeddingData = ({rows, training, copies}: Embedding): EmbeddingData => ({
  images: rows,
  training,
  ...(copies && {copies: {names: copies.names, images: copies.shown}}),
});

export async function embeddingFigures(embedding: Embedding): Promise<readonly Markup[]> {
  const {layer, columns, images, rows, training, copies, classes, circle, pca, umap} = embedding;
  const shown = [
    `${rows.length} of ${images} test images`,
    ...(training > 0 ? [`${training} training images`] : []),
    ...(copies ? [`${copies.shown.length} normal test images under ${copies.names.join(', under ')}`] : []),
  ];
  const note = `Features of layer ${layer} (${columns} numbers, scaled to length 1), for ${[shown.slice(0, -1).join(', '), ...shown.slice(-1)].filter(Boolean).join(' and ')}`;
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const figures: Markup[] = [];
  const add = async (title: string, points: Points, axes: readonly [string, string] | null) => {
    const chart = await draw(mapOf(embedding, points, axes), `${title}. ${note}`, {frame: true});
    const numbers = pointsTable(points, ['class', (at) => classes[at] ?? ''], ['kind', (at) => kindOf(embedding, at)]);
    figures.push(figure(chart, {title, note, numbers, chart: 'embedding'}));
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

function mapOf(embedding: Embedding, points: Points, axes: readonly [string, string] | null): ChartSpec {
  const {classes, circle} = embedding;
  const values = points.map(([x, y], i) => {
    const kind = kindOf(embedding, i);
    return {x, y, kind, class: classes[i] ?? kind};
  });
  const kinds = kindsOf(embedding);
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
    mark: {type: 'point', filled: true, size: 18, fillOpacity: 0.72, aria: true},
    encoding: {
      x: place('x', 0),
      y: place('y', 1),
      color: {
        field: 'kind',
        scale: {domain: kinds.map(([kind]) => kind), range: kinds.map(([, colour]) => colour)},
        ...(embedding.copies && {legend: {columns: 2}}),
      },
      shape: {field: 'kind', scale: {domain: kinds.map(([kind]) => kind), range: kinds.map(([, , shape]) => shape)}},
      description: {field: 'class'},
    },
  };
}
