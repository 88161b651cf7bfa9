import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {
  areaUnderRoc,
  averagePrecision,
  falsePositiveRateAt,
  largestF1,
  rank,
} from '../../../src/domain/metrics/ranking.ts';
import {sortAscending} from '../../../src/domain/metrics/sort.ts';

interface Case {
  readonly name: string;
  readonly scores: readonly number[];
  readonly labels: readonly number[];
  readonly auc: number;
  readonly 'average-precision': number;
  readonly fpr95: number;
  readonly 'f1-max': number;
}

const fixtures = JSON.parse(
  readFileSync(new URL('../../fixtures/classifiers/metrics.json', import.meta.url), 'utf8'),
) as {readonly cases: readonly Case[]};

const ranked = (scores: readonly number[], labels: readonly number[]) =>
  rank(Float64Array.from(scores), Uint8Array.from(labels));
const auc = (scores: readonly number[], labels: readonly number[]) => areaUnderRoc(ranked(scores, labels));

describe('scikit-learn says the same', () => {
  test.each(fixtures.cases)('$name', (reference) => {
    const ranking = ranked(reference.scores, reference.labels);
    expect(Math.abs(areaUnderRoc(ranking) - reference.auc)).toBeLessThan(1e-12);
    expect(Math.abs(averagePrecision(ranking) - reference['average-precision'])).toBeLessThan(1e-12);
    expect(Math.abs(falsePositiveRateAt(0.95, ranking) - reference.fpr95)).toBeLessThan(1e-12);
    expect(Math.abs(largestF1(ranking) - reference['f1-max'])).toBeLessThan(1e-12);
  });
});

test('by hand', () => {
  expect(auc([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1])).toBe(0.875); // one tie counts half
  expect(auc([0, -0], [0, 1])).toBe(0.5);
  expect(auc([Infinity, Infinity, -Infinity], [1, 0, 0])).toBe(0.75);
  // From above: anomaly (1/1), normal, anomaly (2/3).
  expect(averagePrecision(ranked([3, 2, 1], [1, 0, 1]))).toBeCloseTo((1 + 2 / 3) / 2, 15);
  // From 0.8: 1 caught, 1 missed; from 0.4: 2 caught and the tied normal one, 4/5; from 0.1: 2 caught, 2 wrong.
  expect(largestF1(ranked([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1]))).toBe(0.8);
  // 95 % of 20 anomalies are 19: the threshold is the second lowest of them.
  const scores = [...Array.from({length: 20}, (_, i) => i), 0.5, 1, 30, -4];
  const labels = [...new Array<number>(20).fill(1), 0, 0, 0, 0];
  expect(falsePositiveRateAt(0.95, ranked(scores, labels))).toBe(0.5);
});

test('what is not a number is refused, and a class without members has no metric', () => {
  expect(() => auc([1, Number.NaN], [0, 1])).toThrow('score 1 is not a number; its classifier is wrong');
  for (const label of [0, 1]) {
    const ranking = ranked([1, 2], [label, label]);
    for (const metric of [areaUnderRoc, averagePrecision, largestF1]) expect(metric(ranking)).toBeNaN();
    expect(falsePositiveRateAt(0.95, ranking)).toBeNaN();
  }
});

test('a share of k/n anomalies needs k of them, however the product is rounded', () => {
  for (let n = 1; n <= 60; n++) {
    // Anomalies and normal images in turns: to catch k anomalies lets k − 1 normal ones through.
    const ranking = ranked(
      Array.from({length: 2 * n}, (_, i) => -i),
      Array.from({length: 2 * n}, (_, i) => 1 - (i % 2)),
    );
    for (let k = 1; k <= n; k++) expect(falsePositiveRateAt(k / n, ranking), `${k}/${n}`).toBe((k - 1) / n);
  }
});

test('as many labels as scores', () => {
  expect(() => auc([1, 2, 3], [0, 1])).toThrowErrorMatchingInlineSnapshot(
    `[Error: expected a label for every score, but got 2 labels and 3 scores]`,
  );
});

