import {expect, test} from 'vitest';
import {checkValue} from '../../../src/core/plugin/check.ts';
import type {Schema} from '../../../src/core/plugin/describe.ts';
import {spaceShape} from '../../../src/pipeline/search/read-space.ts';
import {mixed, read, spaceOf} from './spaces.ts';

/** Each issue on a line: where, what, what to do. */
const issuesOf = (written: unknown, constants = {}) =>
  read(written, constants).issues.map(
    ({path, at, message, hint}) => `${path.slice(2).join(' > ')} (${at}): ${message} | ${hint}`,
  );

test.for<[string, unknown, string]>([
  [
    'not a mapping',
    ['a'],
    ' (value): expected "space" to be a mapping of paths to what they may be, but got ["a"] | Example: {learner.batch: [32, 64, 128]}.',
  ],
  [
    'empty',
    {},
    ' (value): expected "space" to be a mapping of paths to what they may be, but got an empty mapping | Example: {learner.batch: [32, 64, 128]}.',
  ],
  [
    'a scalar',
    {a: 3},
    'a (value): expected "a" to be a list of values or a mapping, but got 3 | Examples: {log: [0.001, 0.1]}, {integer: [16, 512]} or a list of values.',
  ],
  [
    'no domain',
    {a: {step: 3}},
    'a (value): expected "a" to have one of the keys uniform, log, integer, choice | Examples: {log: [0.001, 0.1]}, {integer: [16, 512]} or a list of values.',
  ],
  [
    'two domains',
    {a: {uniform: [0, 1], log: [1, 2]}},
    'a > log (value): "a" has both "uniform" and "log"; expected only one of them | Remove one of the two.',
  ],
  [
    'three bounds',
    {a: {uniform: [0, 1, 2]}},
    'a > uniform (value): expected "uniform" to be a list of the lowest and the highest value, such as [0.05, 0.9], but got [0, 1, 2] | undefined',
  ],
  [
    'a text as bound',
    {a: {uniform: ['0', 1]}},
    'a > uniform > 0 (value): expected "uniform[0]" to be a number, but got "0" | Write 0 without quotes.',
  ],
  [
    'fractions as integers',
    {a: {integer: [0.5, 3]}},
    'a > integer > 0 (value): expected "integer[0]" to be an integer, but got 0.5 | undefined',
  ],
  [
    'bounds in the wrong order',
    {a: {uniform: [1, 0]}},
    'a > uniform (value): expected the first bound of "a" to be below the second, but got [1, 0] | Write [0, 1].',
  ],
  [
    'one value',
    {a: {integer: [3, 3]}},
    'a > integer (value): expected the first bound of "a" to be below the second, but got [3, 3] | Write the value into the spec, outside "search".',
  ],
  [
    'log of 0',
    {a: {log: [0, 1]}},
    'a > log > 0 (value): expected "log[0]" to be a number above 0, but got 0 | undefined',
  ],
  [
    'integer log of 0',
    {a: {integer: [0, 9], log: true}},
    'a > integer (value): expected the bounds of "a" to be above 0 on a log scale, but got 0 | Raise the lower bound.',
  ],
  [
    'log and step',
    {a: {integer: [1, 9], log: true, step: 2}},
    'a > step (key): "a" has both "log" and "step"; expected only one of them | Remove "step", or list the values.',
  ],
  [
    'a step that misses the end',
    {a: {uniform: [0, 1], step: 0.3}},
    'a > step (value): steps of 0.3 do not lead from 0 to 1 in "a" | Write 0.9 as the upper bound, or another step.',
  ],
  [
    'an unknown key',
    {a: {uniform: [0, 1], steps: 0.1}},
    'a > steps (key): "a" has no key "steps" | Did you mean "step"? (a number above 0)',
  ],
  [
    'no choice',
    {a: []},
    'a > choice (value): expected "choice" to be a list of at least one value, but got an empty list | undefined',
  ],
  ['a choice twice', {a: [1, 2, 1]}, 'a > 2 (value): "a" has 1 twice | Remove one of the two.'],
  [
    'a choice twice, written out',
    {a: {choice: [{b: 1}, {b: 1}]}},
    'a > choice > 1 (value): "a" has a mapping twice | Remove one of the two.',
  ],
  [
    'a choice that is not JSON',
    {a: [1, Number.NaN]},
    'a > 1 (value): "a" has the value .nan, which JSON does not have | undefined',
  ],
  [
    'a tuple with a range',
    {'a.b, a.c': {uniform: [0, 1]}},
    'a.b, a.c (value): "a.b, a.c" are several paths, which need a list of values | Example: [[1, 2], …].',
  ],
  [
    'a tuple too short',
    {'a.b, a.c': [[1, 2], [3]]},
    'a.b, a.c > 1 (value): expected a list of 2 values, one for each of "a.b, a.c", but got [3] | Example: [a, b].',
  ],
  [
    'a part that cannot vary',
    {seeds: [1, 2]},
    'seeds (key): "seeds" cannot vary in a search | Vary the learner, the classifiers or another part of the experiment.',
  ],
  ['not a path', {'a..b': [1]}, 'a..b (key): "a..b" is not a path | Example: learner.batch.'],
  ['a prototype', {'a.__proto__': [1]}, 'a.__proto__ (key): "a.__proto__" is not a path | Example: learner.batch.'],
])('%s', ([, written, issue]) => {
  expect(issuesOf(written)).toEqual([issue]);
});

