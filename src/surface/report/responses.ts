/** The expected value along each parameter of a search, with its uncertainty, over the configurations that it is learnt from. */
import type {Json} from '../../core/base/canonical.ts';
import {isChoice, toUnit} from '../../pipeline/search/domain.ts';
import {type Insight, type ParameterInsight, type WholeRow, wholeRows} from '../../pipeline/search/insight.ts';
import type {SearchResults} from '../../pipeline/search/results.ts';
import type {Parameter} from '../../pipeline/search/space.ts';
import {valueText} from '../../pipeline/search/words.ts';
import {html, type Markup} from '../html.ts';
import {shareText, shortNumber} from '../tables/insight.ts';
import {parameterNames, rowNames} from '../tables/search.ts';
import {tableHtml} from '../tables/table-html.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {namedPlaces} from './effects.ts';
import {figure} from './figure.ts';
import {heatMapFigure} from './heat-map.ts';
import {swarm} from './swarm.ts';

/** Rows of a table of values. */
const mostRows = 12;

/** Configurations drawn as dots in each figure: more would hide each other. */
const mostDots = 300;

/** One figure a parameter, the most important first, all with the same scale of values. */
export async function responseFigures(results: SearchResults, insight: Insight): Promise<Markup> {
  const {objective, space} = results.search;
  const names = parameterNames(results);
  const rows = thinned(wholeRows(results));
  const figures: Markup[] = [];
  for (const one of insight.parameters) {
    const parameter = space.parameters.find(({name}) => name === one.name)!;
    const name = names(one.name);
    const title = `${objective.metric} ${objective.on}`;
    const spec = responseSpec(parameter, one, rows, {name, title});
    figures.push(
      figure(await draw(spec, aboutOf(name, title, one)), {
        title: name,
        note: `importance ${shareText(one.share)}`,
        numbers: numbersOf(name, title, one),
      }),
    );
  }
  if (insight.together) {
    const {parameters, values, means} = insight.together;
    const side = (k: 0 | 1) => ({
      name: names(parameters[k]),
      values: values[k].map((value) => (typeof value === 'number' ? shortNumber(value) : valueText(value))),
    });
    const map = {
      what: `Expected ${objective.metric} ${objective.on} with these values, the mean over all others`,
      sides: [side(0), side(1)] as const,
      value: (first: number, second: number) => means[first]![second]!,
      text: (value: number) => value.toFixed(3),
    };
    figures.push(await heatMapFigure(map));
  }
  return html`<h3>Along each parameter</h3>
<p class="small muted">The expected ${objective.metric} with a value of this parameter, the mean over all others, ± one deviation between the trees of the forest; dots: the configurations.</p>
<div class="figures">${figures}</div>`;
}

const thinned = (rows: readonly WholeRow[]): readonly WholeRow[] => {
  const step = Math.ceil(rows.length / mostDots);
  return rows.filter((_, i) => i % step === 0);
};

function aboutOf(name: string, title: string, {response}: ParameterInsight): string {
  const said = [response[0]!, response[Math.floor(response.length / 2)]!, response.at(-1)!];
  const texts = [...new Set(said)].map(({value, mean, deviation}) => {
    const at = typeof value === 'number' ? shortNumber(value) : valueText(value);
    return `${mean.toFixed(4)} ± ${deviation.toFixed(4)} at ${at}`;
  });
  return `${title} along ${name}: ${texts.join(', ')}.`;
}

/** Where it is learnt at many values, every so many. */
function numbersOf(name: string, title: string, {response}: ParameterInsight): Markup {
  const step = Math.ceil(response.length / mostRows);
  const said = response.filter((_, i) => i % step === 0 || i === response.length - 1);
  return tableHtml(
    {
      columns: [
        {name, align: 'right'},
        {name: `expected ${title}`, align: 'right'},
      ],
      rows: said.map(({value, mean, deviation}) => [
        typeof value === 'number' ? shortNumber(value) : valueText(value),
        `${mean.toFixed(4)} ± ${deviation.toFixed(4)}`,
      ]),
      lead: 1,
    },
    {
      caption: `Along ${name}${said.length < response.length ? `, at ${said.length} of ${response.length} values` : ''}`,
    },
  );
}

interface Titles {
  readonly name: string;
  readonly title: string;
}

