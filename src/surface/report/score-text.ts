/** Scores in words of four digits: of the float32 that the page's script has, so that a page and its script say the same. */
import {count} from '../../core/base/text.ts';

export function scoreText(exact: number): string {
  const score = Math.fround(exact);
  const text =
    Math.abs(score) < 1e4
      ? score.toPrecision(4)
      : Math.abs(score) < 1e7
        ? count(Math.round(score))
        : score.toExponential(3);
  return text.replace('-', '−');
}
