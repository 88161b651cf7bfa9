/**
 * Anomalies that the spec has made of held-out normal images (`validation: synthetic`), beside real ones: as pictures, and where they lie among
 * the features of the test images (Li et al. 2021, CutPaste: figures 2, 3 and 5).
 */
import {groupBy} from '../../core/base/group.ts';
import {Rng} from '../../core/base/random.ts';
import {type Result, succeed} from '../../core/base/result.ts';
import type {Matrix} from '../../core/contracts/data.ts';
import {readFeatures} from '../../core/formats/arrow/features.ts';
import {imagesInfo, readImages} from '../../core/formats/arrow/images.ts';
import {encodeWebp} from '../../core/images/codec.ts';
import {pictureOf} from '../../core/images/picture.ts';
import {joinRows, normaliseRows, pickRows} from '../../core/linalg/matrix.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {copyNames} from '../../pipeline/plan/names.ts';
import {isStage, recipeOf} from '../../pipeline/stages/define.ts';
import {embed} from '../../pipeline/stages/embed.ts';
import {holdOut} from '../../pipeline/stages/hold-out.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import type {Artifacts} from './artifacts.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';
import {principalPlane} from './pca.ts';
import {pointsTable} from './points-table.ts';
import type {Scored} from './scores.ts';
import {shrunk} from './sheets.ts';
import {imagesOf} from './test-images.ts';
import {umap} from './umap.ts';

/** Points of each kind, and rows of pictures. */
const mostPoints = 120;
const mostRows = 6;
/** Pixels of a picture's longer side, at most. */
const side = 96;

export interface Made {
  /** `normal`, `anomalous`, and what the anomalies are made by. */
  readonly kinds: readonly string[];
  /** Absent: the features are of windows, or not of these images. */
  readonly map?: MadeMap;
  /** One row a held-out image: itself, what is made of it, and a real anomaly where there is one. `data:` addresses. */
  readonly pictures: readonly (readonly (string | undefined)[])[];
}

export interface MadeMap {
  readonly layer: string;
  readonly views: readonly {readonly title: string; readonly points: readonly (readonly [x: number, y: number])[]}[];
  /** Of each point. */
  readonly kindOf: readonly string[];
}

/** Undefined where the task makes no anomalies. */
export async function madeOf(
  record: RunRecord,
  task: Task,
  scored: readonly Scored[],
  artifacts: Artifacts,
): Promise<Result<Made | undefined, Problem>> {
  const held = record.stages.find((stage) => isStage(holdOut, stage.node) && stage.node.tasks.includes(task.id));
  const [first] = scored;
  if (task.validation?.type !== 'synthetic' || !held || !first) return succeed(undefined);
  const made = await artifacts.file(held, 'validation.arrow');
  if (!made.ok) return made;
  const [, ...classes] = (await imagesInfo(made.value)).classes;
  const names = copyNames(task.validation.transforms);
  const kinds = ['normal', 'anomalous', ...names];
  const test = await imagesOf(first, artifacts);
  if (test && !test.ok) return test;
  const pictures = await rowsOf(made.value, names.length, test?.value, first);
  const nameOf = new Map(classes.map((name, i) => [name, names[i]!]));
  const map = await mapOf(record, task, scored, {kinds, nameOf}, artifacts);
  if (!map.ok) return map;
  return succeed({kinds, pictures, ...(map.value && {map: map.value})});
}

async function rowsOf(
  made: string,
  copies: number,
  test: string | undefined,
  {labels}: Scored,
): Promise<Made['pictures']> {
  const {counts} = await imagesInfo(made);
  const normal = counts[0]!;
  const rows = Math.min(mostRows, normal);
  // What is made of image i stands at the same place among its kind.
  const ofMade = await picturesAt(made, (row) => row % normal < rows);
  const anomalies = new Set([...labels.keys()].filter((row) => labels[row] === 1).filter(every(rows)));
  const real = test === undefined ? [] : [...(await picturesAt(test, (row) => anomalies.has(row))).values()];
  return Array.from({length: rows}, (_, i) => [
    ...Array.from({length: copies + 1}, (_, kind) => ofMade.get(kind * normal + i)),
    real[i],
  ]);
}

/** Keeps so many, from the first to the last in even distances. */
const every = (wanted: number) => (_: unknown, i: number, all: readonly unknown[]) =>
  Math.floor((i * wanted) / all.length) > Math.floor(((i - 1) * wanted) / all.length);

async function picturesAt(path: string, wanted: (row: number) => boolean): Promise<ReadonlyMap<number, string>> {
  const pictures = new Map<number, string>();
  let first = 0;
  for await (const batch of readImages(path)) {
    for (let i = 0; i < batch.count; i++)
      if (wanted(first + i)) {
        const bytes = await encodeWebp(shrunk(pictureOf(batch, i), side));
        pictures.set(first + i, `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`);
      }
    first += batch.count;
  }
  return pictures;
}

