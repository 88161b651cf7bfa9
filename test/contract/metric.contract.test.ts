import {describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../src/builtin.ts';
import {Rng} from '../../src/core/base/random.ts';
import type {Matrix} from '../../src/core/contracts/data.ts';
import type {
  AgreementMetric,
  FeatureMetric,
  FeatureMetricDefinition,
  FeatureSample,
  LearnerMetric,
  Metric,
  MetricDefinition,
  PixelMetric,
  PixelMetricDefinition,
  PixelSample,
  RefinementMetric,
} from '../../src/core/contracts/metric.ts';
import {checkPlugin} from '../../src/core/plugin/check.ts';
import {Plugins} from '../../src/core/plugin/registry.ts';
import {expectNoLeaks, onEachEngine} from '../rig/tensors.ts';

const plugins = new Plugins(builtin);

const of = (what: 'scores' | 'features' | 'pixels' | 'learner' | 'agreement' | 'refinement') =>
  plugins.names('metric').filter((type) => (plugins.get('metric', type).of ?? 'scores') === what);

describe.each(of('scores'))('%s', (type) => {
  const checked = checkPlugin(plugins, 'metric', {type});
  const metric = plugins.create('metric', checked.value) as Metric;
  const {better} = plugins.get('metric', type) as MetricDefinition;
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

  test('is NaN if one class or both are missing', () => {
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

describe.each(of('pixels'))('%s', (type) => {
  const checked = checkPlugin(plugins, 'metric', {type});
  const metric = plugins.create('metric', checked.value) as PixelMetric;
  const {better} = plugins.get('metric', type) as PixelMetricDefinition;
  const [count, height, width] = [5, 9, 7];
  const rng = new Rng(0);
  const masks = Uint8Array.from({length: count * height * width}, () => (rng.uniform() < 0.2 ? 1 : 0));
  const maps = Float32Array.from(masks, (mask) => Math.round(4 * (rng.normal() + mask)));
  const sample: PixelSample = {count, height, width, maps, masks};
  const filled = (value: number): PixelSample => ({...sample, masks: new Uint8Array(masks.length).fill(value)});

  test('options are valid', () => {
    expect(checked.issues).toEqual([]);
  });

  test('lies in [0, 1], changes no argument, and does not depend on the order of images', () => {
    const before = structuredClone(sample);
    const value = metric.measurePixels(sample);
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1);
    expect(sample).toEqual(before);
    const area = height * width;
    const turned = <T extends Uint8Array | Float32Array>(values: T, into: T): T => {
      for (let i = 0; i < count; i++) into.set(values.subarray(i * area, (i + 1) * area), (count - 1 - i) * area);
      return into;
    };
    const reversed = {...sample, maps: turned(maps, maps.slice()), masks: turned(masks, masks.slice())};
    expect(metric.measurePixels(reversed)).toBeCloseTo(value, 12);
  });

  test('a perfect map is the best value, also with infinite scores', () => {
    const best = better === 'higher' ? 1 : 0;
    expect(metric.measurePixels({...sample, maps: Float32Array.from(masks)})).toBeCloseTo(best, 12);
    const infinite = Float32Array.from(masks, (mask) => (mask === 1 ? Infinity : -Infinity));
    expect(metric.measurePixels({...sample, maps: infinite})).toBeCloseTo(best, 12);
  });

  test('is NaN if no pixel is anomalous, or none is normal', () => {
    expect(metric.measurePixels(filled(0))).toBeNaN();
    expect(metric.measurePixels(filled(1))).toBeNaN();
    expect(metric.measurePixels({...sample, count: 0, maps: new Float32Array(), masks: new Uint8Array()})).toBeNaN();
  });

  test('refuses a score that is not a number', () => {
    const broken = maps.slice();
    broken[1] = Number.NaN;
    expect(() => metric.measurePixels({...sample, maps: broken})).toThrow(/score 1 is not a number/);
  });
});

describe.each(of('learner'))('%s', (type) => {
  const checked = checkPlugin(plugins, 'metric', {type});
  const metric = plugins.create('metric', checked.value) as LearnerMetric;

  test('is finite where the task has right answers, and may be NaN where it has none', () => {
    expect(checked.issues).toEqual([]);
    expect(Number.isFinite(metric.measurePretext({loss: 0.5, accuracy: 0.75}))).toBe(true);
    expect(typeof metric.measurePretext({loss: 0.5})).toBe('number');
  });
});

describe.each(of('agreement'))('%s', (type) => {
  const checked = checkPlugin(plugins, 'metric', {type});
  const metric = plugins.create('metric', checked.value) as AgreementMetric;
  const rng = new Rng(0);
  const seeds = [0, 1, 2].map(() => Float64Array.from({length: 40}, () => rng.normal()));

  test('is finite, does not depend on the order of seeds or images, and changes no argument', () => {
    expect(checked.issues).toEqual([]);
    const before = seeds.map((scores) => scores.slice());
    const value = metric.measureAgreement(seeds);
    expect(Number.isFinite(value)).toBe(true);
    expect(metric.measureAgreement(seeds.toReversed())).toBeCloseTo(value, 12);
    expect(metric.measureAgreement(seeds.map((scores) => scores.toReversed()))).toBeCloseTo(value, 12);
    expect(seeds).toEqual(before);
  });

  test('is NaN where seeds do not rank the images', () => {
    expect(metric.measureAgreement([new Float64Array(4), new Float64Array(4)])).toBeNaN();
  });
});

describe.each(of('refinement'))('%s', (type) => {
  const checked = checkPlugin(plugins, 'metric', {type});
  const metric = plugins.create('metric', checked.value) as RefinementMetric;

  test('lies in [0, 1], changes no argument, and is NaN where it is undefined', () => {
    expect(checked.issues).toEqual([]);
    const sample = {removed: Uint8Array.of(1, 1, 0, 0, 1), anomalous: Uint8Array.of(1, 0, 0, 1, 1)};
    const before = structuredClone(sample);
    const value = metric.measureRefinement(sample);
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1);
    expect(sample).toEqual(before);
    const none = new Uint8Array(5);
    expect(metric.measureRefinement({...sample, removed: none}) || 0).toBe(0);
    expect(metric.measureRefinement({removed: none, anomalous: none})).toBeNaN();
  });
});

onEachEngine(() => {
  describe.each(of('features'))('%s', (type) => {
    const checked = checkPlugin(plugins, 'metric', {type});
    const metric = plugins.create('metric', checked.value) as FeatureMetric;
    const {views, scale = 'rate'} = plugins.get('metric', type) as FeatureMetricDefinition;
    const draws = new Rng(0);
    const matrix = (rows: number, columns: number): Matrix => ({
      rows,
      columns,
      data: Float32Array.from({length: rows * columns}, () => Math.max(0, draws.normal() + 0.5)),
    });
    const sampleOf = (normal: number, anomalous: number, columns: number): FeatureSample => ({
      features: matrix(normal + anomalous, columns),
      labels: Uint8Array.from({length: normal + anomalous}, (_, i) => (i % 2 === 0 && i < 2 * normal ? 0 : 1)),
      ...(views && {views: [matrix(normal, columns), matrix(normal, columns)]}),
      rng: new Rng(3),
    });

    test('options are valid', () => {
      expect(checked.issues).toEqual([]);
    });

    test('is finite, of its scale, the same for the same seed, and changes no argument', () => {
      const sample = sampleOf(20, 30, 7);
      const before = structuredClone({features: sample.features, labels: sample.labels, views: sample.views});
      const value = metric.measure(sample);
      expect(Number.isFinite(value)).toBe(true);
      if (scale === 'rate') {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
      expect(metric.measure({...sample, rng: new Rng(3)})).toBe(value);
      expect({features: sample.features, labels: sample.labels, views: sample.views}).toEqual(before);
    });

    test('is finite for one column, equal rows and rows of zeros', () => {
      const ones = sampleOf(10, 10, 1);
      expect(Number.isFinite(metric.measure(ones))).toBe(true);
      const zeros = sampleOf(10, 10, 4);
      for (const {data} of [zeros.features, ...(zeros.views ?? [])]) data.fill(0);
      expect(Number.isFinite(metric.measure(zeros))).toBe(true);
    });

    test('is NaN without images', () => {
      expect(metric.measure(sampleOf(0, 0, 3))).toBeNaN();
    });

    test('leaves no tensor behind', async () => {
      await expectNoLeaks(async () => void metric.measure(sampleOf(20, 30, 7)));
    });
  });
});
