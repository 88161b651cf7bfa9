/** Which places of an image are of its object: by the first principal component of their features (Damm et al. 2024, AnomalyDINO, 3.3). */
import type {Matrix} from '../contracts/data.ts';
import {centred, columnMeans} from '../linalg/matrix.ts';
import {addScaled} from '../linalg/vectors.ts';

/** Share of the side that is no middle, on each side of it; and the share of the middle that an object fills at least. */
const border = 0.2;
const fills = 0.35;

/**
 * Features (height · width, d) of one image's places → 1 where the object is, (height · width): where the first component is more than
 * `threshold`, or less than minus that if otherwise hardly any of the middle would be; then enlarged by one place, and holes closed.
 * As in the released code. A component has no sign of its own: here its largest entry is positive.
 */
export function foregroundOf(
  features: Matrix,
  {height, width}: {readonly height: number; readonly width: number},
  threshold: number,
): Uint8Array {
  const component = firstComponent(features);
  let mask = Uint8Array.from(component, (value) => Number(value > threshold));
  if (shareOfMiddle(mask, height, width) <= fills)
    mask = Uint8Array.from(component, (value) => Number(-value > threshold));
  const enlarged = around(mask, height, width, 1);
  return around(around(enlarged, height, width, 1), height, width, 0);
}

/** Of centred rows, the coordinate of each along the direction of their largest variance, by power iteration in doubles. */
function firstComponent(features: Matrix): Float64Array {
  const {rows, columns} = features;
  const x = centred(features, columnMeans(features));
  // It begins with the row that is furthest from the mean, which no first component is at right angles to but by chance.
  let axis = furthest(x, rows, columns);
  let coordinates: Float64Array = new Float64Array(rows);
  for (let step = 0; step < mostSteps; step++) {
    coordinates = times(x, axis, rows, columns);
    const next = new Float64Array(columns);
    for (let row = 0; row < rows; row++)
      addScaled(next, coordinates[row]!, x.subarray(row * columns, (row + 1) * columns));
    const length = Math.sqrt(next.reduce((sum, value) => sum + value * value, 0));
    if (length === 0) break; // all rows are equal
    const unit = next.map((value) => value / length);
    const moved = unit.reduce((most, value, i) => Math.max(most, Math.abs(value - axis[i]!)), 0);
    axis = unit;
    if (moved < 1e-9) break;
  }
  const sign = axis.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0) < 0 ? -1 : 1;
  return times(x, axis, rows, columns).map((value) => sign * value);
}

const mostSteps = 300;

function furthest(x: Float64Array, rows: number, columns: number): Float64Array {
  let [best, most] = [0, -1];
  for (let row = 0; row < rows; row++) {
    let square = 0;
    for (let i = 0; i < columns; i++) square += x[row * columns + i]! ** 2;
    if (square > most) [best, most] = [row, square];
  }
  const length = Math.sqrt(most) || 1;
  return x.slice(best * columns, (best + 1) * columns).map((value) => value / length);
}

const times = (x: Float64Array, axis: Float64Array, rows: number, columns: number): Float64Array =>
  Float64Array.from({length: rows}, (_, row) => {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += x[row * columns + i]! * axis[i]!;
    return sum;
  });

function shareOfMiddle(mask: Uint8Array, height: number, width: number): number {
  const [top, bottom] = [Math.floor(border * height), Math.floor((1 - border) * height)];
  const [left, right] = [Math.floor(border * width), Math.floor((1 - border) * width)];
  let marked = 0;
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) marked += mask[y * width + x]!;
  return marked / Math.max(1, (bottom - top) * (right - left));
}

/** Whether a place with `value` is among the 3 × 3 around, those outside left out: it spreads by one place. */
function around(mask: Uint8Array, height: number, width: number, value: 0 | 1): Uint8Array {
  const out = new Uint8Array(mask.length).fill(1 - value);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++)
          if (mask[v * width + u] === value) out[y * width + x] = value;
  return out;
}
