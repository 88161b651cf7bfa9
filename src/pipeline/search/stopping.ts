/**
 * The median stopping rule (Golovin et al., "Google Vizier: a service for black-box optimization", KDD 2017): a trial ends when the best
 * value that it has had is below what half of the earlier trials had reached by then.
 */
import type {Rule} from './rungs.ts';

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
  goesOn(own, others) {
    // What has ended earlier was in the worse half.
    const reached = others.map((values) =>
      values.length < own.length ? Number.NEGATIVE_INFINITY : Math.max(...values),
    );
    return reached.length < after || Math.max(...own) >= median(reached);
  },
});

/** Between the two in the middle, the lower. */
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
