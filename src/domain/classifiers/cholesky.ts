/** Triangular factors in float64, for the one matrix a Gaussian that is too near singular for the engine's float32. */

/** Row-major lower triangle L with L·Lᵀ = matrix (n × n, symmetric); undefined when it is not positive definite. */
export function cholesky(matrix: Float64Array, n: number): Float64Array | undefined {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * n + k]! * lower[j * n + k]!;
      if (i > j) lower[i * n + j] = sum / lower[j * n + j]!;
      else if (sum > 0) lower[i * n + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return lower;
}

/** Replaces `right` by y with L·y = right, for a row-major lower triangle (n × n). */
export function solveLower(lower: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  for (let i = 0; i < n; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i * n + k]! * right[k]!;
    right[i] = sum / lower[i * n + i]!;
  }
  return right;
}

/** L⁻¹, row-major, of a row-major lower triangle (n × n). */
export function inverse(lower: Float64Array, n: number): Float64Array {
  const inverted = new Float64Array(n * n);
  for (let column = 0; column < n; column++) {
    const unit = new Float64Array(n);
    unit[column] = 1;
    const solved = solveLower(lower, unit);
    for (let row = column; row < n; row++) inverted[row * n + column] = solved[row]!;
  }
  return inverted;
}
