import fc from 'fast-check';
import {expect, test} from 'vitest';
import {cellOf, type Domain, fromUnit, levelAt, levels, toUnit, valueAt} from '../../../src/pipeline/search/domain.ts';
import {decode, encode, pointsOf} from '../../../src/pipeline/search/space.ts';
import {mixed, spaceOf} from './spaces.ts';

const uniform = (low: number, high: number, step?: number): Domain => ({low, high, log: false, step});
const log = (low: number, high: number, step?: number): Domain => ({low, high, log: true, step});

const domains: readonly Domain[] = [
  uniform(0.05, 0.9),
  uniform(-3, 7),
  uniform(1_000_000, 1_000_001),
  log(1e-6, 1e-1),
  uniform(0.05, 0.9, 0.05),
  uniform(1, 10, 1),
  uniform(16, 512, 16),
  log(1, 1000, 1),
  log(64, 512, 1),
  {values: ['a', null, [1, 2], {type: 'kde'}]},
];

const unit = fc.double({min: 0, max: 1, noNaN: true});

test('every unit is a value inside the bounds, which is its own unit again', () => {
  fc.assert(
    fc.property(fc.constantFrom(...domains), unit, (domain, at) => {
      const value = fromUnit(domain, at);
      const back = toUnit(domain, value);
      if ('low' in domain) {
        expect(value).toBeGreaterThanOrEqual(domain.low);
        expect(value).toBeLessThanOrEqual(domain.high);
      }
      expect(fromUnit(domain, back)).toEqual(value);
      // Of what is continuous, only the rounding of the printed number is lost.
      if (levels(domain) === undefined) expect(back).toBeCloseTo(at, 4);
      else expect(levelAt(domain, back)).toBe(levelAt(domain, at));
    }),
    {numRuns: 2000},
  );
});

test('both ends are reached', () => {
  for (const domain of domains)
    if ('low' in domain) expect([fromUnit(domain, 0), fromUnit(domain, 1)]).toEqual([domain.low, domain.high]);
});

test('cells of levels join from 0 to 1, and the unit of a level is inside its own', () => {
  for (const domain of domains) {
    const count = levels(domain);
    if (count === undefined) continue;
    let end = 0;
    for (let level = 0; level < count; level++) {
      const [from, to] = cellOf(domain, level);
      expect(from).toBeCloseTo(end, 12);
      expect(levelAt(domain, (from + to) / 2)).toBe(level);
      end = to;
    }
    expect(end).toBeCloseTo(1, 12);
  }
});

test('continuous values have six digits, and as many more as a narrow range needs', () => {
  expect(fromUnit(uniform(0, 1), 1 / 3)).toBe(0.333333);
  expect(fromUnit(log(1e-3, 1e-1), 0.4)).toBe(0.00630957);
  expect(fromUnit(uniform(1_000_000, 1_000_001), 1 / 3)).toBe(1_000_000.33333);
  // The quotient of these bounds is beyond the largest number.
  expect(fromUnit(log(1e-200, 1e200), 0.5)).toBeCloseTo(1, 5);
  expect(toUnit(log(1e-200, 1e200), 1e100)).toBeCloseTo(0.75, 9);
});

test('integers of more than twelve digits are exact', () => {
  const large: Domain = {low: 1_234_567_890_121, high: 1_234_567_890_129, log: false, step: 1};
  expect(Array.from({length: 9}, (_, level) => valueAt(large, level))).toEqual(
    Array.from({length: 9}, (_, level) => 1_234_567_890_121 + level),
  );
});

test('steps have no errors of binary fractions', () => {
  const domain = uniform(0.05, 0.9, 0.05);
  expect(levels(domain)).toBe(18);
  expect(fromUnit(domain, 2.5 / 18)).toBe(0.15);
});

test('logarithmic integers are as frequent as their share of the logarithms', () => {
  // [0.5, 1.5) of [0.5, 4.5): log(3) / log(9).
  expect(cellOf(log(1, 4, 1), 0)[1]).toBeCloseTo(0.5, 12);
});

const space = spaceOf(mixed);
const names = space.parameters.map(({name}) => name);

test('parents come before those that depend on them', () => {
  expect(names).toEqual([
    'learner.optimizer.learning_rate',
    'learner.epochs',
    'learner.network.type',
    'learner.network.width',
    'learner.batch, learner.views',
    'classifiers.0.nu',
  ]);
});

test('a point has the parameters that exist in it, and each path of several its own value', () => {
  expect(decode(space, [0, 0, 0, 0, 0, 0])).toEqual({
    'learner.optimizer.learning_rate': 0.001,
    'learner.epochs': 64,
    'learner.network.type': 'small',
    'learner.batch': 32,
    'learner.views': 2,
  });
  expect(decode(space, [1, 1, 1, 0.5, 1, 0.5])).toEqual({
    'learner.optimizer.learning_rate': 0.1,
    'learner.epochs': 512,
    'learner.network.type': 'resnet18',
    'learner.network.width': 0.5,
    'learner.batch': 64,
    'learner.views': 4,
    'classifiers.0.nu': 0.5,
  });
  // Conditions on conditions.
  expect(decode(space, [1, 1, 1, 0, 1, 0.5])).not.toHaveProperty(['classifiers.0.nu']);
});

test('points are encoded and decoded to themselves', () => {
  fc.assert(
    fc.property(fc.array(unit, {minLength: 6, maxLength: 6}), (units) => {
      const point = decode(space, units);
      const back = encode(space, point);
      expect(decode(space, back)).toEqual(point);
      for (const [i, {paths}] of space.parameters.entries())
        expect(Number.isNaN(back[i])).toBe(!Object.hasOwn(point, paths[0]!));
    }),
  );
});

test('a value that the space does not have has no coordinate', () => {
  const {'learner.epochs': _, ...point} = decode(space, [0, 0, 0, 0, 0, 0]);
  expect(encode(space, {...point, 'learner.optimizer.learning_rate': 0.5, 'learner.views': 4}).slice(0, 2)).toEqual(
    Float64Array.of(Number.NaN, Number.NaN),
  );
  expect(encode(space, {...point, 'learner.views': 4})[4]).toBeNaN();
});

test('a condition reads inside the value of another parameter, whose plug-in may be its name alone', () => {
  const inside = spaceOf({
    'classifiers.0': ['kde', {type: 'oc-svm', kernel: 'rbf'}, {type: 'oc-svm', kernel: 'linear'}],
    'learner.a': {uniform: [0, 1], when: {'classifiers.0.kernel': 'rbf'}},
    'learner.b': {uniform: [0, 1], when: {'classifiers.0.type': ['kde', 'knn'].slice(0, 1)}},
  });
  const keys = [0, 0.5, 0.9].map((at) => Object.keys(decode(inside, [at, 0, 0])));
  expect(keys).toEqual([['classifiers.0', 'learner.b'], ['classifiers.0', 'learner.a'], ['classifiers.0']]);
});

test('all points of a space with levels, each once', () => {
  const finite = spaceOf({...mixed, 'learner.optimizer.learning_rate': [0.1], 'learner.epochs': {integer: [1, 3]}});
  const points = [...pointsOf(finite, () => 0)].map((point) => JSON.stringify(point));
  // 3 epochs × 2 tuples × (small + resnet18 × (0.25 + 2 widths × 18 steps))
  expect(points).toHaveLength(3 * 2 * (1 + 1 + 2 * 18));
  expect(new Set(points).size).toBe(points.length);
});