/** Pixels of the plot, and of a dot. */
const size = {width: 260, height: 170, dot: 4.6} as const;

function responseSpec(
  parameter: Parameter,
  {response}: ParameterInsight,
  rows: readonly WholeRow[],
  {name, title}: Titles,
): ChartSpec {
  const nameOf = rowNames(rows);
  const {place, back, axis} = axisOf(parameter);
  const curve = response.map(({value, mean, deviation}) => ({
    at: back(place(value)),
    mean,
    low: mean - deviation,
    high: mean + deviation,
  }));
  const dots = rows.flatMap((row) => {
    const value = valueIn(parameter, row);
    if (value === undefined) return [];
    const text = `${nameOf(row)}: ${name} ${valueText(value)}; ${row.objective.value.toFixed(4)}`;
    return [{x: place(value), value: row.objective.value, text}];
  });
  const ends = [...curve.flatMap(({low, high}) => [low, high]), ...dots.map(({value}) => value)];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = 0.04 * (high - low || 1);
  const domain: [number, number] = [low - room, high + room];
  const pixel = (value: number): number => (size.height * (value - domain[0])) / (domain[1] - domain[0]);
  // Settings of one training have its values in common: their dots stand beside each other.
  const placed = swarm(
    dots.map(({x, value}) => ({x, y: pixel(value)})),
    size.dot,
    14,
  ).map(({x, of}) => {
    const {value, text} = dots[of[0]!]!;
    return {at: back(x), value, text: of.length > 1 ? `${text}, and ${of.length - 1} more here` : text};
  });
  const x = {field: 'at', title: null, type: 'quantitative', ...axis};
  const y = {type: 'quantitative', title, scale: {domain, nice: false, zero: false}, axis: {tickCount: 5}};
  const band = {y: {...y, field: 'low'}, y2: {field: 'high'}};
  const dot = {
    data: {values: placed},
    mark: {type: 'point', filled: true, size: 14, color: colours.muted, opacity: 0.55, aria: true},
    encoding: {x, y: {...y, field: 'value'}, description: {field: 'text'}},
  };
  const expected = isChoice(parameter.domain)
    ? [
        {mark: {type: 'rule', color: colours.ours, strokeWidth: 2}, encoding: {x, ...band}},
        {mark: {type: 'point', filled: true, size: 70, color: colours.ours}, encoding: {x, y: {...y, field: 'mean'}}},
      ]
    : [
        {mark: {type: 'area', color: colours.ours, opacity: 0.2}, encoding: {x, ...band}},
        {mark: {type: 'line', color: colours.ours, strokeWidth: 1.6}, encoding: {x, y: {...y, field: 'mean'}}},
      ];
  const {width, height} = size;
  return {width, height, data: {values: curve}, layer: [dot, ...expected]} as ChartSpec;
}

/** From a value to pixels, and from these to what the axis counts in: numbers are where they are on the scale of the space; each choice has a place. */
function axisOf({domain}: Parameter) {
  const {width} = size;
  if (isChoice(domain)) {
    const texts = domain.values.map(valueText);
    const places = texts.map((_, i) => Math.round((width * (i + 0.5)) / texts.length));
    const fits = texts.reduce((sum, text) => sum + text.length + 2, 0) < 42;
    return {
      place: (value: Json): number => places[texts.indexOf(valueText(value))]!,
      back: (pixels: number): number => pixels,
      axis: {
        scale: {domain: [0, width], nice: false},
        axis: {...namedPlaces(texts, places), grid: false, ...(!fits && {labelAngle: -30, labelAlign: 'right'})},
      },
    };
  }
  const {low, high, log} = domain;
  return {
    place: (value: Json): number => width * toUnit(domain, value),
    back: (pixels: number): number =>
      log ? low * (high / low) ** (pixels / width) : low + ((high - low) * pixels) / width,
    axis: {
      scale: {domain: [low, high], nice: false, ...(log ? {type: 'log'} : {zero: false})},
      axis: {grid: false, tickCount: 4, format: '~g', labelOverlap: true},
    },
  };
}

/** Undefined: the configuration does not have the parameter. */
function valueIn({paths}: Parameter, {point}: WholeRow): Json | undefined {
  const values = paths.map((path) => point[path]);
  if (values.some((value) => value === undefined)) return undefined;
  return paths.length === 1 ? values[0] : (values as readonly Json[]);
}
