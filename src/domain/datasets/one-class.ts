import type {Dataset} from '../../core/contracts/dataset.ts';

/** Each class in turn is normal, and all others are anomalous. All these problems have the same images. */
export const oneVersusRest = (
  classes: readonly string[],
): Pick<Dataset, 'inliers' | 'classes' | 'perInlier' | 'normalClass'> => ({
  inliers: classes,
  classes,
  perInlier: false,
  normalClass: (inlier) => inlier,
});
