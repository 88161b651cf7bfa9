/** What the options of a matrix did to a metric, as means over classes and seeds: a line or bars, a heat map, parallel coordinates. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {namesOf, textsOf} from '../../core/base/tell-apart.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {type MetricValue, testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import {number} from '../tables/formats.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, draw} from './chart.ts';
import {figure} from './figure.ts';

export interface Sweep {
  readonly spec: string;
  readonly metric: string;
  readonly scale: 'rate' | 'number';
  /** Those with several values; at least one. */
  readonly paths: readonly SweepPath[];
  readonly cells: readonly SweepCell[];
}

export interface SweepPath {
  readonly name: string;
  /** In the order of the spec. */
  readonly values: readonly (string | number)[];
  readonly numeric: boolean;
}

export interface SweepCell {
  /** A value for each path. */
  readonly at: readonly (string | number)[];
  readonly classifier: string;
  readonly mean: number;
  /** Numbers that it is the mean of: classes times seeds. */
  readonly n: number;
}

/** One a spec that has a matrix, of its first metric. */
export function sweepsOf(record: RunRecord): readonly Sweep[] {
  const values = groupBy(
    testMetricsOf(record).filter(({ensemble}) => ensemble === null),
    ({task}) => task,
  );
  return [...groupBy(record.tasks, ({spec}) => spec)].flatMap(([spec, tasks]): readonly Sweep[] => {
    const varying = varyingPaths(tasks);
    const metric = tasks[0]?.metrics[0]?.type;
    if (varying.length === 0 || metric === undefined) return [];
    const names = namesOf(varying);
    const paths = varying.map((path) => ({path, name: names.get(path)!, ...pathOf(path, tasks)}));
    const found = tasks.flatMap((task) =>
      (values.get(task.id) ?? []).flatMap((value) =>
        value.metric === metric && value.value !== null && Number.isFinite(value.value)
          ? [{...value, value: value.value, at: paths.map(({path, label}) => label(task.point[path]))}]
          : [],
      ),
    );
    if (found.length === 0) return [];
    const cells = [...groupBy(found, ({at, classifier}) => JSON.stringify([at, classifier])).values()].map(meanOf);
    const scale = found[0]!.scale ?? 'rate';
    return [{spec, metric, scale, cells, paths: paths.map(({name, values, numeric}) => ({name, values, numeric}))}];
  });
}

function meanOf(cell: readonly (MetricValue & {value: number; at: SweepCell['at']})[]): SweepCell {
  const {at, classifier} = cell[0]!;
  return {at, classifier, mean: cell.reduce((sum, {value}) => sum + value, 0) / cell.length, n: cell.length};
}

/** Paths of the matrix that have several values in these tasks. */
function varyingPaths(tasks: readonly Task[]): readonly string[] {
  const paths = new Set(tasks.flatMap(({point}) => Object.keys(point)));
  return [...paths].filter((path) => new Set(tasks.map(({point}) => keyOf(point[path]))).size > 1);
}

function pathOf(path: string, tasks: readonly Task[]) {
  const values = [...new Map(tasks.map(({point}) => [keyOf(point[path]), point[path]])).values()];
  const texts = textsOf(values as readonly (Json | undefined)[]);
  const numeric = values.every((value) => typeof value === 'number');
  const label = (value: unknown): string | number =>
    numeric ? (value as number) : (texts.get(keyOf(value)) ?? 'default');
  return {values: values.map(label), numeric, label};
}

const keyOf = (value: unknown): string => (value === undefined ? 'default' : canonicalJson(value as Json));

/** Undefined where the run has no matrix. */
export async function sweepsSection(sweeps: readonly Sweep[]): Promise<Markup | undefined> {
  if (sweeps.length === 0) return undefined;
  const figures: Markup[] = [];
  for (const sweep of sweeps) {
    const chart = await draw(chartOf(sweep), aboutOf(sweep));
    const names = sweep.paths.map(({name}) => name).join(' × ');
    figures.push(
      figure(chart, {
        title: `${sweep.spec}: ${names}`,
        note: `${sweep.metric}${sweep.scale === 'rate' ? ' × 100' : ''}, mean over classes and seeds`,
        numbers: numbersOf(sweep),
        wide: sweep.paths.length > 2,
      }),
    );
  }
  return html`<div class="figures roomy">${figures}</div>`;
}

