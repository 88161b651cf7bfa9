import type {ComparisonRow} from '../../pipeline/store/results/results.ts';
import type {Names} from './names.ts';

/** One of our numbers, rates in [0, 1] as stored. */
export interface Line extends ComparisonRow, Names {
  /** Our spread in the paper's form: a standard deviation, or CutPaste's standard error. null: one seed. */
  readonly spread: number | null;
  readonly spreadKind: 'sd' | 'se';
  /** It is the best of so many configurations of its method and classifier, by the test labels; null: it is not, or there is one. */
  readonly bestOf: number | null;
  /** Differences from the paper. */
  readonly departures: readonly string[];
  /** Footnotes, from 1. */
  readonly notes: readonly number[];
}
