/** TensorFlow.js graph models: `model.json` and its shards of weights, run on the engine that was started. */
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {io} from '@tensorflow/tfjs';
import {type Tensor, type Tensor4D, tf} from '../../engine/engine.ts';
import {type ImageModel, imageInput, ModelError} from '../image-model.ts';

export interface GraphModelFile {
  readonly topology: io.ModelJSON['modelTopology'];
  /** Names of its nodes. */
  readonly nodes: readonly string[];
  readonly weights: io.WeightsManifestConfig;
  readonly signature: io.ModelJSON['signature'];
  /** Files with weights, relative to the model's folder. */
  readonly outside: readonly string[];
}

/** Throws if it is not a graph model. */
export function readGraphModel(path: string): GraphModelFile {
  const json = parsed(readFileSync(path, 'utf8'));
  if (json?.format === 'layers-model')
    throw new Error('it is a layers model: convert it with --output_format=tfjs_graph_model');
  if (json?.format !== 'graph-model' || !json.modelTopology || !json.weightsManifest)
    throw new Error('it needs "format": "graph-model", a topology and a list of weights');
  const {node = []} = json.modelTopology as {readonly node?: readonly {readonly name: string}[]};
  return {
    topology: json.modelTopology,
    nodes: node.map(({name}) => name),
    weights: json.weightsManifest,
    signature: json.signature,
    outside: json.weightsManifest.flatMap(({paths}) => paths),
  };
}

function parsed(text: string): Partial<io.ModelJSON> | null {
  try {
    return JSON.parse(text) as Partial<io.ModelJSON> | null;
  } catch {
    throw new Error('it is not JSON'); // the parser's own words differ between versions of Node
  }
}

/** `wanted`: tensors anywhere in it; none: its first output. */
export async function openGraphModel(path: string, wanted: readonly string[]): Promise<ImageModel> {
  const {topology, weights, signature, outside} = readGraphModel(path);
  const bytes = Buffer.concat(outside.map((name) => readFileSync(join(dirname(path), name))));
  const load = async () => ({
    modelTopology: topology,
    weightSpecs: weights.flatMap((group) => group.weights),
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
    ...(signature && {signature}),
  });
  const model = await tf.loadGraphModel({load}).catch((error: Error) => {
    throw new ModelError(`TensorFlow.js cannot load ${path}: ${error.message}`);
  });
  const [given, ...more] = model.inputs;
  if (!given || more.length > 0)
    throw new ModelError(`${path} has ${model.inputs.length} inputs; expected one, the images`);
  const input = imageInput(
    path,
    (given.shape ?? []).map((side) => (side > 0 ? side : undefined)),
  );
  const names = wanted.length > 0 ? [...wanted] : [model.outputs[0]!.name];
  return {
    input,
    async run({shape: [n, height, width], data}) {
      let made: readonly Tensor[];
      try {
        made = tf.tidy(() => {
          const x: Tensor4D = tf.tensor4d(data, [n, height, width, 3]);
          return [model.execute(input.layout === 'NHWC' ? x : tf.transpose(x, [0, 3, 1, 2]), names)].flat();
        });
      } catch (error) {
        throw new ModelError(
          `${path} cannot run on images of ${height} × ${width} pixels: ${(error as Error).message}`,
        );
      }
      const values = await Promise.all(made.map((tensor) => tensor.data<'float32'>()));
      for (const tensor of made) tensor.dispose();
      return names.map((name, i) => ({name, shape: made[i]!.shape, data: values[i]!}));
    },
    dispose: () => model.dispose(),
  };
}
