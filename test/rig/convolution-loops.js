/** Convolutions by their definition, in float64: what engines are held against. Plain JavaScript, for scripts that tests start. */

/**
 * With ⌊k/2⌋ zeros on every side: x (n, h, w, c), filter (k, k, c, f), dy (n, ⌈h/stride⌉, ⌈w/stride⌉, f) → the value and both gradients.
 */
export function convolution({n, h, w, c, f, k, stride}, {x, filter, dy}) {
  const [rows, columns] = [Math.ceil(h / stride), Math.ceil(w / stride)];
  const y = new Float64Array(n * rows * columns * f);
  const dx = new Float64Array(x.length);
  const dfilter = new Float64Array(filter.length);
  for (let image = 0; image < n; image++)
    for (let p = 0; p < rows; p++)
      for (let q = 0; q < columns; q++)
        for (let i = 0; i < k; i++)
          for (let j = 0; j < k; j++) {
            const [row, column] = [p * stride + i - (k >> 1), q * stride + j - (k >> 1)];
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            const output = ((image * rows + p) * columns + q) * f;
            for (let d = 0; d < c; d++) {
              const input = ((image * h + row) * w + column) * c + d;
              const tap = ((i * k + j) * c + d) * f;
              for (let o = 0; o < f; o++) {
                y[output + o] += x[input] * filter[tap + o];
                dx[input] += dy[output + o] * filter[tap + o];
                dfilter[tap + o] += dy[output + o] * x[input];
              }
            }
          }
  return {y, dx, dfilter};
}

/** Inputs in [−1, 1), the same each time. */
export function convolutionInputs({n, h, w, c, f, k, stride}) {
  let state = 1;
  const draw = (size) =>
    Float32Array.from({length: size}, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 8) / 2 ** 23 - 1;
    });
  return {
    x: draw(n * h * w * c),
    filter: draw(k * k * c * f),
    dy: draw(n * Math.ceil(h / stride) * Math.ceil(w / stride) * f),
  };
}

/** The largest difference, relative to the root mean square of what is right. Infinity for what is not a number. */
export function relativeError(got, want) {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let [worst, squares] = [0, 0];
  for (const [i, right] of want.entries()) {
    const difference = Math.abs(got[i] - right);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    squares += right * right;
  }
  return worst === 0 ? 0 : worst / Math.sqrt(squares / want.length);
}
