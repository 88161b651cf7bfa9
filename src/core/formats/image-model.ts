/** What models from files have in common, in any format: images → one row of features each. */
import type {Matrix} from '../contracts/data.ts';

/** A model file that cannot be used: the message says which and why. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
}

export interface ImageInput {
  readonly layout: 'NCHW' | 'NHWC';
  /** Sizes that the file requires; undefined: any. */
  readonly batch: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
}

export interface ImageModel {
  readonly input: ImageInput;
  /**
   * Images (n, height, width, 3), whatever the model's own layout → its output (n, d); an output with height and width is averaged
   * over them.
   */
  run(images: {
    readonly shape: readonly [n: number, height: number, width: number];
    readonly data: Float32Array;
  }): Promise<Matrix>;
  dispose(): void;
}

/** Reads the layout off an input's shape; undefined sides are open. */
export function imageInput(path: string, shape: readonly (number | undefined)[]): ImageInput {
  const [batch, second, third, fourth] = shape;
  if (shape.length === 4 && second === 3) return {layout: 'NCHW', batch, height: third, width: fourth};
  if (shape.length === 4 && fourth === 3) return {layout: 'NHWC', batch, height: second, width: third};
  const shown = shape.map((side) => side ?? '?').join(', ');
  throw new ModelError(`the input of ${path} is [${shown}]; expected colour images, [n, 3, h, w] or [n, h, w, 3]`);
}

/** (n, d) as it is; (n, d, h, w) and (n, h, w, d) averaged over the two equal sides, or, where all are equal, by the input's layout. */
export function pooledRows(
  path: string,
  name: string,
  layout: ImageInput['layout'],
  shape: readonly number[],
  data: Float32Array,
): Matrix {
  const [rows = 0, a = 0, b = 0, c = 0] = shape;
  if (shape.length === 2) return {rows, columns: a, data};
  if (shape.length !== 4)
    throw new ModelError(
      `the output "${name}" of ${path} is [${shape.join(', ')}]; expected one row for each image, [n, d], or a map, [n, d, h, w] or [n, h, w, d]`,
    );
  const first = b === c && a !== b ? true : a === b && b !== c ? false : layout === 'NCHW';
  const [columns, places] = first ? [a, b * c] : [c, a * b];
  const [perColumn, perPlace] = first ? [places, 1] : [1, columns];
  const means = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      const start = row * columns * places + column * perColumn;
      for (let place = 0; place < places; place++) sum += data[start + place * perPlace]!;
      means[row * columns + column] = sum / places;
    }
  return {rows, columns, data: means};
}
