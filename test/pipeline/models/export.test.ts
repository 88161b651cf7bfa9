import {expect, test} from 'vitest';
import {refuseLargeFile} from '../../../src/pipeline/models/export.ts';

test('a model beyond the size of an ONNX file is refused with its whole size', () => {
  expect(() => refuseLargeFile(2 ** 31 - 1, false)).not.toThrow();
  expect(() => refuseLargeFile(3.5e9, false)).toThrow(
    /the model would have 3\.\d GB, more than an ONNX file may have \(2\.\d GB\)/,
  );
  expect(() => refuseLargeFile(2 ** 31, true)).toThrow('more than an ONNX file may have');
});
