import {mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {NamedArrays} from '../../../../src/core/contracts/data.ts';
import {readArrays, writeArrays} from '../../../../src/core/formats/arrow/arrays.ts';
import {type FeatureChunk, readFeatures, writeFeatures} from '../../../../src/core/formats/arrow/features.ts';
import {imagesInfo} from '../../../../src/core/formats/arrow/images.ts';
import {
  readCurve,
  readMetrics,
  readScores,
  writeCurve,
  writeMetrics,
  writeScores,
} from '../../../../src/core/formats/arrow/small.ts';

const folder = mkdtempSync(join(tmpdir(), 'tables-'));
let files = 0;
const fresh = (): string => join(folder, `${files++}.arrow`);
const classNames = ['normal', 'größer ✓'];

const chunk = (rows: number, columns: number, start = 0): FeatureChunk => ({
  features: {rows, columns, data: Float32Array.from({length: rows * columns}, (_, i) => Math.fround(start + i / 3))},
  classes: Int32Array.from({length: rows}, (_, i) => i % 2),
});

test.each([[[]], [[0]], [[1]], [[3, 1, 0, 5]]])(
  'features in chunks of %o rows come back as one matrix',
  async (sizes) => {
    const path = fresh();
    const chunks = sizes.map((rows, i) => chunk(rows, 7, i * 100));
    const rows = sizes.reduce((a, b) => a + b, 0);
    expect(await writeFeatures(path, chunks, {columns: 7, classNames})).toBe(rows);
    const read = await readFeatures(path);
    expect(read.features).toEqual({
      rows,
      columns: 7,
      data: Float32Array.from(chunks.flatMap(({features}) => [...features.data])),
    });
    expect([...read.classes]).toEqual(chunks.flatMap(({classes}) => [...classes]));
    expect(read.classNames).toEqual(classNames);
  },
);

test('features of another width are refused', async () => {
  await expect(writeFeatures(fresh(), [chunk(2, 3)], {columns: 4, classNames})).rejects.toThrow(
    'expected 4 features in each row, but got 3',
  );
});

test('scores keep every bit', async () => {
  const path = fresh();
  const scores = Float64Array.of(0, -0, 1 / 3, -1e308, 5e-324);
  await writeScores(path, {scores, classes: Int32Array.of(0, 1, 1, 0, 1), classNames});
  expect(await readScores(path)).toEqual({scores, classes: Int32Array.of(0, 1, 1, 0, 1), classNames});
  const none = fresh();
  await writeScores(none, {scores: new Float64Array(), classes: new Int32Array(), classNames});
  expect(await readScores(none)).toEqual({scores: new Float64Array(), classes: new Int32Array(), classNames});
});

test('named arrays keep order, shapes and views', async () => {
  const path = fresh();
  const pool = Float32Array.from({length: 20}, (_, i) => i);
  const arrays = new Map([
    ['z/kernel', {shape: [2, 3], data: pool.subarray(5, 11)}],
    ['a/step', {shape: [], data: Float32Array.of(7)}],
    ['empty', {shape: [0, 4], data: new Float32Array()}],
    ['bias', {shape: [3], data: Float32Array.of(Number.NaN, -0, Number.POSITIVE_INFINITY)}],
  ]);
  await writeArrays(path, arrays);
  const read = await readArrays(path);
  expect([...read]).toEqual([...arrays]);
  expect([...read.keys()]).toEqual(['z/kernel', 'a/step', 'empty', 'bias']);
  const none = fresh();
  await writeArrays(none, new Map());
  expect((await readArrays(none)).size).toBe(0);
  await expect(writeArrays(fresh(), new Map([['w', {shape: [2], data: pool}]]))).rejects.toThrow(
    'array "w" has 20 values for shape [2]',
  );
});

test("arrays that a plug-in's classifier saves otherwise are refused in words", async () => {
  for (const [saved, message] of [
    [{w: 1}, 'what is saved must be a Map of names to {shape, data}; it is of the kind Object'],
    [undefined, 'what is saved must be a Map of names to {shape, data}; it is undefined'],
    [new Map([['w', [1, 2]]]), 'what is saved as "w" must be {shape: number[], data: Float32Array}'],
  ] as const)
    await expect(writeArrays(fresh(), saved as unknown as NamedArrays)).rejects.toThrow(message);
});

test('curves, with accuracy and without', async () => {
  const path = fresh();
  const curve = [
    {epoch: 1, loss: 1.5, accuracy: 0.25, learningRate: 0.1},
    {epoch: 2, loss: 1 / 3, learningRate: 0.05},
  ];
  await writeCurve(path, curve);
  expect(await readCurve(path)).toEqual(curve);
  await writeCurve(`${path}.none`, []);
  expect(await readCurve(`${path}.none`)).toEqual([]);
});

test('metrics, also undefined ones', async () => {
  const path = fresh();
  const metrics = new Map([
    ['auc', 0.1 + 0.2],
    ['fpr95', Number.NaN],
  ]);
  await writeMetrics(path, metrics);
  expect(await readMetrics(path)).toEqual(metrics);
});

test('equal content gives equal bytes', async () => {
  const [one, two] = [fresh(), fresh()];
  for (const path of [one, two]) await writeFeatures(path, [chunk(5, 3), chunk(2, 3)], {columns: 3, classNames});
  expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
  for (const path of [one, two]) await writeMetrics(`${path}.m`, new Map([['auc', 0.5]]));
  expect(readFileSync(`${one}.m`).equals(readFileSync(`${two}.m`))).toBe(true);
});

test('a file that is not a table, incomplete, missing or of another kind is an error that names it', async () => {
  const path = fresh();
  await writeMetrics(path, new Map([['auc', 0.5]]));
  await expect(imagesInfo(path)).rejects.toThrow(`cannot read ${path}: expected a table of images, but got metrics`);
  const cut = fresh();
  writeFileSync(cut, readFileSync(path).subarray(0, 100));
  await expect(readMetrics(cut)).rejects.toThrow(`cannot read ${cut}: it is not an Arrow file, or it is incomplete`);
  const empty = fresh();
  writeFileSync(empty, '');
  await expect(readMetrics(empty)).rejects.toThrow(
    `cannot read ${empty}: it is not an Arrow file, or it is incomplete`,
  );
  await expect(readMetrics('/nowhere.arrow')).rejects.toThrow('cannot read /nowhere.arrow: ENOENT');
  const garbled = fresh();
  const bytes = Buffer.from(readFileSync(path));
  bytes.writeInt32LE(1 << 28, bytes.length - 10);
  writeFileSync(garbled, bytes);
  await expect(readMetrics(garbled)).rejects.toThrow(`cannot read ${garbled}`);
});
