/** Scores in words of four digits. */
import {count} from '../../core/base/text.ts';

export const scoreText = (score: number): string =>
  (Math.abs(score) < 1e4
    ? score.toPrecision(4)
    : Math.abs(score) < 1e7
      ? count(Math.round(score))
      : score.toExponential(3)
  ).replace('-', '−');
