/** Class by class, beside the paper where it has a number: the best configuration of each dataset, and the others folded. */
import {groupBy} from '../../core/base/group.ts';
import {plural} from '../../core/base/text.ts';
import {html, type Markup} from '../html.ts';
import type {Comparison} from '../tables/compare.ts';
import type {Line} from '../tables/line.ts';
import {endedAt} from '../tables/names.ts';
import {type Answer, configurationOf, isMean} from './answer.ts';
import {dotFigure} from './dots.ts';

/** A run of all tables of a paper has hundreds; the table has them all. */
const mostCharts = 16;

/** Undefined where there is no answer, and no number of a paper. */
export async function classesSection({lines}: Comparison, answers: readonly Answer[]): Promise<Markup | undefined> {
  const beside = lines.filter(
    (line) => line.paper !== null && Number.isFinite(line.ours) && !isMean(line) && endedAt(line) === undefined,
  );
  const first = answers.map(({best}) => best.lines);
  const shown = new Set(first.map(([line]) => configurationOf(line!)));
  const others = [...groupBy(beside, configurationOf)].flatMap(([key, own]) => (shown.has(key) ? [] : [own]));
  if (first.length + others.length === 0) return undefined;
  const title = titles([...first.flat(), ...beside]);
  const figuresOf = async (charts: readonly (readonly Line[])[]): Promise<Markup> => {
    const figures: Markup[] = [];
    for (const own of charts) figures.push(await dotFigure(own, title(own[0]!)));
    return html`<div class="figures roomy">${figures}</div>`;
  };
  const drawn = await figuresOf(others.slice(0, mostCharts));
  const all = plural(others.length, 'other configuration');
  const some = others.length > mostCharts;
  return html`${first.length > 0 && (await figuresOf(first))}${
    first.length === 0
      ? drawn
      : others.length > 0 &&
        html`<details><summary>${some ? `${mostCharts} of ${all}` : all}</summary>${drawn}</details>`
  }${some && html`<p class="muted">The table of results has all ${others.length + first.length} configurations.</p>`}`;
}

/** What is the same everywhere names no chart. */
function titles(lines: readonly Line[]): (line: Line) => string {
  const parts = (['dataset', 'label', 'classifier', 'metricLabel'] as const).filter(
    (part) => part === 'label' || part === 'classifier' || new Set(lines.map((line) => line[part])).size > 1,
  );
  return (line) => parts.map((part) => line[part]).join(' · ');
}
