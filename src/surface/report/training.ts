/** Loss, accuracy and learning rate of a run's trainings: a line for each, a band for each method that has several. */
import {groupBy} from '../../core/base/group.ts';
import {plural} from '../../core/base/text.ts';
import {html, type Markup} from '../html.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure, notice, strokeOf} from './figure.ts';
import type {TrainingData} from './page-data.ts';
import {notPrinted} from './paper.ts';
import {type TrainingField, trainingFields, trainingText} from './training-text.ts';
import {type Facet, facets, type Training, type Trainings, valuesOf} from './trainings.ts';

/** Columns of epochs in a table of values, besides the last. */
const mostColumns = 6;

/** On paper a chart and its table are on one page, side by side with another: about so many letters are a line of a name, so many lines the rest of the page. */
const paper = {letters: 24, lines: 60};

const isLong = (lines: readonly Line[]): boolean =>
  lines.reduce((sum, {name}) => sum + Math.ceil(name.length / paper.letters), 0) > paper.lines;

const titles: {readonly [field in TrainingField]: string} = {
  loss: 'Loss, mean over the epoch',
  accuracy: 'Accuracy of the proxy task × 100',
  learningRate: 'Learning rate, of the epoch’s first step',
};

/** A drawn line: of several trainings where these have the same values, as learning rates do. */
interface Line {
  readonly name: string;
  /** Indices of its trainings. */
  readonly of: readonly number[];
  readonly points: readonly {readonly epoch: number; readonly value: number}[];
}

interface Panel {
  readonly field: TrainingField;
  readonly lines: readonly Line[];
  /** From the lowest to the highest of a method's trainings, where it has several. */
  readonly bands: readonly {readonly method: string; readonly points: readonly BandPoint[]}[];
}

interface BandPoint {
  readonly epoch: number;
  readonly low: number;
  readonly high: number;
}

const panelsOf = ({curves}: Trainings): readonly Panel[] =>
  trainingFields.flatMap((field) => {
    const own = curves.flatMap(({name, of, curve}, at) => {
      const points = curve.flatMap((point) => {
        const value = point[field];
        return value === undefined || Number.isNaN(value) ? [] : [{epoch: point.epoch + 1, value}];
      });
      return points.length === 0 ? [] : [{name, method: of.method, of: [at], points}];
    });
    if (own.length === 0) return [];
    const bands = [...groupBy(own, ({method}) => method)].flatMap(([method, lines]) => {
      const points = bandOf(lines);
      return field === 'learningRate' || points.length < 2 ? [] : [{method, points}];
    });
    return [{field, bands, lines: field === 'learningRate' ? shared(own) : own}];
  });

/** At the epochs that several have. */
const bandOf = (lines: readonly Line[]): readonly BandPoint[] =>
  [
    ...groupBy(
      lines.flatMap(({points}) => points),
      ({epoch}) => epoch,
    ),
  ]
    .filter(([, points]) => points.length > 1)
    .map(([epoch, points]) => {
      const values = points.map(({value}) => value);
      return {epoch, low: Math.min(...values), high: Math.max(...values)};
    })
    .toSorted((a, b) => a.epoch - b.epoch);

/** One line for those with the same values. */
const shared = (lines: readonly Line[]): readonly Line[] =>
  [...groupBy(lines, ({points}) => JSON.stringify(points)).values()].map((same) => ({
    ...same[0]!,
    name: same.length === 1 ? same[0]!.name : `${same[0]!.name} and ${same.length - 1} more`,
    of: same.flatMap(({of}) => of),
  }));

/** How lines look: by the first facet that varies their colours, by the next one their dashes. */
interface Look {
  readonly colour: Facet;
  readonly dash?: Facet;
  readonly of: (training: Pick<Training, 'of'>) => {readonly stroke: string; readonly dash: readonly number[]};
}

const dashes: readonly (readonly number[])[] = [[], [7, 3], [2, 2], [9, 3, 2, 3]];

