import {expect, test} from 'vitest';
import {differences} from '../../../src/core/base/diff.ts';
import {groupBy} from '../../../src/core/base/group.ts';

test.for([
  [{a: 1, b: {c: 2}}, {b: {c: 2}, a: 1}, []],
  [{a: 1}, {a: 2}, [{path: 'a', left: 1, right: 2}]],
  [{a: {b: 1}}, {a: {}}, [{path: 'a.b', left: 1, right: undefined}]],
  [{a: {b: 1}}, {a: 3}, [{path: 'a', left: {b: 1}, right: 3}]],
  [{a: [1, {x: 1}]}, {a: [1, {x: 2}]}, [{path: 'a', left: [1, {x: 1}], right: [1, {x: 2}]}]],
  [undefined, {a: 1}, [{path: '', left: undefined, right: {a: 1}}]],
  [null, null, []],
  [{a: undefined}, {}, []],
] as const)('%j and %j', ([left, right, expected]) => {
  expect(differences(left, right)).toEqual(expected);
});

test('groups keep the order of appearance', () => {
  expect([...groupBy([3, 1, 4, 1, 5], (it) => it % 2)]).toEqual([
    [1, [3, 1, 1, 5]],
    [0, [4]],
  ]);
});
