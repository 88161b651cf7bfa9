/**
 * The median stopping rule (Golovin et al., "Google Vizier: a service for black-box optimization", KDD 2017): a trial ends when the best
 * value that it has had is below what half of the earlier trials had reached by then.
 */
import type {Rule} from './ladder.ts';

export interface Stopping {
  /** Epochs from one mark to the next; absent: a quarter of a training's, rounded up. */
  readonly every?: number;
  /** The first so many trials do not end early. */
  readonly after: number;
  /** About so many of each split are embedded at a mark. */
  readonly images: number;
}

export const medianStopping = ({every, after}: Pick<Stopping, 'every' | 'after'>): Rule => ({
  rungsOf(epochs) {
    const step = every ?? Math.ceil(epochs / 4);
    return Array.from({length: Math.ceil(epochs / step) - 1}, (_, k) => (k + 1) * step);
  },
  standing: (values) => Math.max(...values),
  countsEnded: true, // they were in the worse half
  goesOn: (value, earlier) => earlier.length < after || value >= earlier[Math.floor((earlier.length - 1) / 2)]!, // between two in the middle, the lower
});
