// @module-tag slow
/** Faults planted in the kernels of whatever processor this is: each is found, and what replaces the kernel is right. */
import {existsSync, mkdtempSync, readFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {Checker} from '../../../../src/core/engine/check/checker.ts';
import {takeKernelChecks} from '../../../../src/core/engine/check/findings.ts';
import {interceptKernels} from '../../../../src/core/engine/check/intercept.ts';
import {VerdictFile} from '../../../../src/core/engine/check/verdicts.ts';
import type {ResolvedEngine} from '../../../../src/core/engine/contract.ts';
import {startEngine, type Tensor, type Tensor1D, type Tensor4D, tf} from '../../../../src/core/engine/engine.ts';
import type {NodeBackend} from '../../../../src/core/engine/tensorflow/binding.ts';
import {trainBatchNorm} from '../../../../src/core/nn/batch-norm.ts';
import {compile} from '../../../../src/core/nn/compile.ts';
import {conv2d} from '../../../../src/core/nn/convolution.ts';
import {convolution, convolutionInputs, relativeError} from '../../../rig/convolution-loops.js';
import {plant} from '../../../rig/faulty-kernels.js';
import {engines} from '../../../rig/tensors.ts';

const {tensorflow} = engines;
const shapeOf = (c: number) => ({n: 2, h: 6, w: 5, c, f: 7, k: 3, stride: 1});
const guards = ['/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64', '/lib/aarch64-linux-gnu', '/usr/lib'].some((folder) =>
  existsSync(join(folder, 'libc_malloc_debug.so.0')),
);

describe.skipIf(typeof tensorflow === 'string')('a planted fault', () => {
  let undo: () => void;
  const path = join(mkdtempSync(join(tmpdir(), 'pipeline-test-planted-')), 'kernels.ndjson');
  /** What is computed by the kernels as they are now. */
  const computed = (c: number, {compiled = false} = {}) => {
    const shape = shapeOf(c);
    const given = convolutionInputs(shape);
    const {n, h, w, f, k} = shape;
    const inputs: Tensor[] = [
      tf.tensor(given.x, [n, h, w, c]),
      tf.tensor(given.filter, [k, k, c, f]),
      tf.tensor(given.dy, [n, h, w, f]),
    ];
    const body = ([x, filter, dy]: readonly Tensor[]): Tensor[] => {
      const convolve = (a: Tensor, b: Tensor): Tensor => conv2d(a as Tensor4D, b as Tensor4D, 1);
      const {value, grads} = tf.valueAndGrads(convolve)([x!, filter!], dy!);
      return [value, ...grads];
    };
    const results = compiled ? compile([], body).run(inputs) : tf.tidy(() => body(inputs));
    const want = convolution(shape, given);
    const [y, dx, dfilter] = results.map((result) => result.dataSync());
    tf.dispose([...inputs, ...results]);
    return [relativeError(y!, want.y), relativeError(dx!, want.dx), relativeError(dfilter!, want.dfilter)];
  };
  const expectRight = (errors: readonly number[]) => expect(Math.max(...errors)).toBeLessThan(1e-5);
  const faults = new URL('../../../rig/faulty-kernels.js', import.meta.url).href;
  // Seconds, for a machine that does other things besides: what hangs is waited for once.
  const checker = (engine = tensorflow as ResolvedEngine) =>
    new Checker({engine, file: new VerdictFile(path), faults, limit: 8_000});
  // One for all tests: to start its process takes longer than what it tries.
  const common = checker();
  const check = (one = common) => interceptKernels(tf, 'tensorflow', one).undo;

  beforeAll(async () => {
    await startEngine({...(tensorflow as ResolvedEngine), unchecked: true});
    plant(tf.backend() as unknown as NodeBackend);
  });
  beforeEach(() => {
    undo = check();
    takeKernelChecks();
  });
  afterEach(() => undo());

  test('is there: without the check all three results are wrong', () => {
    undo();
    for (const error of [...computed(20), ...computed(21)]) expect(error).toBeGreaterThan(0.1);
    undo = check();
  });

  const found = (c: number) => {
    const errors = computed(c);
    const {replaced} = takeKernelChecks()!;
    return {errors, verdicts: Object.fromEntries(replaced.map(({kernel, verdict}) => [kernel, verdict]))};
  };

  test.for([
    [20, 'in the last channels', {Conv2D: 'wrong', Conv2DBackpropInput: 'wrong', Conv2DBackpropFilter: 'wrong'}],
    [21, 'at a border', {Conv2D: 'wrong', Conv2DBackpropInput: 'wrong', Conv2DBackpropFilter: 'wrong'}],
    [22, 'in one image, and one that throws', {Conv2D: 'wrong', Conv2DBackpropInput: 'fails'}],
    [23, 'that is not a number', {Conv2D: 'wrong'}],
    [24, 'that crashes, and one that hangs', {Conv2DBackpropInput: 'crashes', Conv2DBackpropFilter: 'hangs'}],
  ] as const)('%i channels: %s is found and replaced', ([channels, , expected]) => {
    const {errors, verdicts} = found(channels);
    expect(verdicts).toEqual(expected);
    expectRight(errors);
  });

  test('in the gradient of batch normalisation is found and replaced', () => {
    const [rows, channels] = [60, 20];
    const [x, dy] = [1, 2].map((seed) => tf.randomNormal([3, 4, 5, channels], 0, 1, 'float32', seed) as Tensor4D);
    const [ones, zeros] = [tf.ones([channels]) as Tensor1D, tf.zeros([channels]) as Tensor1D];
    const running = {mean: zeros, variance: ones, momentum: 0.9};
    const dx = tf
      .grad((input) => trainBatchNorm(input as Tensor4D, ones, zeros, running, 0).y)(x!, dy!)
      .dataSync();
    expect(takeKernelChecks()!.replaced.map(({kernel, verdict}) => [kernel, verdict])).toEqual([
      ['TrainBatchNormGrad', 'wrong'],
    ]);
    const [given, slopes] = [x!.dataSync(), dy!.dataSync()];
    const mean = (value: (row: number) => number) =>
      Array.from({length: rows}, (_, row) => value(row)).reduce((sum, one) => sum + one, 0) / rows;
    // dx = (dy − mean(dy) − y · mean(dy · y)) / σ, in the channel that was spoilt.
    const place = (row: number) => row * channels + channels - 1;
    const centre = mean((row) => given[place(row)]!);
    const deviation = Math.sqrt(mean((row) => (given[place(row)]! - centre) ** 2));
    const y = (row: number) => (given[place(row)]! - centre) / deviation;
    const [slope, product] = [mean((row) => slopes[place(row)]!), mean((row) => slopes[place(row)]! * y(row))];
    for (let row = 0; row < rows; row++)
      expect(dx[place(row)]).toBeCloseTo((slopes[place(row)]! - slope - y(row) * product) / deviation, 4);
    tf.dispose([x!, dy!, ones, zeros]);
  });

  test.skipIf(!guards)('that writes outside its memory, with right values, is found by the guards', () => {
    const {errors, verdicts} = found(25);
    expect(verdicts).toEqual({Conv2DBackpropFilter: 'crashes'});
    expectRight(errors);
  });

  test('is replaced inside `compile`, too', () => {
    for (const channels of [20, 21, 22]) expectRight(computed(channels, {compiled: true}));
  });

  test('is known to the next process from the file, which asks nobody', () => {
    found(20);
    undo();
    // Where a process had to be started, that would be an error.
    undo = check(checker({...(tensorflow as ResolvedEngine), library: '/nowhere'}));
    const {errors, verdicts} = found(20);
    expectRight(errors);
    expect(verdicts).toEqual({Conv2D: 'wrong', Conv2DBackpropInput: 'wrong', Conv2DBackpropFilter: 'wrong'});
  });

  test('that nothing can replace is an error that names kernel and shape', () => {
    const pool = () => tf.maxPool(tf.ones([1, 4, 4, 20]) as Tensor4D, 2, 2, 'valid');
    expect(() => tf.tidy(pool)).toThrow(/kernel MaxPool \(x 1×4×4×20.*\) is wrong on this processor/);
  });

  test('that throws in every way counts as the call’s own: the error has the reason, and nothing is kept of it', () => {
    const pool = () => tf.maxPool(tf.ones([1, 4, 4, 21]) as Tensor4D, 2, 2, 'valid');
    const before = readFileSync(path, 'utf8');
    for (let time = 0; time < 2; time++)
      expect(() => tf.tidy(pool)).toThrow(/^TensorFlow refuses MaxPool of x 1×4×4×21.*: the window does not fit$/);
    expect(takeKernelChecks()).toBeUndefined();
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});
