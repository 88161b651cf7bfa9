/** Covariances in float64: where they are singular, the rounding of float32 would decide. */
import {doubleProduct, hasDoubleProduct} from '../../core/linalg/doubles.ts';

/** XᵀX / n of centred rows (n, d): (d, d), symmetric. */
export function covariance(x: Float64Array, d: number): Float64Array {
  const n = x.length / d;
  const lower = hasDoubleProduct() ? onEngine(x, d) : lowerSquares(x, d);
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      const value = lower[i * d + j]! / n;
      lower[i * d + j] = value;
      lower[j * d + i] = value;
    }
  return lower;
}

function onEngine(x: Float64Array, d: number): Float64Array {
  const rows = {rows: x.length / d, columns: d, data: x};
  return doubleProduct(rows, rows, {transposeA: true});
}

/** The lower triangle of XᵀX. */
function lowerSquares(x: Float64Array, d: number): Float64Array {
  const n = x.length / d;
  const sigma = new Float64Array(d * d);
  // Four rows at a time: each number of sigma is fetched and put back a quarter as often. The sums keep their order.
  const inFours = d * 4 * Math.floor(n / 4);
  for (let a = 0; a < inFours; a += 4 * d) {
    const [b, c, e] = [a + d, a + 2 * d, a + 3 * d];
    for (let i = 0; i < d; i++) {
      const [va, vb, vc, ve] = [x[a + i]!, x[b + i]!, x[c + i]!, x[e + i]!];
      if (va === 0 && vb === 0 && vc === 0 && ve === 0) continue; // features after a ReLU are often constant at 0
      for (let j = 0, at = i * d; j <= i; j++, at++)
        sigma[at] = sigma[at]! + va * x[a + j]! + vb * x[b + j]! + vc * x[c + j]! + ve * x[e + j]!;
    }
  }
  for (let row = inFours; row < x.length; row += d)
    for (let i = 0; i < d; i++) {
      const value = x[row + i]!;
      for (let j = 0; j <= i; j++) sigma[i * d + j]! += value * x[row + j]!;
    }
  return sigma;
}

/**
 * The share s that Ledoit & Wolf (2004) take from the covariance Σ, to give (1 - s) Σ + s μ I, μ the mean variance: it makes this
 * closest to the true covariance. `squares`: ‖Σ‖²; `lengths`: Σᵢ ‖xᵢ‖⁴ over the n centred rows.
 */
export function ledoitWolfShare(
  {trace, squares, lengths}: {readonly trace: number; readonly squares: number; readonly lengths: number},
  n: number,
  d: number,
): number {
  const spread = squares - (trace * trace) / d; // ‖Σ - μI‖²
  const error = (lengths / n - squares) / n;
  return spread > 0 ? Math.min(Math.max(error / spread, 0), 1) : 0;
}