test('paths that are one option, and paths inside another', () => {
  expect(issuesOf({'dataset.normal_classes': [1, 2], 'dataset.inliers': [1, 2]})[0]).toBe(
    'dataset.normal_classes (key): "dataset.normal_classes" and "dataset.inliers" are one option, which varies twice | Keep one of them.',
  );
  expect(issuesOf({'learner.network': ['small'], 'learner.network.width': [1, 2]})).toEqual([
    'learner.network.width (key): "learner.network.width" is inside "learner.network", which also varies | Vary parts of it, such as "learner.network.type", and use "when".',
  ]);
});

test('what trials are compared on cannot vary', () => {
  expect(issuesOf({'dataset.validation.fraction': [0.1, 0.2]})).toEqual([
    'dataset.validation.fraction (key): "dataset.validation.fraction" cannot vary in a search: its trials would be compared on different images | Search once for each, or vary another part of the experiment.',
  ]);
});

test('several mistakes are reported together', () => {
  expect(issuesOf({a: [], b: {log: [2, 1]}, 'c.': [1]})).toHaveLength(3);
});

const when = (condition: object) => ({
  kind: ['svm', 'kde'],
  k: {integer: [1, 5]},
  x: {uniform: [0, 1], when: condition},
});

test.for<[string, object, string]>([
  [
    'an unknown path',
    {kin: 'svm'},
    'x > when > kin (value): there is neither a parameter "kin" nor such a value in the spec | Did you mean "kind"?',
  ],
  [
    'a value that the other never has',
    {kind: 'svn'},
    'x > when > kind (value): "kind" is never "svn" | Did you mean "svm"?',
  ],
  ['a number out of range', {k: [3, 6]}, 'x > when > k (value): "k" is never 6 | It varies from 1 to 5.'],
  [
    'an empty list',
    {kind: []},
    'x > when > kind (value): expected "kind" to have a value here, but got an empty list | Remove this condition.',
  ],
  ['its own value', {x: 0.5}, 'x > when (value): conditions form a circle: "x" → "x" | Remove one of them.'],
])('a condition on %s', ([, condition, issue]) => {
  expect(issuesOf(when(condition))).toEqual([issue]);
});

test('a circle of conditions', () => {
  expect(
    issuesOf({a: {choice: [1], when: {b: 1}}, b: {choice: [1], when: {c: 1}}, c: {choice: [1], when: {a: 1}}}),
  ).toEqual(['a > when (value): conditions form a circle: "a" → "b" → "c" → "a" | Remove one of them.']);
});

test('a condition on a mapping of which parts vary', () => {
  expect(issuesOf({'a.b': [1, 2], c: {choice: [1], when: {a: {b: 1}}}})).toEqual([
    'c > when > a (value): only parts of "a" vary | Name the part, such as "a.b".',
  ]);
});

test('a constant of the spec decides at once, for the parameters below it too', () => {
  const written = {
    'learner.epochs': [1, 2],
    'learner.network.width': {choice: [0.5, 1], when: {'learner.network.type': 'resnet18'}},
    'learner.batch': {choice: [32], when: {'learner.network.width': 1}},
  };
  const names = (type: string) => spaceOf(written, {'learner.network.type': type}).parameters.map(({name}) => name);
  expect(names('small')).toEqual(['learner.epochs']);
  expect(names('resnet18')).toEqual(['learner.epochs', 'learner.network.width', 'learner.batch']);
  expect(spaceOf(written, {'learner.network.type': 'resnet18'}).parameters[1]!.when).toEqual([]);
});

test('a space of which nothing exists', () => {
  expect(issuesOf({a: {choice: [1], when: {b: 1}}}, {b: 2})).toEqual([
    ' (value): no parameter of the search exists: no condition is met | Change "when", or the values of the spec that it names.',
  ]);
});

test('editors accept what is read', () => {
  const schema = spaceShape as unknown as Schema;
  expect(checkValue(schema, mixed, {path: [], noun: 'key'}).issues).toEqual([]);
  expect(checkValue(schema, {a: {uniform: [0, 1], steps: 1}}, {path: [], noun: 'key'}).issues).not.toEqual([]);
});