const text = ({scale}: Sweep, value: number): string => number(value, null, scale === 'rate');

const atText = ({paths}: Sweep, {at}: SweepCell): string => paths.map(({name}, i) => `${name} ${at[i]}`).join(', ');

function aboutOf(sweep: Sweep): string {
  const best = sweep.cells.reduce((most, cell) => (cell.mean > most.mean ? cell : most));
  return `${sweep.metric} over ${sweep.paths.map(({name}) => name).join(' and ')}. The largest mean is ${text(sweep, best.mean)} with ${best.classifier} at ${atText(sweep, best)}.`;
}

function chartOf(sweep: Sweep): ChartSpec {
  const factor = sweep.scale === 'rate' ? 100 : 1;
  const values = sweep.cells.map((cell) => ({
    ...Object.fromEntries(cell.at.map((value, i) => [`p${i}`, value])),
    classifier: cell.classifier,
    mean: factor * cell.mean,
    text: `${atText(sweep, cell)}, ${cell.classifier}: ${text(sweep, cell.mean)} (${cell.n})`,
  }));
  return {
    data: {values},
    ...(sweep.paths.length === 1 ? one(sweep) : sweep.paths.length === 2 ? two(sweep) : many(sweep)),
  } as ChartSpec;
}

const ordinal = ({paths}: Sweep, i: number) => ({
  field: `p${i}`,
  type: 'ordinal' as const,
  title: paths[i]!.name,
  sort: [...paths[i]!.values],
  axis: {labelAngle: 0, labelLimit: 180},
});

/** Values of the matrix as they are written: 0.005 and not 0.01. */
const exact = "'' + datum.value";

function one(sweep: Sweep) {
  const {name, numeric, values} = sweep.paths[0]!;
  const axis = {tickCount: 5};
  const y = {field: 'mean', type: 'quantitative', title: sweep.metric, scale: {zero: false}, axis};
  const shared = {color: {field: 'classifier', type: 'nominal', legend: {columns: 2}}, description: {field: 'text'}};
  if (numeric)
    return {
      width: 320,
      height: 200,
      mark: {type: 'line', point: {size: 40}, strokeWidth: 1.6, aria: true},
      encoding: {
        x: {
          field: 'p0',
          type: 'quantitative',
          title: name,
          scale: scaleOf(values as number[]),
          axis: {values, labelExpr: exact},
        },
        y,
        ...shared,
      },
    };
  // Dots and not bars: these have no meaningful zero to begin at.
  return {
    width: 320,
    height: {step: 34},
    mark: {type: 'point', filled: true, size: 90, aria: true},
    encoding: {y: ordinal(sweep, 0), x: {...y, axis: {...axis, grid: true}}, ...shared},
  };
}

/** Values such as 1, 4, 16, 64 are meant as factors. */
function scaleOf(values: readonly number[]) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low > 0 && high / low >= 16 ? {type: 'log', nice: false} : {zero: false};
}

/** A grid a classifier, with its numbers. */
function two(sweep: Sweep) {
  const middle = (Math.max(...sweep.cells.map(({mean}) => mean)) + Math.min(...sweep.cells.map(({mean}) => mean))) / 2;
  const factor = sweep.scale === 'rate' ? 100 : 1;
  return {
    facet: {field: 'classifier', type: 'nominal', title: null},
    columns: 2,
    spec: {
      width: {step: 56},
      height: {step: 30},
      encoding: {x: ordinal(sweep, 0), y: ordinal(sweep, 1)},
      layer: [
        {
          mark: {type: 'rect', aria: true},
          encoding: {
            color: {field: 'mean', type: 'quantitative', scale: {scheme: 'blues', zero: false}, legend: null},
            description: {field: 'text'},
          },
        },
        {
          mark: {type: 'text'},
          encoding: {
            text: {field: 'mean', type: 'quantitative', format: sweep.scale === 'rate' ? '.1f' : '.3~g'},
            color: {condition: {test: `datum.mean > ${factor * middle}`, value: '#ffffff'}, value: '#1a1f25'},
          },
        },
      ],
    },
  };
}

