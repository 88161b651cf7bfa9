/** Files that ONNX Runtime runs, and that say what they are. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {GraphBuilder} from '../../../../src/core/formats/onnx/builder.ts';
import {readOnnx} from '../../../../src/core/formats/onnx/file.ts';
import {startOnnx} from '../../../../src/core/formats/onnx/runtime.ts';
import {temporaryFolder} from '../../../rig/archives.ts';

const about = {producer: 'test', version: '1.2', doc: 'A test.', metadata: {run: 'a', threshold: '-0.5'}};

/** x (N, 3) → the two largest of each row times 2, reversed; and x as it is. */
function build(): Uint8Array {
  const builder = new GraphBuilder();
  const x = builder.input('x', ['N', 3], 'Numbers.');
  const top = builder.node('TopK', [x, builder.integers(2)], {axis: -1}, {outputs: 2});
  const [from, to, axis, step] = [-1, Number.MIN_SAFE_INTEGER, 1, -1].map((value) => builder.integers(value));
  const reversed = builder.node('Slice', [builder.toDouble(top), from!, to!, axis!, step!]);
  builder.output('y', builder.toFloat(builder.node('Mul', [reversed, builder.double(2)])), ['N', 2], '');
  const slope = builder.node('LeakyRelu', [x], {alpha: {float: 0.25}});
  builder.output('z', builder.node('Transpose', [slope], {perm: [1, 0]}), [3, 'N'], '');
  return builder.finish(about);
}

test('integers, lists, floats, doubles and operators of several outputs', async () => {
  const runner = await startOnnx(build());
  const x = {name: 'x', shape: [2, 3], data: Float32Array.of(1, 3, 2, -4, 0, -8)};
  expect(await runner.run(x, 'y')).toEqual(Float32Array.of(4, 6, -8, 0));
  expect(await runner.run(x, 'z')).toEqual(Float32Array.of(1, -1, 3, 0, 2, -2));
  await runner.dispose();
});

test('a model has its metadata', () => {
  const place = temporaryFolder('onnx');
  const file = join(place.folder, 'model.onnx');
  const bytes = build();
  writeFileSync(file, bytes);
  expect(readOnnx(file)).toMatchObject({outputs: ['y', 'z'], outside: []});
  place.remove();
  for (const text of ['test', '1.2', 'A test.', 'run', 'threshold', '-0.5'])
    expect(Buffer.from(bytes).includes(text)).toBe(true);
});

test('its size is known before its bytes are made, and is that of what outputs need', () => {
  const builder = new GraphBuilder();
  const x = builder.input('x', ['N', 3], '');
  builder.node('Add', [x, builder.constant(new Float32Array(1e6), [1e6])]);
  builder.output('y', builder.node('Add', [x, builder.constant(new Float32Array(3e4), [1e4, 3])]), ['N', 3], '');
  const {length} = builder.finish(about);
  expect(builder.size).toBeGreaterThan(12e4);
  expect(length - builder.size).toBeGreaterThan(0);
  expect(length - builder.size).toBeLessThan(500);
});
