/** What a search has found: its best configurations, their values over the trials, and which parameters mattered. */

import type {Json} from '../../core/base/canonical.ts';
import {type Expected, expectedOf} from '../../pipeline/search/expected.ts';
import {insightOf, isTooFew, wholeRows} from '../../pipeline/search/insight.ts';
import {type SearchResults, searchResultsOf} from '../../pipeline/search/results.ts';
import {type Trust, trustOf} from '../../pipeline/search/trust.ts';
import {wordsOf} from '../../pipeline/search/words.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {html, type Markup} from '../html.ts';
import {insightNotes, insightTable, interactionText, tooFewText} from '../tables/insight.ts';
import {
  bestOf,
  choiceNotes,
  markOf,
  parameterNames,
  rowKey,
  scoreText,
  searchTable,
  settingsOf,
} from '../tables/search.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {TextTable} from '../tables/text-table.ts';
import {bestSetting} from './best-setting.ts';
import {type ChartSpec, colours, draw} from './chart.ts';
import {figure} from './figure.ts';
import {parallelCoordinates} from './parallel.ts';
import {responseFigures} from './responses.ts';
import {swarm} from './swarm.ts';

export interface Searched {
  readonly results: SearchResults;
  readonly trust: readonly Trust[];
  readonly expected?: Expected;
}

/** Undefined where the run has no search, or no trial of it has a value yet. */
export async function searchedOf(record: RunRecord): Promise<Searched | undefined> {
  const results = searchResultsOf(record);
  if (!results?.best) return undefined;
  const expected = await expectedOf(record, results);
  return {results, trust: trustOf(record, results), ...(expected && {expected})};
}

/** Rows of the table that are not folded, and of the trials' values. */
const shown = 10;
const mostRows = 30;

export async function searchSection({results, trust, expected}: Searched): Promise<Markup> {
  const rows = bestOf(results);
  const tableOf = (some: typeof rows, caption: string) =>
    tableHtml(searchTable(results, some), {caption, key: (row) => rowKey(some[row]!)});
  const first = tableOf(rows.slice(0, shown), 'The best configurations');
  return html`${chosen(results)}${
    rows.length > shown
      ? html`<div class="on-screen">${first}</div>
<details><summary>All ${rows.length} configurations</summary>${tableOf(rows, 'All configurations, the best first')}</details>`
      : first
  }
<div class="legend small muted">${choiceNotes(results, expected).map((note) => html`<p>${note}</p>`)}</div>
<div class="figures roomy">${await overTrials(results)}${lines(results)}</div>
${await importances(results)}
${whomToTrust(trust, results)}`;
}

function chosen(results: SearchResults): Markup | undefined {
  const {best, search, rows} = results;
  if (!best) return undefined;
  const names = parameterNames(results);
  const words = wordsOf(search.space);
  const {value, sd} = best.objective;
  const within = wholeRows(results).filter(
    ({objective}) => sd !== null && Math.abs(objective.value - value!) <= sd,
  ).length;
  return bestSetting({
    value: scoreText(best.objective),
    mark: markOf(results),
    metric: `${search.objective.metric} on the ${search.objective.on} images`,
    setting: search.space.parameters
      .flatMap(({name, paths}) => {
        const own = best.point[paths[0]!];
        return own === undefined
          ? []
          : [`${names(name)} ${paths.map((path) => words.value(path, best.point[path] as Json)).join(', ')}`];
      })
      .join(', '),
    notes: [
      sd === null
        ? `One seed: how much it varies between seeds is not known. The best of ${rows.length} configurations.`
        : `± one standard deviation between seeds; ${within - 1} of ${rows.length - 1} other configurations lie within it.`,
    ],
    sets: ['search=null', ...settingsOf(best)],
  });
}

