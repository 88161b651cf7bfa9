/** Of what a number is the mean, in words. */
import {plural} from '../../core/base/text.ts';

export interface MeanOf {
  readonly classes: number;
  readonly seeds: number;
  /** Values; fewer than classes times seeds where some are missing. */
  readonly n: number;
}

/** `mean of 2 classes with 3 seeds each`; undefined: it is one value. */
export function meanText({classes, seeds, n}: MeanOf): string | undefined {
  if (n === 1) return undefined;
  if (n !== classes * seeds) return `mean of ${plural(n, 'value')} of ${plural(classes, 'class', 'classes')}`;
  if (seeds === 1) return `mean of ${classes} classes`;
  return classes === 1 ? `mean of ${seeds} seeds` : `mean of ${classes} classes with ${seeds} seeds each`;
}
