/**
 * Lines along one option of a matrix, one panel a metric and classifier, coloured by the other option: the figures of the papers, such as
 * batch size × distribution augmentation with AUC and uniformity (Sohn et al. 2021).
 */
import {groupBy} from '../../core/base/group.ts';
import {namesOf} from '../../core/base/tell-apart.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {type MetricValue, testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import {number} from '../tables/formats.ts';
import {valueKey, valueTexts} from '../tables/matrix-values.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, draw} from './chart.ts';
import {figure} from './figure.ts';

export interface Curves {
  readonly spec: string;
  readonly axis: string;
  /** Marked on the axis, in ascending order. */
  readonly ticks: readonly number[];
  /** What the colours are; absent: the matrix has one option only. */
  readonly colour?: {readonly name: string; readonly values: readonly string[]};
  readonly panels: readonly Panel[];
}

/** A metric of one classifier, or of features. */
export interface Panel {
  readonly metric: string;
  readonly classifier: string;
  readonly scale: 'rate' | 'number';
  readonly points: readonly CurvePoint[];
}

export interface CurvePoint {
  readonly x: number;
  /** A value of `Curves.colour`; without one '' for all. */
  readonly colour: string;
  /** Over the seeds, of means over the classes. */
  readonly mean: number;
  /** Over the same; null: of one seed. */
  readonly sd: number | null;
  readonly seeds: number;
}

/** Paths that vary together, and each task's value. */
interface Option {
  readonly name: string;
  /** Paths of the matrix that vary with it, itself included. */
  readonly paths: readonly string[];
  /** Absent: its values have no places on an axis. */
  readonly place?: (task: Task) => number;
  readonly text: (task: Task) => string;
}

/**
 * One a spec whose matrix has one or two options, of which one is a number, or lists of different lengths (layers of a head, copies). One
 * number alone that one metric is measured along is left to the sweeps.
 */
export function curvesOf(record: RunRecord): readonly Curves[] {
  const values = groupBy(
    testMetricsOf(record).filter(({ensemble, value}) => ensemble === null && value !== null && Number.isFinite(value)),
    ({task}) => task,
  );
  return [...groupBy(record.tasks, ({spec}) => spec)].flatMap(([spec, tasks]): readonly Curves[] => {
    const options = optionsOf(tasks);
    const along = options.find(({place}) => place);
    if (!along || options.length > 2) return [];
    const other = options.find((option) => option !== along);
    const measured = tasks.flatMap((task) => (values.get(task.id) ?? []).map((value) => ({task, value})));
    const panels = [...groupBy(measured, ({value}) => `${value.metric}\n${value.classifier}`).values()].map((own) =>
      panelOf(own, along.place!, other?.text),
    );
    const isOneNumber = !other && along.paths.length === 1 && typeof tasks[0]!.point[along.paths[0]!] === 'number';
    if (panels.length === 0 || (isOneNumber && panels.every(({metric}) => metric === panels[0]!.metric))) return [];
    const ticks = [...new Set(tasks.map(along.place!))].sort((a, b) => a - b);
    const colour = other && {name: other.name, values: [...new Set(tasks.map(other.text))]};
    return [{spec, axis: along.name, ticks, ...(colour && {colour}), panels}];
  });
}

