/** Loss and accuracy of a run's trainings, epoch by epoch. */

import {plural} from '../../core/base/text.ts';
import type {CurvePoint} from '../../core/contracts/learner.ts';
import {readCurve} from '../../core/formats/arrow/small.ts';
import {recipeOf} from '../../pipeline/stages/define.ts';
import {learn} from '../../pipeline/stages/learn.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import type {Methods} from '../tables/names.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {Artifacts} from './artifacts.ts';
import {type ChartSpec, draw} from './chart.ts';
import {figure, notice} from './figure.ts';

/** Trainings whose curves are drawn, and points of all of them together. */
const mostCurves = 150;
const mostPoints = 6000;

export interface Training {
  readonly method: string;
  readonly label: string;
  readonly curve: readonly CurvePoint[];
}

export interface Trainings {
  readonly curves: readonly Training[];
  /** Stages that trained; more than there are curves where there are too many, or their entries are gone. */
  readonly trained: number;
  /** Why some could not be read. */
  readonly missing: readonly string[];
}

export async function trainingsOf(record: RunRecord, methods: Methods, artifacts: Artifacts): Promise<Trainings> {
  const trained = learnt(record).filter(({fingerprint}) => fingerprint !== undefined);
  const shown = trained.slice(0, mostCurves);
  const curves: Training[] = [];
  const missing = new Set<string>();
  for (const stage of shown) {
    const file = await artifacts.file(stage, 'curve.arrow');
    if (!file.ok) {
      for (const {message} of file.failures) missing.add(message);
      continue;
    }
    const curve = thinned(await readCurve(file.value), Math.floor(mostPoints / shown.length));
    if (curve.length > 0) curves.push({method: methods.get(stage.node.tasks[0]!) ?? '', label: stage.label, curve});
  }
  return {curves, trained: trained.length, missing: [...missing]};
}

/** Stages that train, other than those that leave a network as it began. */
const learnt = (record: RunRecord) => record.stages.filter(({node}) => recipeOf(learn, node)?.normal !== undefined);

/** Ids of tasks whose network is trained. */
export const trainedTasks = (record: RunRecord): ReadonlySet<string> =>
  new Set(learnt(record).flatMap(({node}) => node.tasks));

/** Every so many epochs, and the last. */
function thinned(curve: readonly CurvePoint[], most: number): readonly CurvePoint[] {
  const step = Math.ceil(curve.length / Math.max(2, most));
  return curve.filter((_, i) => i % step === 0 || i === curve.length - 1);
}

/** Undefined where nothing trained. */
export async function trainingSection({curves, trained, missing}: Trainings): Promise<Markup | undefined> {
  if (trained === 0) return undefined;
  const figures: Markup[] = [];
  for (const [field, title] of [
    ['loss', 'Loss, mean over the epoch'],
    ['accuracy', 'Accuracy of the proxy task'],
  ] as const) {
    const own = curves.filter(({curve}) => curve.some((point) => point[field] !== undefined));
    if (own.length === 0) continue;
    const last = own.map(({label, curve}) => `${label}: ${curve.at(-1)![field]?.toPrecision(3)}`);
    const about = `${title} of ${plural(own.length, 'training')}. At the end ${last.slice(0, 6).join('; ')}`;
    figures.push(figure(await draw(linesOf(own, field), about), {title}));
  }
  return html`${curves.length < trained && html`<p class="muted">${curves.length} of ${trained} trainings.</p>`}
<div class="figures">${figures}</div>${curves.length > 0 && html`<details class="numbers"><summary>Values at the end</summary>${endsOf(curves)}</details>`}${notice(missing)}`;
}

function linesOf(curves: readonly Training[], field: 'loss' | 'accuracy'): ChartSpec {
  const values = curves.flatMap(({method, label, curve}) =>
    curve.flatMap((point) => {
      const value = point[field];
      return value === undefined ? [] : [{method, label, epoch: point.epoch + 1, value}];
    }),
  );
  return {
    width: 320,
    height: 200,
    data: {values},
    mark: {
      type: 'line',
      strokeWidth: curves.length > 12 ? 0.8 : 1.6,
      point: values.length === curves.length,
      aria: true,
    },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        axis: {tickMinStep: 1, grid: false, tickCount: 6},
        scale: {nice: false},
      },
      y: {
        field: 'value',
        type: 'quantitative',
        title: null,
        scale: {zero: false, ...(field === 'accuracy' && {domainMax: 1})},
        axis: {tickCount: 5},
      },
      color: {field: 'method', type: 'nominal', legend: {columns: 1, symbolType: 'stroke'}},
      detail: {field: 'label'},
      description: {field: 'label'},
    },
  };
}

const endsOf = (curves: readonly Training[]): Markup =>
  tableHtml(
    {
      columns: [
        {name: 'training', align: 'left'},
        {name: 'epochs', align: 'right'},
        {name: 'loss', align: 'right'},
        {name: 'accuracy', align: 'right'},
      ],
      rows: curves.map(({label, curve}) => {
        const {epoch, loss, accuracy} = curve.at(-1)!;
        return [
          label,
          String(epoch + 1),
          loss.toPrecision(4),
          accuracy === undefined ? '–' : (100 * accuracy).toFixed(1),
        ];
      }),
      lead: 1,
    },
    {caption: 'Values of the last epoch; accuracy × 100', sortable: true},
  );
