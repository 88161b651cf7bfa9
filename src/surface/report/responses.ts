/** The expected value along each parameter of a search, with its uncertainty, over the configurations that it is learnt from. */
import type {Json} from '../../core/base/canonical.ts';
import {isChoice} from '../../pipeline/search/domain.ts';
import {type Insight, type ParameterInsight, type WholeRow, wholeRows} from '../../pipeline/search/insight.ts';
import type {SearchResults} from '../../pipeline/search/results.ts';
import type {Parameter} from '../../pipeline/search/space.ts';
import {valueText} from '../../pipeline/search/words.ts';
import {html, type Markup} from '../html.ts';
import {shareText, shortNumber} from '../tables/insight.ts';
import {parameterNames, rowNames} from '../tables/search.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';

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
      figure(await draw(spec, aboutOf(name, title, one)), {title: name, note: `importance ${shareText(one.share)}`}),
    );
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

interface Titles {
  readonly name: string;
  readonly title: string;
}

function responseSpec(
  parameter: Parameter,
  {response}: ParameterInsight,
  rows: readonly WholeRow[],
  {name, title}: Titles,
): ChartSpec {
  const nameOf = rowNames(rows);
  const curve = response.map(({value, mean, deviation}) => ({
    at: placeOf(parameter, value),
    mean,
    low: mean - deviation,
    high: mean + deviation,
  }));
  const dots = rows.flatMap((row) => {
    const value = valueIn(parameter, row);
    if (value === undefined) return [];
    const text = `${nameOf(row)}: ${name} ${valueText(value)}; ${row.objective.value.toFixed(4)}`;
    return [{at: placeOf(parameter, value), value: row.objective.value, text}];
  });
  const x = {field: 'at', title: null, ...axisOf(parameter)};
  const y = {type: 'quantitative', title, scale: {zero: false}, axis: {tickCount: 5}};
  const band = {y: {...y, field: 'low'}, y2: {field: 'high'}};
  const dot = {
    data: {values: dots},
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
  return {width: 260, height: 170, data: {values: curve}, layer: [dot, ...expected]} as ChartSpec;
}

/** Numbers are where they are on the scale of the space; of choices each has a place of its own, by its text. */
const placeOf = ({domain}: Parameter, value: Json): Json => (isChoice(domain) ? valueText(value) : value);

function axisOf({domain}: Parameter) {
  if (isChoice(domain)) {
    const texts = domain.values.map(valueText);
    const fits = texts.reduce((sum, text) => sum + Math.min(text.length, 24), 0) < 36;
    return {
      type: 'nominal',
      sort: texts,
      scale: {domain: texts},
      axis: {labelAngle: fits ? 0 : -30, labelLimit: 110, labelOverlap: false},
    };
  }
  const {low, high, log} = domain;
  return {
    type: 'quantitative',
    scale: {domain: [low, high], nice: false, ...(log ? {type: 'log'} : {zero: false})},
    axis: {grid: false, tickCount: 4, format: '~g', labelOverlap: true},
  };
}

/** Undefined: the configuration does not have the parameter. */
function valueIn({paths}: Parameter, {point}: WholeRow): Json | undefined {
  const values = paths.map((path) => point[path]);
  if (values.some((value) => value === undefined)) return undefined;
  return paths.length === 1 ? values[0] : (values as readonly Json[]);
}