function panelOf(
  measured: readonly {readonly task: Task; readonly value: MetricValue}[],
  place: (task: Task) => number,
  text: (task: Task) => string = () => '',
): Panel {
  const {metric, classifier, scale} = measured[0]!.value;
  const points = [...groupBy(measured, ({task}) => JSON.stringify([place(task), text(task)])).values()].map((own) => {
    const ofSeeds = [...groupBy(own, ({task}) => task.seed).values()].map((same) =>
      mean(same.map(({value}) => value.value!)),
    );
    const middle = mean(ofSeeds);
    const squares = ofSeeds.reduce((sum, value) => sum + (value - middle) ** 2, 0);
    return {
      x: place(own[0]!.task),
      colour: text(own[0]!.task),
      mean: middle,
      sd: ofSeeds.length > 1 ? Math.sqrt(squares / (ofSeeds.length - 1)) : null,
      seeds: ofSeeds.length,
    };
  });
  return {metric, classifier, scale: scale ?? 'rate', points};
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A path whose value follows from that of another one is no option of its own. */
function optionsOf(tasks: readonly Task[]): readonly Option[] {
  const paths = [...new Set(tasks.flatMap(({point}) => Object.keys(point)))];
  const count = (...some: readonly string[]) =>
    new Set(tasks.map(({point}) => some.map((path) => valueKey(point[path])).join('\n'))).size;
  const varying = paths.filter((path) => count(path) > 1);
  const names = namesOf(varying);
  const follows = (path: string, other: string) => count(path, other) === count(other);
  const leading = varying.filter((path, at) =>
    varying.every((other, before) => other === path || !follows(path, other) || (follows(other, path) && at < before)),
  );
  return leading.map((path) => ({
    ...optionOf(path, names.get(path)!, tasks),
    paths: varying.filter((other) => follows(other, path)),
  }));
}

function optionOf(path: string, name: string, tasks: readonly Task[]): Omit<Option, 'paths'> {
  const values = [...new Map(tasks.map(({point}) => [valueKey(point[path]), point[path]])).values()];
  const text = valueTexts(
    path,
    tasks.map(({point, compare}) => ({point, paperRow: compare.row})),
  );
  if (values.every((value) => typeof value === 'number'))
    return {name, text, place: ({point}) => point[path] as number};
  const lengths = values.map((value) => (Array.isArray(value) ? value.length : -1));
  if (values.length > 2 && !lengths.includes(-1) && new Set(lengths).size === values.length)
    return {name: `${name}: how many`, text, place: ({point}) => (point[path] as readonly unknown[]).length};
  return {name, text};
}

/** Undefined where the run has none. */
export async function curvesSection(all: readonly Curves[]): Promise<Markup | undefined> {
  if (all.length === 0) return undefined;
  const figures: Markup[] = [];
  for (const curves of all)
    for (const panel of curves.panels) {
      const rate = panel.scale === 'rate' ? ' × 100' : '';
      figures.push(
        figure(await draw(chartOf(curves, panel), aboutOf(curves, panel)), {
          title: `${curves.spec}: ${panel.metric}${rate}, ${panel.classifier}`,
          note: `Mean over the classes${panel.points.some(({sd}) => sd !== null) ? ', ± one standard deviation between seeds' : ''}${curves.colour ? `; colours: ${curves.colour.name}` : ''}`,
          numbers: numbersOf(curves, panel),
        }),
      );
    }
  return html`<div class="figures">${figures}</div>`;
}

const text = ({scale}: Panel, {mean: value, sd}: CurvePoint): string => number(value, sd, scale === 'rate');

function aboutOf({axis, colour}: Curves, panel: Panel): string {
  const points = panel.points.map((point) => {
    const of = colour ? `, ${colour.name} ${point.colour}` : '';
    return `${text(panel, point)} at ${point.x}${of}`;
  });
  return `${panel.metric} of ${panel.classifier} along ${axis}: ${points.join('; ')}.`;
}

function chartOf({axis, ticks, colour}: Curves, panel: Panel): ChartSpec {
  const factor = panel.scale === 'rate' ? 100 : 1;
  const values = panel.points.map((point) => ({
    x: point.x,
    colour: point.colour,
    mean: factor * point.mean,
    low: factor * (point.mean - (point.sd ?? 0)),
    high: factor * (point.mean + (point.sd ?? 0)),
    text: `${axis} ${point.x}${colour ? `, ${colour.name} ${point.colour}` : ''}: ${text(panel, point)}`,
  }));
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  // Values such as 1, 4, 16, 64 are meant as factors.
  const scale = low > 0 && high / low >= 16 ? {type: 'log', nice: false} : {zero: false};
  const x = {
    field: 'x',
    type: 'quantitative',
    title: axis,
    scale,
    axis: {values: ticks, labelExpr: "'' + datum.value", grid: false, labelOverlap: true},
  };
  const y = {type: 'quantitative', title: null, scale: {zero: false}, axis: {tickCount: 5}};
  const color = {
    field: 'colour',
    type: 'nominal',
    sort: colour?.values,
    legend: colour ? {columns: 1, labelLimit: 260} : null,
  };
  return {
    width: 260,
    height: 190,
    data: {values},
    encoding: {x, color},
    layer: [
      {mark: {type: 'rule', strokeWidth: 1.2, opacity: 0.6}, encoding: {y: {...y, field: 'low'}, y2: {field: 'high'}}},
      {
        mark: {type: 'line', point: {size: 40}, strokeWidth: 1.6, aria: true},
        encoding: {y: {...y, field: 'mean'}, description: {field: 'text'}},
      },
    ],
  } as ChartSpec;
}

const numbersOf = ({axis, colour}: Curves, panel: Panel): Markup =>
  tableHtml(
    {
      columns: [
        {name: axis, align: 'right'},
        ...(colour ? [{name: colour.name, align: 'left' as const}] : []),
        {name: panel.metric, align: 'right'},
        {name: 'seeds', align: 'right'},
      ],
      rows: panel.points.map((point) => [
        String(point.x),
        ...(colour ? [point.colour] : []),
        text(panel, point),
        String(point.seeds),
      ]),
      lead: 1,
    },
    {caption: `${panel.metric} of ${panel.classifier} along ${axis}`, sortable: true},
  );
