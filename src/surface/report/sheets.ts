/** Many small pictures as a few: sheets that fit into a budget of bytes. */
import {encodeWebp} from '../../core/images/codec.ts';
import {type Picture, resized} from '../../core/images/picture.ts';

export interface Layout {
  /** Pictures beside and below each other on a sheet. */
  readonly columns: number;
  readonly rows: number;
}

export interface Sheets extends Layout {
  /** Of a picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** WebP files; sheet k has the pictures from k · columns · rows on. */
  readonly files: readonly Uint8Array[];
}

/** Longer sides that are tried, the largest first. */
const sides = [160, 128, 96, 72, 56, 40, 28, 24, 20];
/** What pictures may take. */
export interface Share {
  /** Of all files together. */
  readonly bytes: number;
  /** Longer side of a picture that may not be smaller, in pixels; one of `sides`. */
  readonly least: number;
}

/** Bytes of pixels that are held at a time. */
const mostPixels = 128e6;

export const layoutOf = (count: number): Layout => {
  const columns = Math.max(1, Math.min(8, Math.ceil(Math.sqrt(count))));
  return {columns, rows: Math.max(1, Math.min(8, Math.ceil(count / columns)))};
};

/**
 * At the largest size that fits. `left`: how many pictures do not fit even at the smallest, an estimate from one sheet; then there are no
 * files. All pictures have one shape.
 */
export async function sheetsOf(
  pictures: readonly Picture[],
  {bytes: budget, least}: Share,
): Promise<Sheets | {readonly files: undefined; readonly left: number}> {
  const layout = layoutOf(pictures.length);
  const each = layout.columns * layout.rows;
  const {height, width} = pictures[0]!;
  const longer = Math.max(height, width);
  const fitting = sides.filter((side) => side >= least && (side < longer || side === least));
  const tried = longer <= sides[0]! ? [longer, ...fitting.filter((side) => side < longer)] : fitting;
  let estimate = 0;
  for (const side of tried) {
    const small = pictures.slice(0, each).map((picture) => shrunk(picture, side));
    const bytes = (await encodeWebp(joined(small, layout))).length;
    estimate = (bytes * pictures.length) / small.length;
    if (estimate > budget) continue;
    const files: Uint8Array[] = [];
    for (let from = 0; from < pictures.length; from += each)
      files.push(
        await encodeWebp(
          joined(
            pictures.slice(from, from + each).map((one) => shrunk(one, side)),
            layout,
          ),
        ),
      );
    const [first] = small;
    return {...layout, width: first!.width, height: first!.height, files};
  }
  return {files: undefined, left: Math.ceil(pictures.length * (1 - budget / estimate))};
}

/** Of so many bytes of pixels a picture may have this longer side at most. */
export const largestSide = (count: number): number =>
  sides.find((side) => 3 * count * side * side <= mostPixels) ?? sides.at(-1)!;

/** No longer than `side`. */
export function shrunk(picture: Picture, side: number): Picture {
  const factor = Math.min(1, side / Math.max(picture.height, picture.width));
  const size = (length: number): number => Math.max(1, Math.round(factor * length));
  return resized(picture, size(picture.height), size(picture.width), 'area');
}

/** Row after row; places that are left are black. */
function joined(pictures: readonly Picture[], {columns, rows}: Layout): Picture {
  const {height, width} = pictures[0]!;
  const pixels = new Uint8Array(3 * rows * height * columns * width);
  for (const [i, picture] of pictures.entries())
    for (let y = 0; y < height; y++)
      pixels.set(
        picture.pixels.subarray(3 * y * width, 3 * (y + 1) * width),
        3 * ((Math.floor(i / columns) * height + y) * columns * width + (i % columns) * width),
      );
  return {height: rows * height, width: columns * width, pixels};
}