/** The value of each configuration, and the best so far. */
async function overTrials(results: SearchResults): Promise<Markup> {
  const {metric, on, better} = results.search.objective;
  const best = better === 'higher' ? Math.max : Math.min;
  let leader = better === 'higher' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const values = wholeRows(results).map(({trial, objective: {value}}) => {
    leader = best(leader, value);
    return {trial, value, leader, text: `trial ${trial}: ${value.toFixed(4)}`};
  });
  const [width, height] = [420, 200];
  const last = Math.max(1, ...values.map(({trial}) => trial));
  const all = values.map(({value}) => value);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  // Settings of one training that have one value stand beside each other.
  const placed = swarm(
    values.map(({trial, value}) => ({x: (width * trial) / last, y: (height * (value - low)) / (high - low || 1)})),
    7,
    14,
  ).map(({x, of}) => {
    const {value, text} = values[of[0]!]!;
    return {trial: (x * last) / width, value, text: of.length > 1 ? `${text}, and ${of.length - 1} more here` : text};
  });
  const x = {field: 'trial', type: 'quantitative', title: 'trial', axis: {tickMinStep: 1, format: 'd', grid: false}};
  const y = {type: 'quantitative', title: `${metric} ${on}`, scale: {zero: false}, axis: {tickCount: 5}};
  const spec = {
    width,
    height,
    data: {values},
    encoding: {x},
    layer: [
      {
        mark: {type: 'line', interpolate: 'step-after', color: colours.ours, strokeWidth: 1.6},
        encoding: {y: {...y, field: 'leader', aggregate: better === 'higher' ? 'max' : 'min'}},
      },
      {
        data: {values: placed},
        mark: {type: 'point', filled: true, size: 30, color: colours.muted, aria: true},
        encoding: {y: {...y, field: 'value'}, description: {field: 'text'}},
      },
    ],
  } as ChartSpec;
  const about = `${metric} of ${values.length} configurations over the trials; the best is ${leader.toFixed(4)}.`;
  return figure(await draw(spec, about), {
    title: 'Value over the trials',
    note: 'Points: configurations that ran to their end. Line: the best so far.',
    numbers: trialsTable(values, `${metric} ${on}`),
  });
}

/** Of many trials every so many. */
function trialsTable(
  values: readonly {readonly trial: number; readonly value: number; readonly leader: number}[],
  name: string,
): Markup {
  const step = Math.ceil(values.length / mostRows);
  const said = values.filter((_, i) => i % step === 0 || i === values.length - 1);
  return tableHtml(
    {
      columns: [
        {name: 'trial', align: 'right'},
        {name, align: 'right'},
        {name: 'best so far', align: 'right'},
      ],
      rows: said.map(({trial, value, leader}) => [String(trial), value.toFixed(4), leader.toFixed(4)]),
      lead: 1,
    },
    {caption: step === 1 ? 'Value over the trials' : `Value over the trials: ${said.length} of ${values.length}`},
  );
}

function lines(results: SearchResults): Markup | undefined {
  const drawing = parallelCoordinates(results);
  return (
    drawing &&
    figure(drawing, {
      title: 'Configurations',
      note: 'Each line is a configuration; the thick one was chosen.',
      wide: true,
    })
  );
}

function whomToTrust(trust: readonly Trust[], {search}: SearchResults): Markup | undefined {
  if (trust.length === 0) return undefined;
  const table: TextTable = {
    columns: [
      {name: 'on validation images', align: 'left'},
      {name: `rank correlation with ${search.objective.metric} on the test`, align: 'right'},
      {name: 'configurations', align: 'right'},
    ],
    rows: trust.map(({criterion, correlation, configurations}) => [
      criterion,
      correlation.toFixed(2).replace('-', '−'),
      String(configurations),
    ]),
    lead: 1,
  };
  return html`${tableHtml(table, {caption: 'Whom to trust: how criteria rank these configurations'})}
<p class="legend small muted">Spearman’s ρ: 1, the criterion ranks them as the test images do; 0, it knows nothing of it; −1, the other way round. A loss should be negative.</p>`;
}

async function importances(results: SearchResults): Promise<Markup> {
  const insight = insightOf(results);
  if (isTooFew(insight)) return html`<p class="notice">${tooFewText(insight)}</p>`;
  const names = parameterNames(results);
  return html`${tableHtml(insightTable(insight, names), {caption: `What mattered, by ${insight.configurations} configurations`})}
<div class="legend small muted">${insight.interaction && html`<p>${interactionText(insight.interaction, names)}</p>`}${insightNotes.map((note) => html`<p>${note}</p>`)}</div>
${await responseFigures(results, insight)}`;
}
