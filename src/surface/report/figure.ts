/** A chart with what it shows in words, and where there is room for it the numbers. */
import {count} from '../../core/base/text.ts';
import {type Content, html, type Markup} from '../html.ts';

export interface FigureOptions {
  readonly title: Content;
  readonly note?: Content;
  /** The same as a table, folded. */
  readonly numbers?: Content;
  /** Why the table is not printed. */
  readonly unprinted?: Content;
  /** What the page's script knows it by. */
  readonly chart?: string;
  /** Drawn for a wide page: scrolls on a narrow one instead of becoming too small to read. */
  readonly wide?: boolean;
}

export function figure(
  chart: Markup,
  {title, note, numbers, unprinted, chart: name, wide = false}: FigureOptions,
): Markup {
  const drawing = wide ? html`<div class="scroll" tabindex="0" role="group" aria-label="Chart">${chart}</div>` : chart;
  return html`<figure${wide && html` class="wide"`}${name !== undefined && html` data-chart="${name}"`}><figcaption><p class="title">${title}</p>${note && html`<p class="muted small">${note}</p>`}</figcaption>
${drawing}${numbers && html`<details class="numbers${unprinted && ' unprinted'}"><summary>Numbers</summary>${numbers}</details>`}${unprinted}</figure>`;
}

/** A line as a legend shows it. */
export const strokeOf = (colour: string, dash: readonly number[] = []): Markup =>
  html`<svg class="stroke" viewBox="0 0 26 8" aria-hidden="true"><path d="M1 4H25" style="stroke:${colour}" stroke-dasharray="${dash.join(' ') || 'none'}"/></svg>`;

/** Why something is not shown: the first reason speaks for those like it. */
export const notice = ([first, ...others]: readonly string[]): Content =>
  first !== undefined &&
  html`<p class="notice">Not shown: ${first}${others.length > 0 && ` (and ${count(others.length)} more)`}</p>`;