async function mapOf(
  record: RunRecord,
  task: Task,
  scored: readonly Scored[],
  {kinds, nameOf}: {readonly kinds: readonly string[]; readonly nameOf: ReadonlyMap<string, string>},
  artifacts: Artifacts,
): Promise<Result<MadeMap | undefined, Problem>> {
  for (const {stage, labels} of scored) {
    const ofTest = artifacts.maker(stage, 'test');
    const layer = recipeOf(embed, ofTest?.node)?.layer;
    const ofMade = record.stages.find((one) => layer !== undefined && embedsMade(one, task, layer));
    if (!ofTest || !ofMade || layer === undefined) continue;
    const tables: [features: Matrix, kindOf: (row: number) => string | undefined][] = [];
    for (const one of [ofTest, ofMade]) {
      const file = await artifacts.file(one, 'features.arrow');
      if (!file.ok) return file;
      const {features, classes, classNames} = await readFeatures(file.value);
      tables.push(
        one === ofTest
          ? [features, (row) => kinds[labels[row]!]]
          : [features, (row) => nameOf.get(classNames[classes[row]!]!)],
      );
    }
    const rng = new Rng(task.seed).fork('report made');
    const parts = tables.flatMap(([features, kindOf]) => {
      const rows = [...rng.permutation(features.rows)].filter((row) => kindOf(row) !== undefined);
      return [...groupBy(rows, (row) => kindOf(row)!)].map(([kind, own]) => ({
        kind,
        sample: pickRows(features, own.slice(0, mostPoints)),
      }));
    });
    const all = normaliseRows(joinRows(parts.map(({sample}) => sample)));
    const kindOf = parts.flatMap(({kind, sample}) => Array<string>(sample.rows).fill(kind));
    const {points, explained} = principalPlane(all);
    const percent = explained.map((share) => `${(100 * share).toFixed(0)} %`).join(' and ');
    const near = umap(all, rng.fork('umap'));
    return succeed({
      layer,
      kindOf,
      views: [
        {title: `Principal components: ${percent} of the variance`, points},
        ...(near ? [{title: `UMAP, ${near.neighbours} neighbours`, points: near.points}] : []),
      ],
    });
  }
  return succeed(undefined);
}

function embedsMade({node}: StageRecord, task: Task, layer: string): boolean {
  const recipe = recipeOf(embed, node);
  const {file} = node.inputs['images'] ?? {};
  return recipe?.layer === layer && !recipe.windows && file === 'validation.arrow' && node.tasks.includes(task.id);
}

export async function madeFigures({kinds, map}: Made): Promise<readonly Markup[]> {
  if (!map) return [];
  const note = `Features of layer ${map.layer}, scaled to length 1: test images, and anomalies made of held-out normal images`;
  const figures: Markup[] = [];
  for (const {title, points} of map.views) {
    const chart = await draw(chartOf(kinds, map.kindOf, points), `${title}. ${note}: ${kinds.slice(2).join(', ')}`);
    const numbers = pointsTable(points, ['kind', (at) => map.kindOf[at]!]);
    figures.push(figure(chart, {title: `Made anomalies. ${title}`, note, numbers}));
  }
  return figures;
}

function chartOf(
  kinds: readonly string[],
  kindOf: readonly string[],
  points: readonly (readonly [x: number, y: number])[],
): ChartSpec {
  const values = points.map(([x, y], i) => ({x, y, kind: kindOf[i]!}));
  const place = (field: 'x' | 'y') => ({
    field,
    type: 'quantitative' as const,
    scale: {zero: false, nice: false, padding: 8},
    axis: null,
  });
  // The first two of the series are about the colours of the two kinds of test images.
  const range = [colours.normal, colours.anomalous, ...colours.series.slice(2)].slice(0, kinds.length);
  const shapes = [
    'circle',
    'triangle-up',
    'square',
    'cross',
    'diamond',
    'triangle-down',
    'triangle-left',
    'triangle-right',
  ];
  return {
    width: 260,
    height: 260,
    data: {values},
    mark: {type: 'point', filled: true, size: 22, fillOpacity: 0.75, aria: true},
    encoding: {
      x: place('x'),
      y: place('y'),
      color: {
        field: 'kind',
        scale: {domain: [...kinds], range},
        legend: {columns: kinds.some((kind) => kind.length > 14) ? 1 : 2},
      },
      shape: {field: 'kind', scale: {domain: [...kinds], range: shapes}},
      description: {field: 'kind'},
    },
  };
}

export function madeView({kinds, pictures}: Made): Markup {
  const [normal, anomalous, ...names] = kinds;
  const columns = [`${normal}, held out`, ...names, `${anomalous}, a test image`];
  return html`<section class="gallery made">
<h4>Anomalies made of normal images</h4><div class="scroll" tabindex="0" role="group" aria-label="Made anomalies"><table>
<thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${pictures.map((row, i) => html`<tr>${row.map((picture, column) => html`<td>${picture !== undefined && html`<img src="${picture}" decoding="async" alt="${columns[column]}, row ${i + 1}">`}</td>`)}</tr>`)}</tbody>
</table></div></section>`;
}