/** Of every threshold: caught anomalies and false alarms. */
function counted(scores: readonly number[], labels: readonly number[]) {
  return [...new Set(scores)]
    .sort((a, b) => b - a)
    .map((threshold) => {
      const at = (label: number) => scores.filter((score, i) => score >= threshold && labels[i] === label).length;
      return {caught: at(1), alarms: at(0)};
    });
}

/** Scores with many ties, infinities and both zeros; both classes are there. */
const problem = fc
  .array(
    fc.tuple(
      fc.oneof(fc.integer({min: -4, max: 4}), fc.double({noNaN: true}), fc.constantFrom(-0, Infinity, -Infinity)),
      fc.integer({min: 0, max: 1}),
    ),
    {minLength: 1, maxLength: 60},
  )
  .map((rows) => ({
    scores: [...rows.map(([score]) => score), 0, 1],
    labels: [...rows.map(([, label]) => label), 0, 1],
  }));

describe('auc', () => {
  test('is the share of pairs in the right order', () => {
    fc.assert(
      fc.property(problem, ({scores, labels}) => {
        let right = 0;
        let pairs = 0;
        scores.forEach((a, i) => {
          scores.forEach((b, j) => {
            if (labels[i] !== 1 || labels[j] !== 0) return;
            pairs++;
            right += a > b ? 1 : a === b ? 0.5 : 0;
          });
        });
        expect(auc(scores, labels)).toBe(right / pairs);
      }),
    );
  });

  test('depends only on the order of scores', () => {
    fc.assert(
      fc.property(problem, ({scores, labels}) => {
        const distinct = [...new Set(scores.map((score) => score + 0))].sort((a, b) => a - b);
        const places = scores.map((score) => 3 * distinct.indexOf(score) - 7);
        expect(auc(places, labels)).toBe(auc(scores, labels));
      }),
    );
  });

  test('of the opposite scores or the opposite labels is the complement', () => {
    fc.assert(
      fc.property(problem, ({scores, labels}) => {
        const complement = 1 - auc(scores, labels);
        expect(
          auc(
            scores.map((score) => -score),
            labels,
          ),
        ).toBeCloseTo(complement, 14);
        expect(
          auc(
            scores,
            labels.map((label) => 1 - label),
          ),
        ).toBeCloseTo(complement, 14);
      }),
    );
  });
});

test('long arrays are sorted as short ones: negative, infinite, tiny and float32 numbers', () => {
  const some = fc.oneof(
    fc.double({noNaN: true}),
    fc.float({noNaN: true}),
    fc.integer(),
    fc.constantFrom(0, -0, Infinity, -Infinity, 5e-324, -5e-324),
  );
  fc.assert(
    fc.property(fc.array(some, {minLength: 1, maxLength: 50}), fc.boolean(), (few, positive) => {
      const many = Float64Array.from({length: 3000}, (_, i) => {
        const value = few[i % few.length]! * (1 + Math.floor(i / few.length));
        return positive ? Math.abs(value) : value;
      });
      expect(sortAscending(many.slice())).toEqual(many.slice().sort());
    }),
    {numRuns: 50},
  );
});

test('precision, F1 and false positives equal those counted at every threshold', () => {
  fc.assert(
    fc.property(problem, fc.double({min: 0.01, max: 1, noNaN: true}), ({scores, labels}, rate) => {
      const ranking = ranked(scores, labels);
      const positives = labels.filter((label) => label === 1).length;
      const points = counted(scores, labels);
      let before = 0;
      let area = 0;
      for (const {caught, alarms} of points) {
        area += ((caught - before) / positives) * (caught / (caught + alarms));
        before = caught;
      }
      expect(averagePrecision(ranking)).toBeCloseTo(area, 12);
      const f1 = points.map(({caught, alarms}) => (2 * caught) / (caught + alarms + positives));
      expect(largestF1(ranking)).toBe(Math.max(...f1));
      const enough = points.filter(({caught}) => caught / positives >= rate).map(({alarms}) => alarms);
      expect(falsePositiveRateAt(rate, ranking)).toBe(Math.min(...enough) / (labels.length - positives));
    }),
  );
});