/** A line a point of the matrix, through its values, the classifier where there are several, and what came of them. */
function many(sweep: Sweep) {
  const classifiers = [...new Set(sweep.cells.map(({classifier}) => classifier))];
  const paths = [...sweep.paths, ...(classifiers.length > 1 ? [{name: 'classifier', values: classifiers}] : [])];
  const axes = paths.map(({name}) => name);
  const last = sweep.metric;
  const factor = sweep.scale === 'rate' ? 100 : 1;
  const means = sweep.cells.map(({mean}) => factor * mean);
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const place = (i: number, value: string | number) => {
    const values: readonly (string | number)[] = paths[i]!.values;
    return values.length > 1 ? values.indexOf(value) / (values.length - 1) : 0.5;
  };
  const lines = sweep.cells.flatMap((cell, line) => {
    const mean = factor * cell.mean;
    const about = `${atText(sweep, cell)}, ${cell.classifier}: ${text(sweep, cell.mean)}`;
    return [
      ...[...cell.at, cell.classifier]
        .slice(0, axes.length)
        .map((value, i) => ({line, axis: axes[i]!, at: place(i, value), mean, about})),
      {line, axis: last, at: high > low ? (mean - low) / (high - low) : 0.5, mean, about},
    ];
  });
  const ticks = [
    ...paths.flatMap(({name, values}, i) =>
      values.map((value) => ({axis: name, at: place(i, value), tick: String(value)})),
    ),
    ...[low, high].map((value, at) => ({axis: last, at: high > low ? at : 0.5, tick: text(sweep, value / factor)})),
  ];
  const x = {
    field: 'axis',
    type: 'nominal',
    sort: [...axes, last],
    title: null,
    axis: {orient: 'top', labelAngle: 0, domain: false, labelColor: 'var(--ink)'},
  };
  const y = {field: 'at', type: 'quantitative', axis: null, scale: {domain: [-0.04, 1.06], nice: false}};
  return {
    width: 680,
    height: 240,
    layer: [
      {
        mark: {type: 'rule', color: 'var(--line)'},
        data: {values: [...axes, last].map((axis) => ({axis}))},
        encoding: {x},
      },
      {
        data: {values: lines},
        mark: {type: 'line', strokeWidth: 1.6, aria: true},
        encoding: {
          x,
          y,
          detail: {field: 'line'},
          color: {field: 'mean', type: 'quantitative', scale: {scheme: 'viridis'}, legend: null},
          description: {field: 'about'},
        },
      },
      // Twice: first as a rim in the ground's colour, for lines run behind it.
      ...[{stroke: 'var(--sheet)', strokeWidth: 4}, {}].map((rim) => ({
        data: {values: ticks},
        mark: {type: 'text', dx: 7, align: 'left', fontSize: 10.5, ...rim},
        encoding: {x, y, text: {field: 'tick'}},
      })),
    ],
  };
}

const numbersOf = (sweep: Sweep): Markup =>
  tableHtml(
    {
      columns: [
        ...sweep.paths.map(({name}) => ({name, align: 'left' as const})),
        {name: 'classifier', align: 'left'},
        {name: sweep.metric, align: 'right'},
        {name: 'numbers', align: 'right'},
      ],
      rows: sweep.cells.map((cell) => [
        ...cell.at.map(String),
        cell.classifier,
        text(sweep, cell.mean),
        String(cell.n),
      ]),
      lead: sweep.paths.length,
    },
    {caption: `Mean ${sweep.metric} at each point of the matrix`, sortable: true},
  );
