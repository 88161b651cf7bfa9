/** The best configuration of several: its value with its uncertainty, by what it was chosen, and how it is run again. */
import {shellWord} from '../../core/base/text.ts';
import {html, type Markup} from '../html.ts';

export interface BestSetting {
  /** With its uncertainty, if there is one. */
  readonly value: string;
  /** † or ‡; '' where it was chosen by no label. */
  readonly mark: string;
  readonly metric: string;
  /** `k 5, learning_rate 0.0055`. */
  readonly setting: string;
  /** Sentences: how certain it is, and what the mark means. */
  readonly notes: readonly string[];
  /** `path=value` for each option. */
  readonly sets: readonly string[];
}

export const bestSetting = ({value, mark, metric, setting, notes, sets}: BestSetting): Markup =>
  html`<div class="best"><p>Best ${metric}: <strong class="value">${value}</strong>${mark && html` ${mark}`} with ${setting}.</p>
${notes.map((note) => html`<p class="small muted">${note}</p>`)}<p class="small">To run it alone: <code>${sets.map((set) => `--set ${shellWord(set)}`).join(' ')}</code></p></div>`;
