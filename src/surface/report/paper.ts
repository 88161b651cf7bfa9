/** What a printed report leaves out: long lists of what few readers look for (folds of the class `unprinted`). */
import {html, type Markup} from '../html.ts';

/** Of more rows of seeds, or stages, no list is printed. */
export const mostPrinted = 30;

/** Is read on paper alone. */
export const notPrinted = (what: string, command?: string): Markup =>
  html`<p class="on-paper small muted">Not printed: ${what}. The page on a screen has them${command !== undefined && html`, and so has <code>${command}</code>`}.</p>`;
