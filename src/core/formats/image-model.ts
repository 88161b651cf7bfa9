/** What models from files have in common, in any format: images → named outputs, read as one row of features each or as maps. */
import type {FeatureMaps, Matrix} from '../contracts/data.ts';

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
  /** Images (n, height, width, 3), whatever the model's own layout → the outputs with which it was opened. */
  run(images: {
    readonly shape: readonly [n: number, height: number, width: number];
    readonly data: Float32Array;
  }): Promise<readonly Output[]>;
  dispose(): void;
}

/** A float32 tensor, as the model's own layout has it. */
export interface Output {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Reads the layout off an input's shape; undefined sides are open. */
export function imageInput(path: string, shape: readonly (number | undefined)[]): ImageInput {
  const [batch, second, third, fourth] = shape;
  if (shape.length === 4 && second === 3) return {layout: 'NCHW', batch, height: third, width: fourth};
  if (shape.length === 4 && fourth === 3) return {layout: 'NHWC', batch, height: second, width: third};
  const shown = shape.map((side) => side ?? '?').join(', ');
  throw new ModelError(`the input of ${path} is [${shown}]; expected colour images, [n, 3, h, w] or [n, h, w, 3]`);
}

interface Source {
  readonly path: string;
  readonly layout: ImageInput['layout'];
  /** Of the images, in pixels. */
  readonly height: number;
  readonly width: number;
}

/** (n, d) as it is; maps averaged over their places. */
export function pooledRows(output: Output, source: Source): Matrix {
  const {shape, data} = output;
  if (shape.length === 2) return {rows: shape[0]!, columns: shape[1]!, data};
  const {count, height, width, channels, data: maps} = mapsOf(output, source);
  const places = height * width;
  const means = new Float32Array(count * channels);
  for (let row = 0; row < count; row++)
    for (let column = 0; column < channels; column++) {
      let sum = 0;
      for (let place = 0; place < places; place++) sum += maps[(row * places + place) * channels + column]!;
      means[row * channels + column] = sum / places;
    }
  return {rows: count, columns: channels, data: means};
}

/**
 * (n, d, h, w) or (n, h, w, d): the two equal sides are height and width, or, where all are equal, as in the input's layout. (n, t, d):
 * tokens of a vision transformer, of the image's patches row by row; tokens before them (class and registers) are left out.
 */
export function mapsOf({name, shape, data}: Output, source: Source): FeatureMaps {
  const [count = 0, a = 0, b = 0, c = 0] = shape;
  if (shape.length === 3) return tokensOf({name, shape, data}, source);
  if (shape.length === 2)
    throw new ModelError(
      `the output "${name}" of ${source.path} is [${shape.join(', ')}], one row for each image; a map, [n, d, h, w] or [n, h, w, d], or tokens, ` +
        '[n, t, d], are needed: name a tensor that comes before the network averages over its places',
    );
  if (shape.length !== 4)
    throw new ModelError(
      `the output "${name}" of ${source.path} is [${shape.join(', ')}]; expected one row for each image, [n, d], a map, [n, d, h, w] or ` +
        '[n, h, w, d], or tokens, [n, t, d]',
    );
  if (!channelsFirst(shape, source.layout)) return {count, height: a, width: b, channels: c, data};
  const places = b * c;
  const turned = new Float32Array(data.length);
  for (let image = 0; image < count; image++)
    for (let channel = 0; channel < a; channel++)
      for (let place = 0; place < places; place++)
        turned[(image * places + place) * a + channel] = data[(image * a + channel) * places + place]!;
  return {count, height: b, width: c, channels: a, data: turned};
}

/** Whether a map (n, a, b, c) has its channels before its places. */
export function channelsFirst([, a, b, c]: readonly number[], layout: ImageInput['layout']): boolean {
  return b === c && a !== b ? true : a === b && b !== c ? false : layout === 'NCHW';
}

/** The grid of patches has the image's shape; the first number of tokens from the left that makes it one is left out. */
function tokensOf({name, shape, data}: Output, {path, height, width}: Source): FeatureMaps {
  const [count = 0, tokens = 0, channels = 0] = shape;
  for (let extra = 0; extra < tokens; extra++) {
    const rows = Math.round(Math.sqrt(((tokens - extra) * height) / width));
    const columns = Math.round((rows * width) / height);
    if (rows * columns !== tokens - extra || rows * width !== columns * height) continue;
    const size = rows * columns * channels;
    const maps = new Float32Array(count * size);
    for (let image = 0; image < count; image++)
      maps.set(data.subarray((image + 1) * tokens * channels - size, (image + 1) * tokens * channels), image * size);
    return {count, height: rows, width: columns, channels, data: maps};
  }
  throw new ModelError(
    `the output "${name}" of ${path} is [${shape.join(', ')}]: no part of ${tokens} tokens is a grid for images of ${height} × ${width} pixels`,
  );
}
