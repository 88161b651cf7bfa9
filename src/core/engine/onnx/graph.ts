/** What a function of tensors computes, recorded once as an ONNX graph, and run by ONNX Runtime from then on. */

import type {Value} from '../../formats/onnx/builder.ts';
import type {Body, Graph} from '../definition.ts';
import {type Tensor, tf, type Variable} from '../running.ts';
import {kernels} from './kernels.ts';
import {type LaidOutTensor, LayoutGraph} from './layout-graph.ts';
import {idOf, type Place, type Recording, record} from './recorder.ts';
import {type Numbers, openSession} from './session.ts';
import {blockSize} from './start.ts';
import {type Translate, Untranslated} from './translate.ts';

/**
 * Calls `body` once on `inputs`, without effect on `variables`; see `compile`. Undefined, with a warning for the first of a kind,
 * when it runs a kernel that no operator is known for.
 */
export function traceOnnxGraph(
  variables: readonly Variable[],
  body: Body,
  inputs: readonly Tensor[],
  threads: number,
): Graph | undefined {
  const given = [...inputs, ...variables];
  const shapes = given.map(({shape}) => shape);
  const places = given.map(idOf);
  const recording = record(variables, body, inputs);
  const outputs = [...recording.results, ...recording.moved.map(({value}) => value)];
  let model: Model;
  try {
    model = translate(recording, places, shapes);
  } catch (error) {
    if (!(error instanceof Untranslated)) throw error;
    process.emitWarning(`the onnx engine runs a step on wasm, because it has no operator for ${error.message}`);
    return undefined;
  }
  const {read} = model;
  const session = openSession(model.bytes, threads);
  const moved = recording.moved.map(({variable}) => variable);
  return {
    run(now) {
      const all = [...now, ...variables];
      const memory = tf.backend() as unknown as Memory;
      const made = outputs.map(({shape}) => memory.makeOutput(shape, 'float32'));
      // Views come last: a memory that grew has left earlier ones behind.
      const view = (info: Info): Numbers => ({data: memory.typedArrayFromHeap(info), shape: info.shape});
      session.run(
        Object.fromEntries(read.map((i) => [inputName(i), view(all[i] as unknown as Info)])),
        Object.fromEntries(made.map((info, i) => [outputName(i), view(info)])),
      );
      const tensors = made.map((info) => tf.engine().makeTensorFromTensorInfo(info as never));
      const results = tensors.slice(0, recording.results.length);
      for (const [i, variable] of moved.entries()) {
        const value = tensors[results.length + i]!;
        variable.assign(value);
        value.dispose();
      }
      return results;
    },
    dispose: () => session.dispose(),
  };
}

/** What the wasm backend does not declare: its memory, in which inputs are read and into which results are written without a copy. */
interface Memory {
  makeOutput(shape: readonly number[], dtype: 'float32'): Info;
  typedArrayFromHeap(info: Info): Float32Array;
}
interface Info {
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: string;
}

interface Model {
  readonly bytes: Uint8Array;
  /** Which of the given tensors it reads. */
  readonly read: readonly number[];
}

const inputName = (i: number): string => `given_${i}`;
const outputName = (i: number): string => `made_${i}`;

function translate(
  {calls, constants, results, moved}: Recording,
  places: readonly object[],
  shapes: readonly (readonly number[])[],
): Model {
  const graph = new LayoutGraph(blockSize());
  const known = new Map<object, LaidOutTensor>();
  const fixed = new Map(constants.map((constant) => [constant.data, constant]));
  const read: number[] = [];

  /** The tensor itself, or reshaped: its data may have been known under another shape. */
  const find = ({data, shape}: Place): LaidOutTensor => {
    const found = known.get(data)!;
    if (String(found.shape) === String(shape)) return found;
    return {
      shape,
      plain: graph.once(`${graph.plain(found)} as ${shape}`, () => graph.reshape(graph.plain(found), shape)),
    };
  };

  const learn = (place: Place): void => {
    if (known.has(place.data)) return;
    const i = places.indexOf(place.data);
    if (i >= 0) {
      read.push(i);
      known.set(place.data, {shape: shapes[i]!, plain: graph.builder.input(inputName(i), shapes[i]!, '')});
      return;
    }
    const constant = fixed.get(place.data);
    if (constant === undefined) throw new Error('Internal error: a tensor of unknown origin');
    const values =
      constant.dtype === 'float32'
        ? (constant.values as Float32Array)
        : BigInt64Array.from(constant.values as Int32Array, BigInt);
    known.set(place.data, {shape: place.shape, plain: graph.builder.constant(values, place.shape)});
  };

  // Only what the outputs need.
  const wanted = new Set([...results, ...moved.map(({value}) => value)].map(({data}) => data));
  for (const call of [...calls].reverse())
    if (call.outputs.some(({data}) => wanted.has(data)))
      for (const {data} of Object.values(call.inputs)) wanted.add(data);
  for (const call of calls) {
    if (!call.outputs.some(({data}) => wanted.has(data))) continue;
    const kernel = kernels[call.kernel] as Translate<unknown> | undefined;
    if (kernel === undefined) throw new Untranslated(call.kernel);
    for (const place of Object.values(call.inputs)) learn(place);
    const inputs = Object.fromEntries(Object.entries(call.inputs).map(([name, place]) => [name, find(place)]));
    const made = kernel(
      graph,
      inputs,
      call.attrs,
      call.outputs.map(({shape}) => shape),
    );
    for (const [i, {data}] of call.outputs.entries()) known.set(data, made[i]!);
  }
  for (const [i, place] of [...results, ...moved.map(({value}) => value)].entries()) {
    learn(place);
    const value: Value = graph.plain(find(place));
    graph.builder.output(outputName(i), value, place.shape, '');
  }
  const bytes = graph.builder.finish({producer: 'pipeline', version: '', doc: '', metadata: {}});
  return {bytes, read};
}