function lookOf({curves}: Trainings): Look {
  const values = new Map(facets.map((facet) => [facet, valuesOf(curves, facet)]));
  const varying = (['method', 'class', 'dataset', 'seed'] as const).filter((facet) => values.get(facet)!.length > 1);
  const [colour = 'method', ...others] = varying;
  const {series} = colours;
  // More values than colours come again, with another dash.
  const isMany = values.get(colour)!.length > series.length;
  const dash = isMany ? undefined : others.find((facet) => values.get(facet)!.length <= dashes.length);
  return {
    colour,
    ...(dash && {dash}),
    of: ({of}) => {
      const at = values.get(colour)!.indexOf(of[colour]);
      const other = dash ? values.get(dash)!.indexOf(of[dash]) : Math.floor(at / series.length);
      return {stroke: series[at % series.length]!, dash: dashes[other % dashes.length]!};
    },
  };
}

/** Undefined where nothing trained. */
export async function trainingSection(trainings: Trainings): Promise<Markup | undefined> {
  const {curves, trained, missing} = trainings;
  if (trained === 0) return undefined;
  const look = lookOf(trainings);
  const figures: Markup[] = [];
  for (const panel of panelsOf(trainings)) figures.push(await panelFigure(panel, trainings, look));
  return html`${curves.length < trained && html`<p class="muted">${curves.length} of ${trained} trainings.</p>`}
<div class="training" data-training>${legend(trainings, look)}<div class="figures">${figures}</div></div>${notice(missing)}`;
}

/** What colours and dashes are, and what else trainings differ in. */
function legend({curves}: Trainings, look: Look): Markup {
  const shown = facets.filter((facet) => valuesOf(curves, facet).length > 1);
  const stroke = (facet: Facet, value: string): Markup | undefined => {
    if (facet !== look.colour && facet !== look.dash) return undefined;
    const one = curves.find(({of}) => of[facet] === value)!;
    const {stroke, dash} = look.of(one);
    const colour = facet === look.colour ? stroke : 'var(--ink)';
    const drawn = facet === look.colour && look.dash ? [] : dash;
    return html`${strokeOf(colour, drawn)} `;
  };
  return html`${shown.map((facet) => html`<p class="facet small" data-facet="${facet}"><span class="name">${facet}</span> ${valuesOf(curves, facet).map((value) => html`<span data-value="${value}">${stroke(facet, value)}${value}</span> `)}</p>\n`)}`;
}

async function panelFigure(panel: Panel, trainings: Trainings, look: Look): Promise<Markup> {
  const {field, lines, bands} = panel;
  const last = lines.map(({name, points}) => `${name}: ${trainingText(field, points.at(-1)!.value)}`);
  const about = `${titles[field]}, of ${plural(lines.length, 'training')}. At the end ${last.slice(0, 6).join('; ')}`;
  const drawn = async (isLog: boolean) =>
    html`<div data-scale="${isLog ? 'log' : 'linear'}"${isLog && html` hidden`}>${await draw(chartOf(panel, trainings, look, isLog), `${about}${isLog ? '; logarithmic axis' : ''}`, {frame: true})}</div>`;
  const hasLog = field === 'loss' && lines.every(({points}) => points.every(({value}) => value > 0));
  const notes = [
    ...(bands.length > 0 ? ['Bands: from the lowest to the highest of a method’s trainings'] : []),
    ...(trainings.isThinned ? [`Not every one of ${trainings.epochs} epochs is drawn`] : []),
    ...(lines.length < trainings.curves.length ? ['Trainings with equal values are one line'] : []),
  ].join('. ');
  return figure(html`${await drawn(false)}${hasLog && (await drawn(true))}`, {
    title: titles[field],
    ...(notes && {note: notes}),
    numbers: numbersOf(panel),
    ...(isLong(lines) && {unprinted: notPrinted(`the numbers of ${lines.length} lines`)}),
    chart: `training-${field}`,
  });
}

