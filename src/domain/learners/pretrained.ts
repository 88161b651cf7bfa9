import {basename, dirname, join} from 'node:path';
import {succeed} from '../../core/base/result.ts';
import type {FeatureMaps, FloatImage, ImageSet} from '../../core/contracts/data.ts';
import {defineLearner, type Encoder, NoSuchMap, type Size, type View} from '../../core/contracts/learner.ts';
import {
  type ImageInput,
  type ImageModel,
  ModelError,
  mapsOf,
  type Output,
  pooledRows,
} from '../../core/formats/image-model.ts';
import {findModel, openModel} from '../../core/formats/model-file.ts';
import {floatImage} from '../../core/images/float-image.ts';
import {pathOption} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {cropResize} from '../transforms/geometry.ts';
import {pixelsAtOnce} from './layer.ts';
import {mapsGraph, pooledGraph, type Source} from './pretrained-graph.ts';

const threeNumbers = {minItems: 3, maxItems: 3} as const;

export const pretrained = defineLearner({
  name: 'pretrained',
  version: 1,
  summary:
    'Features of a network that was trained elsewhere, such as on ImageNet, from a local file (ONNX or TensorFlow.js).',
  paper: 'Sohn et al. 2021, rows "ResNet-50 (ImageNet)"; their input size is not given',
  layers: ['pool'],
  trains: false,
  augment: [],
  row: ({path}) => (/resnet[-_]?50/i.test(basename(path)) ? 'imagenet-resnet50' : 'pretrained'),
  files({path, output}) {
    const found = findModel(path, output === undefined ? [] : [output]);
    if (!found.ok) return found;
    const {main, outside} = found.value;
    return succeed([
      {name: 'path', path: main},
      ...outside.map((name) => ({name: `path/${name}`, path: join(dirname(main), name)})),
    ]);
  },
  options: Type.Object(
    {
      path: pathOption(
        'The network: an ONNX file, or model.json of a TensorFlow.js graph model. A file named resnet50 is compared with the ' +
          'papers’ ImageNet row; compare.row sets another row.',
      ),
      output: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'Name of the tensor to use; it may be inside the network: most files end in class scores, and the features come before. ' +
            'A tensor with height and width, or of tokens, is averaged over the places. Default: the first output. "localize" of type ' +
            '"places" names the tensors whose places it scores.',
        }),
      ),
      size: Type.Optional(
        Type.Integer({
          minimum: 8,
          maximum: 1024,
          description:
            'Side in pixels to which images are stretched (bilinear, no antialiasing). Default: the size that the file requires, or ' +
            'the size of the images if it requires none. The paper does not say; its 80.0 on CIFAR-10 suggests 32.',
        }),
      ),
      mean: Type.Array(Type.Number(), {
        ...threeNumbers,
        default: [0.485, 0.456, 0.406],
        description: 'Subtracted from the colours, which are in [0, 1]. Default: ImageNet’s.',
      }),
      std: Type.Array(Type.Number({exclusiveMinimum: 0}), {
        ...threeNumbers,
        default: [0.229, 0.224, 0.225],
        description: 'The colours are then divided by it. Default: ImageNet’s.',
      }),
    },
    {additionalProperties: false},
  ),
  create: (options) => ({
    /** Nothing is learnt; this only checks early that the network accepts such images. */
    async fit({images: {shape}}) {
      const encoder = encoderOf(options);
      try {
        await encoder.embed(
          {shape, count: 1, pixels: new Uint8Array(shape.height * shape.width * shape.channels)},
          'pool',
        );
      } finally {
        encoder.dispose();
      }
      return {weights: new Map(), curve: []};
    },
    encoder: () => encoderOf(options),
    foreignGraph: {
      pool: (builder, images, size) => pooledGraph(builder, images, size, sourceOf(options), options.output),
      maps: (builder, images, size, layers) => mapsGraph(builder, images, size, sourceOf(options), layers),
    },
  }),
});

