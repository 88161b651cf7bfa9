import type {Dataset} from '../../core/contracts/dataset.ts';

/** Each class in turn is normal and all others are anomalous; the images are the same for all of these problems. */
export const oneVersusRest = (
  classes: readonly string[],
): Pick<Dataset, 'inliers' | 'classes' | 'perInlier' | 'normalClass'> => ({
  inliers: classes,
  classes,
  perInlier: false,
  normalClass: (inlier) => inlier,
});
