/** Rank correlation. */

/** Spearman's ρ in [-1, 1] of two equally long lists without NaN, ties averaged. NaN if either has less than two different values. */
export function spearman(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) throw new Error(`expected two lists of one length, but got ${a.length} and ${b.length}`);
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const middle = (a.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - middle, y[i]! - middle];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : Number.NaN;
}

/** Ranks from 1; equal values share the mean of their ranks. */
function ranksOf(values: Float64Array): Float64Array {
  const order = [...values.keys()].sort((i, j) => (values[i]! < values[j]! ? -1 : values[i]! > values[j]! ? 1 : 0));
  const ranks = new Float64Array(values.length);
  for (let first = 0, next = 0; first < order.length; first = next) {
    while (next < order.length && values[order[next]!] === values[order[first]!]) next++;
    for (const i of order.slice(first, next)) ranks[i] = (first + 1 + next) / 2;
  }
  return ranks;
}