interface Options {
  readonly path: string;
  readonly output?: string;
  readonly size?: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Opens the file with the first images, once for each choice of outputs. */
function encoderOf(options: Options): Encoder {
  const {path, output} = options;
  const opened = new Map<string, Promise<ImageModel>>();
  const open = (wanted: readonly string[]): Promise<ImageModel> => {
    const key = wanted.join('\n');
    if (!opened.has(key)) opened.set(key, openModel(path, wanted));
    return opened.get(key)!;
  };
  return {
    async embed(images, layer, view) {
      if (layer !== 'pool') throw new Error(`no layer "${layer}"; known: pool`);
      const model = await open(output === undefined ? [] : [output]);
      let data = new Float32Array(0);
      let columns = 0;
      for await (const {first, count, height, width, outputs} of batchesOf(model, images, options, view)) {
        const rows = pooledRows(outputs[0]!, {path, layout: model.input.layout, height, width});
        columns = rows.columns;
        if (first === 0) data = new Float32Array(images.count * columns);
        data.set(rows.data.subarray(0, count * columns), first * columns);
      }
      return {rows: images.count, columns, data};
    },
    async maps(images, layers, view) {
      const found = findModel(path, layers);
      if (!found.ok) throw new NoSuchMap(found.failures.map(({message, hint}) => `${message}. ${hint}`).join(' '));
      const model = await open(layers);
      const maps: FeatureMaps[] = [];
      for await (const {first, count, height, width, outputs} of batchesOf(model, images, options, view))
        for (const [i, made] of outputs.entries()) {
          const part = mapsOf(made, {path, layout: model.input.layout, height, width});
          const size = part.height * part.width * part.channels;
          maps[i] ??= {...part, count: images.count, data: new Float32Array(images.count * size)};
          maps[i].data.set(part.data.subarray(0, count * size), first * size);
        }
      return maps;
    },
    dispose() {
      for (const model of opened.values()) void model.then((one) => one.dispose()).catch(() => undefined); // set by open
    },
  };
}

interface Batch {
  /** Index of its first image. */
  readonly first: number;
  /** Of its images; outputs may have more rows, which are no image's. */
  readonly count: number;
  /** Of the network's input, in pixels. */
  readonly height: number;
  readonly width: number;
  readonly outputs: readonly Output[];
}

async function* batchesOf(
  model: ImageModel,
  images: ImageSet,
  options: Options,
  view: View = (image) => image,
): AsyncGenerator<Batch> {
  const [height, width] = sidesOf(model.input, images.shape, options);
  const size = height * width * 3;
  const {batch} = model.input;
  const atOnce = batch ?? Math.max(1, Math.floor(pixelsAtOnce / (height * width)));
  for (let first = 0; first < images.count; first += atOnce) {
    const count = Math.min(atOnce, images.count - first);
    const n = batch ?? count; // if the file fixes the batch, the last one is filled up with zeros
    const inputs = new Float32Array(n * size);
    for (let i = 0; i < count; i++) {
      const image = view(floatImage(images, first + i), first + i);
      inputs.set(inputOf(image, height, width, options), i * size);
    }
    yield {first, count, height, width, outputs: await model.run({shape: [n, height, width], data: inputs})};
  }
}

const sourceOf = (options: Options): Source => ({
  ...options,
  sides: (input, images) => sidesOf(input, images, options),
});

function sidesOf(input: ImageInput, shape: Size, {path, size}: Options): readonly [number, number] {
  for (const [side, name] of [
    [input.height, 'height'],
    [input.width, 'width'],
  ] as const)
    if (size !== undefined && side !== undefined && side !== size)
      throw new ModelError(`${path} takes images of ${name} ${side}, but "size" is ${size}. Remove "size".`);
  return [size ?? input.height ?? shape.height, size ?? input.width ?? shape.width];
}

/** (height, width, 3), normalised. */
function inputOf(image: FloatImage, height: number, width: number, {mean, std}: Options): Float32Array {
  const fits = image.height === height && image.width === width;
  const whole = {top: 0, left: 0, height: image.height, width: image.width};
  const {data} = fits ? image : cropResize(image, whole, height, width);
  return data.map((value, at) => (value - mean[at % 3]!) / std[at % 3]!);
}
