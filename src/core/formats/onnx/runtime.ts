/** ONNX models, run by ONNX Runtime on the CPU, whatever the engine. Imports onnxruntime-node when asked, as the engine `onnx` does. */
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {type ImageModel, imageInput, ModelError} from '../image-model.ts';
import {appendOutput, readOnnx} from './file.ts';

/** npm installs it if it can: its install script downloads libraries for GPUs, and if that fails npm leaves it out. */
async function loadRuntime() {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ModelError(
      'ONNX Runtime is not installed; run "npm install --ignore-scripts onnxruntime-node" in the folder of the package',
    );
  }
}

/** `wanted`: tensors anywhere in it; none: its first output. */
export async function openOnnx(path: string, wanted: readonly string[]): Promise<ImageModel> {
  const {InferenceSession, Tensor} = await loadRuntime();
  const session = await open().catch((error: Error) => {
    throw new ModelError(`ONNX Runtime cannot load ${path}: ${error.message.trim()}`);
  });
  const [name, ...more] = session.inputNames as [string, ...string[]];
  if (more.length > 0) throw new ModelError(`${path} has ${1 + more.length} inputs; expected one, the images`);
  const given = session.inputMetadata[0]!;
  if (!given.isTensor || given.type !== 'float32')
    throw new ModelError(
      `the input "${name}" of ${path} is of ${given.isTensor ? given.type : 'no tensors'}; expected float32`,
    );
  const input = imageInput(
    path,
    given.shape.map((side) => (typeof side === 'number' ? side : undefined)),
  );
  const names = wanted.length > 0 ? wanted : [session.outputNames[0]!];
  return {
    input,
    async run({shape: [n, height, width], data}) {
      const shape = input.layout === 'NHWC' ? [n, height, width, 3] : [n, 3, height, width];
      const images = input.layout === 'NHWC' ? data : channelsFirst(data, n, height * width);
      const results = await session.run({[name]: new Tensor('float32', images, shape)}, names).catch((error: Error) => {
        throw new ModelError(`${path} cannot run on images of ${height} × ${width} pixels: ${error.message.trim()}`);
      });
      return names.map((output) => {
        const {type, dims, data: values} = results[output]!;
        if (type !== 'float32')
          throw new ModelError(`the output "${output}" of ${path} is of ${type}; expected float32`);
        return {name: output, shape: dims, data: values as Float32Array};
      });
    },
    dispose: () => void session.release(),
  };

  function open() {
    const options = {logSeverityLevel: 3} as const; // only errors
    const {outputs, outside} = readOnnx(path);
    const inner = wanted.filter((tensor) => !outputs.includes(tensor));
    if (inner.length === 0) return InferenceSession.create(path, options);
    // ONNX Runtime only returns outputs, so inner tensors are made outputs.
    return InferenceSession.create(inner.reduce(appendOutput, readFileSync(path)), {
      ...options,
      externalData: outside.map((name) => ({path: name, data: readFileSync(join(dirname(path), name))})),
    });
  }
}

interface NamedInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A model with several named outputs, such as those that `pipeline export` writes. */
export interface OnnxRunner {
  /** The values of a float32 output. */
  run(input: NamedInput, output: string): Promise<Float32Array>;
  /** The sizes of an output. */
  shapeOf(input: NamedInput, output: string): Promise<readonly number[]>;
  dispose(): Promise<void>;
}

/** Throws ONNX Runtime's message for a file that it cannot load. */
export async function startOnnx(model: Uint8Array): Promise<OnnxRunner> {
  const {InferenceSession, Tensor} = await loadRuntime();
  const session = await InferenceSession.create(model, {logSeverityLevel: 3});
  const compute = async ({name, shape, data}: NamedInput, output: string) =>
    (await session.run({[name]: new Tensor('float32', data, shape)}, [output]))[output]!;
  return {
    run: async (input, output) => (await compute(input, output)).data as Float32Array,
    shapeOf: async (input, output) => (await compute(input, output)).dims,
    dispose: () => session.release(),
  };
}

/** (n, pixels, 3) → (n, 3, pixels). */
function channelsFirst(images: Float32Array, n: number, pixels: number): Float32Array {
  const turned = new Float32Array(images.length);
  for (let image = 0, from = 0; image < n; image++)
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let channel = 0; channel < 3; channel++) turned[(3 * image + channel) * pixels + pixel] = images[from++]!;
  return turned;
}
