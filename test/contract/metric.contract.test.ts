import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {Plugins} from '../../src/core/plugin/registry.ts';
import {Rng} from '../../src/core/random.ts';

const plugins = new Plugins(builtin);

describe.each(plugins.names('metric'))('%s', (type) => {
  const checked = checkPlugin(plugins, 'metric', {type});
  const metric = plugins.create('metric', checked.value);
  const {better} = plugins.get('metric', type);
  const rng = new Rng(0);
  const labels = Uint8Array.from({length: 500}, () => (rng.uniform() < 0.3 ? 1 : 0));
  const scores = Float64Array.from(labels, (label) => Math.round(4 * (rng.normal() + label)));

  test('options are valid', () => {
    expect(checked.issues).toEqual([]);
  });

  test('lies in [0, 1], changes no argument, and does not depend on the order of rows', () => {
    const [scoresBefore, labelsBefore] = [scores.slice(), labels.slice()];
    const value = metric.compute(scores, labels);
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1);
    expect([scores, labels]).toEqual([scoresBefore, labelsBefore]);
    const order = rng.permutation(500);
    const shuffled = metric.compute(
      Float64Array.from(order, (i) => scores[i]!),
      Uint8Array.from(order, (i) => labels[i]!),
    );
    expect(shuffled).toBe(value);
  });

  test('a perfect ranking is the best value, also with infinite scores', () => {
    expect(metric.compute(Float64Array.from(labels), labels)).toBe(better === 'higher' ? 1 : 0);
    const infinite = Float64Array.from(labels, (label) => (label === 1 ? Infinity : -Infinity));
    expect(metric.compute(infinite, labels)).toBe(better === 'higher' ? 1 : 0);
  });

  test('is NaN where one class or all is missing', () => {
    expect(metric.compute(Float64Array.of(1, 2), Uint8Array.of(0, 0))).toBeNaN();
    expect(metric.compute(Float64Array.of(1, 2), Uint8Array.of(1, 1))).toBeNaN();
    expect(metric.compute(new Float64Array(), new Uint8Array())).toBeNaN();
  });

  test('refuses a score that is not a number', () => {
    expect(() => metric.compute(Float64Array.of(1, Number.NaN), Uint8Array.of(0, 1))).toThrow(
      /score 1 is not a number/,
    );
  });
});
