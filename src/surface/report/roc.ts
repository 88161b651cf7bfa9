/** ROC curves that fit on a page. */
import {rank} from '../../domain/metrics/ranking.ts';

/** False-positive and true-positive rate, in [0, 1]. */
export type RocPoint = readonly [fpr: number, tpr: number];

/**
 * From (0, 0) to (1, 1): where the curve turns, equal scores as one slanted step. Where it turns more than `most` times, the
 * turns nearest to equal steps along it are kept: every point that is returned lies on the curve. Label 1 = anomalous.
 */
export function rocCurve(scores: Float64Array, labels: Uint8Array, most = 200): readonly RocPoint[] {
  const {positives, negatives} = rank(scores, labels);
  const [P, N] = [positives.length, negatives.length];
  if (P === 0 || N === 0) return [];
  const turns: [fp: number, tp: number][] = [[0, 0]];
  let [p, n] = [P, N]; // those below the threshold
  while (p > 0 || n > 0) {
    const threshold = Math.max(
      positives[p - 1] ?? Number.NEGATIVE_INFINITY,
      negatives[n - 1] ?? Number.NEGATIVE_INFINITY,
    );
    while (p > 0 && positives[p - 1] === threshold) p--;
    while (n > 0 && negatives[n - 1] === threshold) n--;
    const next: [number, number] = [N - n, P - p];
    // In whole numbers, so that "straight on" is exact.
    if (turns.length > 1 && straight(turns.at(-2)!, turns.at(-1)!, next)) turns.pop();
    turns.push(next);
  }
  const curve = turns.map(([fp, tp]): RocPoint => [fp / N, tp / P]);
  return curve.length <= most ? curve : thinned(curve, most);
}

const straight = (a: readonly number[], b: readonly number[], c: readonly number[]): boolean =>
  (b[0]! - a[0]!) * (c[1]! - b[1]!) === (b[1]! - a[1]!) * (c[0]! - b[0]!);

function thinned(curve: readonly RocPoint[], most: number): readonly RocPoint[] {
  // fpr + tpr grows from 0 to 2 along the curve.
  const step = 2 / (most - 2);
  const kept: RocPoint[] = [];
  let reached = Number.NEGATIVE_INFINITY;
  for (const point of curve.slice(0, -1)) {
    if (point[0] + point[1] < reached) continue;
    kept.push(point);
    reached = (Math.floor((point[0] + point[1]) / step) + 1) * step;
  }
  return [...kept, curve.at(-1)!];
}