function chartOf({field, lines, bands}: Panel, {curves}: Trainings, look: Look, isLog: boolean): ChartSpec {
  const factor = field === 'accuracy' ? 100 : 1;
  const isPoint = lines.every(({points}) => points.length === 1);
  const x = {
    field: 'epoch',
    type: 'quantitative',
    axis: {tickMinStep: 1, grid: false, tickCount: 6},
    scale: {nice: false, zero: false},
  };
  const y = {
    type: 'quantitative',
    title: null,
    scale: isLog ? {type: 'log', nice: false} : {zero: false, nice: true},
    axis: {tickCount: 5, labelOverlap: true, ...(isLog && {format: '~g'})},
  };
  const band = bands.flatMap(({method, points}) => {
    const colour =
      look.colour === 'method' ? look.of(curves.find(({of}) => of.method === method)!).stroke : colours.muted;
    return points.map(({epoch, low, high}) => ({epoch, low: factor * low, high: factor * high, method, colour}));
  });
  const values = lines.flatMap(({name, of, points}) => {
    const {stroke, dash} = look.of(curves[of[0]!]!);
    return points.map(({epoch, value}) => ({epoch, value: factor * value, name, stroke, dash}));
  });
  const named = (name: string) => ({detail: {field: name}, description: {field: name}});
  return {
    width: 320,
    height: 200,
    layer: [
      {
        data: {values: band},
        mark: {type: 'area', opacity: 0.16, aria: true},
        encoding: {
          x,
          y: {...y, field: 'low'},
          y2: {field: 'high'},
          fill: {field: 'colour', scale: null},
          ...named('method'),
        },
      },
      {
        data: {values},
        mark: isPoint
          ? {type: 'point', filled: true, size: 40, aria: true}
          : {type: 'line', strokeWidth: lines.length > 12 ? 1 : 1.7, strokeJoin: 'round', aria: true},
        encoding: {
          x,
          y: {...y, field: 'value'},
          [isPoint ? 'fill' : 'stroke']: {field: 'stroke', scale: null},
          ...(!isPoint && {strokeDash: {field: 'dash', type: 'nominal', scale: null}}),
          ...named('name'),
        },
      },
    ],
  } as ChartSpec;
}

/** A row a line; of many epochs some, evenly, and the last. */
function numbersOf({field, lines}: Panel): Markup {
  const longest = lines.reduce((a, b) => (b.points.length > a.points.length ? b : a)).points.slice(0, -1);
  const step = Math.max(1, Math.ceil(longest.length / mostColumns));
  const columns = longest.filter((_, i) => i % step === 0).map(({epoch}) => epoch);
  const name = field === 'learningRate' ? 'learning rate' : field;
  const told = step === 1 ? '' : ` at ${plural(columns.length, 'epoch')} and`;
  return tableHtml(
    {
      columns: [
        {name: 'training', align: 'left'},
        ...columns.map((epoch) => ({name: `epoch ${epoch}`, align: 'right' as const})),
        {name: 'at the end', align: 'right'},
        {name: 'epochs', align: 'right'},
      ],
      rows: lines.map(({name: line, points}) => [
        line,
        ...columns.map((epoch) => {
          const found = points.find((point) => point.epoch === epoch);
          return found ? trainingText(field, found.value) : '–';
        }),
        trainingText(field, points.at(-1)!.value),
        String(points.at(-1)!.epoch),
      ]),
      lead: 1,
    },
    {
      caption: `${name[0]!.toUpperCase()}${name.slice(1)}${field === 'accuracy' ? ' × 100' : ''}${told} at the end of each training`,
      sortable: true,
    },
  );
}

/** What the page's script draws a mark from. */
export function trainingData(trainings: Trainings): TrainingData | null {
  const {curves} = trainings;
  if (curves.length === 0) return null;
  const digits = (value: number): number => Number(value.toPrecision(5));
  const epochs: string[] = [];
  return {
    names: curves.map(({name}) => name),
    of: curves.map(({of}) => of),
    panels: panelsOf(trainings).map(({field, bands, lines}) => ({
      field,
      bands: bands.map(({method}) => method),
      lines: lines.map(({of, points}) => {
        const own = points.map(({epoch}) => epoch).join(' ');
        if (!epochs.includes(own)) epochs.push(own);
        return {of, epochs: epochs.indexOf(own), values: points.map(({value}) => digits(value))};
      }),
    })),
    epochs: epochs.map((own) => own.split(' ').map(Number)),
  };
}
