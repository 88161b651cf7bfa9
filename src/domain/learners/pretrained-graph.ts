/** A network from an ONNX file as a part of an exported graph: images are stretched and normalised, then the file's own nodes follow. */
import type {MapOfGraph, Size} from '../../core/contracts/learner.ts';
import {channelsFirst, type ImageInput, ModelError, mapsOf, type Output} from '../../core/formats/image-model.ts';
import {findModel, openModel} from '../../core/formats/model-file.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import {readNetwork} from '../../core/formats/onnx/network.ts';
import {resampledGraph, weighting} from '../../core/nn/layers-graph.ts';
import {cropResize} from '../transforms/geometry.ts';

export interface Source {
  readonly path: string;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Of the network's input, for images of this size. */
  sides(input: ImageInput, images: Size): readonly [height: number, width: number];
}

/** One row for each image, (n, d). `wanted`: a tensor of the file; absent: its first output. */
export async function pooledGraph(
  builder: GraphBuilder,
  images: Value,
  size: Size,
  source: Source,
  wanted: string | undefined,
): Promise<Value> {
  const [found] = await spliced(builder, images, size, source, wanted === undefined ? [] : [wanted]);
  const {value, output} = found!;
  return output.shape.length === 2
    ? value
    : builder.node('Flatten', [builder.node('GlobalAveragePool', [mapOf(builder, found!).value])]);
}

export async function mapsGraph(
  builder: GraphBuilder,
  images: Value,
  size: Size,
  source: Source,
  wanted: readonly string[],
): Promise<readonly MapOfGraph[]> {
  return (await spliced(builder, images, size, source, wanted)).map((found) => mapOf(builder, found));
}

interface Spliced extends Size {
  readonly path: string;
  readonly layout: ImageInput['layout'];
  readonly value: Value;
  /** As the file gives it for one image. */
  readonly output: Output;
}

async function spliced(
  builder: GraphBuilder,
  images: Value,
  size: Size,
  source: Source,
  wanted: readonly string[],
): Promise<readonly Spliced[]> {
  const found = findModel(source.path, wanted);
  if (!found.ok) throw new ModelError(found.failures[0]!.message);
  const path = found.value.main;
  if (!/\.onnx$/i.test(path))
    throw new ModelError(`${path} is no ONNX file, and only those can become a part of another one`);
  const model = await openModel(path, wanted);
  try {
    const {layout, batch} = model.input;
    if (batch !== undefined)
      throw new ModelError(`${path} takes ${batch} images at once; only one that takes any number can be exported`);
    const [height, width] = source.sides(model.input, size);
    const outputs = await model.run({shape: [1, height, width], data: new Float32Array(3 * height * width)});
    const values = builder.splice(
      readNetwork(path),
      inputGraph(builder, images, {from: size, to: {height, width}, layout, source}),
      outputs.map(({name}) => name),
    );
    return outputs.map((output, i) => ({path, layout, height, width, output, value: values[i]!}));
  } finally {
    model.dispose();
  }
}

interface Input {
  readonly from: Size;
  readonly to: Size;
  readonly layout: ImageInput['layout'];
  readonly source: Source;
}

/** Images (n, h, w, 3) in [0, 1] → what the network takes. */
function inputGraph(builder: GraphBuilder, images: Value, {from, to, layout, source: {mean, std}}: Input): Value {
  const first = builder.node('Transpose', [images], {perm: [0, 3, 1, 2]});
  const along = (own: number, wanted: number) =>
    weighting(own, (data, channels) => {
      const line = {height: own, width: 1, channels, data};
      return cropResize(line, {top: 0, left: 0, height: own, width: 1}, wanted, 1).data;
    });
  const fits = from.height === to.height && from.width === to.width;
  const sized = fits
    ? first
    : resampledGraph(builder, first, along(from.height, to.height), along(from.width, to.width));
  const colours = (values: readonly number[]): Value => builder.constant(Float32Array.from(values), [1, 3, 1, 1]);
  const normalised = builder.node('Div', [builder.node('Sub', [sized, colours(mean)]), colours(std)]);
  return layout === 'NCHW' ? normalised : builder.node('Transpose', [normalised], {perm: [0, 2, 3, 1]});
}

/** As `mapsOf` reads maps and tokens. */
function mapOf(builder: GraphBuilder, {value, output, path, layout, height: h, width: w}: Spliced): MapOfGraph {
  const {height, width, channels} = mapsOf(output, {path, layout, height: h, width: w});
  const size = {height, width, channels};
  if (output.shape.length === 4 && channelsFirst(output.shape, layout)) return {...size, value};
  let last = value;
  if (output.shape.length === 3) {
    const tokens = output.shape[1]!;
    const ends = [tokens - height * width, tokens, 1].map((at) => builder.integers(at));
    last = builder.node('Reshape', [
      builder.node('Slice', [value, ...ends]),
      builder.integers(-1, height, width, channels),
    ]);
  }
  return {...size, value: builder.node('Transpose', [last], {perm: [0, 3, 1, 2]})};
}
