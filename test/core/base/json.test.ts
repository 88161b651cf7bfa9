import fc from 'fast-check';
import {expect, test} from 'vitest';
import {parse} from 'yaml';
import type {Json} from '../../../src/core/base/canonical.ts';
import {flowText, jsonText} from '../../../src/core/base/json.ts';

test('a value in flow style reads as in a spec', () => {
  expect(flowText({type: 'oc-svm', nu: 0.2, layers: ['pool', 'level-7'], head: []})).toBe(
    '{type: oc-svm, nu: 0.2, layers: [pool, level-7], head: []}',
  );
  expect(flowText(['true', '1e3', 'a b', '', 'a: b'])).toBe('["true", "1e3", "a b", "", "a: b"]');
});

test('YAML reads it as the same value', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('yes', 'No', '0x1f', '0o7', '.5', '-', '1_000', 'null', '~', '2026-01-01'),
  );
  const {value} = fc.letrec<{value: Json}>((tie) => ({
    value: fc.oneof(
      {maxDepth: 3},
      fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.double({noNaN: true, noDefaultInfinity: true})),
      fc.array(tie('value'), {maxLength: 4}),
      fc.dictionary(text, tie('value'), {maxKeys: 4}),
    ),
  }));
  fc.assert(
    fc.property(value, (it) => {
      expect(JSON.stringify(parse(flowText(it), {merge: false}))).toBe(JSON.stringify(it));
    }),
    {numRuns: 500, seed: 1},
  );
});

test('numbers that JSON does not have are printed by name', () => {
  expect(JSON.parse(jsonText([Number.NaN, Number.NEGATIVE_INFINITY, 1]))).toEqual(['NaN', '-Infinity', 1]);
});
