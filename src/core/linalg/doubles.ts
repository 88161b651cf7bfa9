/**
 * Products in double precision, which tfjs does not have but TensorFlow's library has: there a double travels as two int32 that are
 * then read as one (`Bitcast`), so that no digit is lost on the way.
 */
import {tf} from '../engine/engine.ts';
import type {Binding, NodeBackend} from '../engine/tensorflow/binding.ts';

/** TensorFlow's number of float64, which the binding does not name. */
const TF_DOUBLE = 2;

/** Row-major (rows, columns). */
export interface Doubles {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Whether the engine that runs has `doubleProduct`. */
export const hasDoubleProduct = (): boolean => tf !== undefined && tf.getBackend() === 'tensorflow';

/**
 * a·b, or aᵀ·b where `transposeA`: row-major, float64. Needs `hasDoubleProduct`. A row of a·b is the same bits whatever the
 * other rows of a are, as long as there are as many.
 */
export function doubleProduct(a: Doubles, b: Doubles, {transposeA = false} = {}): Float64Array {
  const {binding} = tf.backend() as unknown as NodeBackend;
  const attributes = [
    {name: 'T', type: binding.TF_ATTR_TYPE, value: TF_DOUBLE},
    {name: 'transpose_a', type: binding.TF_ATTR_BOOL, value: transposeA},
    {name: 'transpose_b', type: binding.TF_ATTR_BOOL, value: false},
  ];
  const held: number[] = [];
  try {
    const left = give(binding, a, held);
    const right = a === b ? left : give(binding, b, held);
    const product = keep(binding.executeOp('MatMul', attributes, [left, right], 1)[0]!.id, held);
    return take(binding, product, held);
  } finally {
    for (const id of held) binding.deleteTensor(id);
  }
}

function give(binding: Binding, {rows, columns, data}: Doubles, held: number[]): number {
  const words = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
  return bitcast(binding, keep(binding.createTensor([rows, columns, 2], binding.TF_INT32, words), held), 'in', held);
}

function take(binding: Binding, id: number, held: number[]): Float64Array {
  const words = binding.tensorDataSync(bitcast(binding, id, 'out', held));
  return new Float64Array(words.buffer, words.byteOffset, words.byteLength / 8);
}

function bitcast(binding: Binding, id: number, way: 'in' | 'out', held: number[]): number {
  const [from, to] = way === 'in' ? [binding.TF_INT32, TF_DOUBLE] : [TF_DOUBLE, binding.TF_INT32];
  const attributes = [
    {name: 'T', type: binding.TF_ATTR_TYPE, value: from},
    {name: 'type', type: binding.TF_ATTR_TYPE, value: to},
  ];
  return keep(binding.executeOp('Bitcast', attributes, [id], 1)[0]!.id, held);
}

function keep(id: number, held: number[]): number {
  held.push(id);
  return id;
}
