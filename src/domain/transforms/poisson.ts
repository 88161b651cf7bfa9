/** Seamless cloning (Pérez, Gangnet & Blake 2003): a patch keeps its gradients and takes its colours from what is around it. */
import type {FloatImage} from '../../core/contracts/data.ts';
import type {Patch, Place} from './patch.ts';

/** Whose gradients the result has: those of the patch, or at each place the steeper of patch and image. */
export type Blend = 'normal' | 'mixed';

/**
 * The image with the patch blended in; a new image. The patch's outermost pixels stay those of the image, between them ∇²f = ∇·v is
 * solved exactly, by sine transforms (eq. 7 and 13 of the paper). Results are kept within the image's range of values, by leaving which
 * they would give themselves away. A patch without a pixel between its outermost changes nothing.
 */
export function seamless(image: FloatImage, patch: Patch, {top, left}: Place, blend: Blend): FloatImage {
  const data = image.data.slice();
  const [height, width] = [patch.height - 2, patch.width - 2];
  if (height < 1 || width < 1) return {...image, data};
  const [least, most] = rangeOf(image.data);
  const right = new Float64Array(height * width);
  for (let c = 0; c < 3; c++) {
    for (let y = 1; y <= height; y++)
      for (let x = 1; x <= width; x++) {
        const here = ((top + y) * image.width + left + x) * 3 + c;
        const own = (y * patch.width + x) * 3 + c;
        let sum = 0;
        const add = (isBorder: boolean, there: number, other: number): void => {
          const [inPatch, inImage] = [patch.data[own]! - patch.data[other]!, image.data[here]! - image.data[there]!];
          sum += blend === 'mixed' && Math.abs(inImage) > Math.abs(inPatch) ? inImage : inPatch;
          if (isBorder) sum += image.data[there]!;
        };
        add(y === 1, here - 3 * image.width, own - 3 * patch.width);
        add(y === height, here + 3 * image.width, own + 3 * patch.width);
        add(x === 1, here - 3, own - 3);
        add(x === width, here + 3, own + 3);
        right[(y - 1) * width + x - 1] = sum;
      }
    const solved = solvePoisson(right, height, width);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        data[((top + y + 1) * image.width + left + x + 1) * 3 + c] = Math.min(
          most,
          Math.max(least, solved[y * width + x]!),
        );
  }
  return {...image, data};
}

/** f with 4 f(y, x) - (f of its four neighbours) = right(y, x) on height · width places, and 0 around them. */
export function solvePoisson(right: Float64Array, height: number, width: number): Float64Array {
  const [rows, columns] = [sines(height), sines(width)];
  const modes = transformed(right, rows, columns);
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++)
      modes[i * width + j]! /=
        4 - 2 * Math.cos((Math.PI * (i + 1)) / (height + 1)) - 2 * Math.cos((Math.PI * (j + 1)) / (width + 1));
  return transformed(modes, rows, columns);
}

interface Sines {
  readonly size: number;
  readonly values: Float64Array;
}

const known = new Map<number, Sines>();

/** The discrete sine transform (DST-I) as a matrix, scaled so that it is its own inverse. */
function sines(size: number): Sines {
  let made = known.get(size);
  if (!made) {
    const scale = Math.sqrt(2 / (size + 1));
    const values = Float64Array.from(
      {length: size * size},
      (_, at) => scale * Math.sin((Math.PI * (Math.floor(at / size) + 1) * ((at % size) + 1)) / (size + 1)),
    );
    made = {size, values};
    known.set(size, made);
  }
  return made;
}

/** rows · x · columns. */
function transformed(x: Float64Array, rows: Sines, columns: Sines): Float64Array {
  const [height, width] = [rows.size, columns.size];
  const across = new Float64Array(height * width);
  addProduct(across, x, columns.values, height, width, width);
  const both = new Float64Array(height * width);
  addProduct(both, rows.values, across, height, height, width);
  return both;
}

/** sum (n, m) += a (n, k) · b (k, m). */
function addProduct(sum: Float64Array, a: Float64Array, b: Float64Array, n: number, k: number, m: number): void {
  for (let i = 0; i < n; i++)
    for (let l = 0; l < k; l++) {
      const factor = a[i * k + l]!;
      for (let j = 0; j < m; j++) sum[i * m + j]! += factor * b[l * m + j]!;
    }
}

function rangeOf(values: Float32Array): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}
