import {DuckDBInstance} from '@duckdb/node-api';
import {expect, test} from 'vitest';
import {type Judged, verdictMacros, verdictOf} from '../../../../src/pipeline/store/results/verdict.ts';

test('TypeScript and SQL give the same verdicts', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(verdictMacros);
    const spreads = [
      [null, null],
      [0.004, 'sd'],
      [0.02, 'sd'],
      [0.01, 'se'],
    ] as const;
    const cases = ['auc', 'fpr95'].flatMap((metric) =>
      [null, 0.49, 0.495, 0.5, 0.86, 0.8777, 0.89, 0.91, 0.94, 0.9601].flatMap((ours) =>
        [null, 0.9].flatMap((paper) =>
          [null, 0.03].flatMap((sd) =>
            spreads.flatMap(([paperSpread, paperSpreadKind]) =>
              [1, 15].map((classes) => {
                const error = sd === null ? null : 0.004;
                return {metric, ours, sd, classes, error, paper, paperSpread, paperSpreadKind};
              }),
            ),
          ),
        ),
      ),
    );
    const text = (value: string | number | null) => (typeof value === 'string' ? `'${value}'` : String(value));
    const rows = cases.map(
      (it) =>
        `(${[it.metric, it.ours, it.sd, it.error, it.paper, it.paperSpread, it.paperSpreadKind, it.classes].map(text)})`,
    );
    const found = await connection.runAndReadAll(
      `select verdict_of(m, o, e, p, tolerance_of(sd, ps, pk, k)) from (values ${rows}) t(m, o, sd, e, p, ps, pk, k)`,
    );
    expect(cases.map(verdictOf)).toEqual(found.getRowsJS().map(([verdict]) => verdict));
    expect(new Set(cases.map(verdictOf))).toEqual(new Set(['matches', 'above', 'below', 'below chance', null]));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});

test('verdicts by hand: one point, two deviations of the paper, or ours if it prints none', () => {
  const judged = (ours: number, more: Partial<Judged> = {}) =>
    verdictOf({
      metric: 'auc',
      ours,
      sd: null,
      classes: 1,
      error: 0.01,
      paper: 0.9,
      paperSpread: null,
      paperSpreadKind: null,
      ...more,
    });
  expect([judged(0.89), judged(0.91), judged(0.8899), judged(0.9101)]).toEqual([
    'matches',
    'matches',
    'below',
    'above',
  ]);
  const sd = {paperSpread: 0.02, paperSpreadKind: 'sd'} as const;
  expect([judged(0.8601, sd), judged(0.8599, sd)]).toEqual(['matches', 'below']);
  // A standard error of 0.02 over five seeds is a deviation of 0.0447.
  const se = {paperSpread: 0.02, paperSpreadKind: 'se'} as const;
  expect([judged(0.811, se), judged(0.81, se)]).toEqual(['matches', 'below']);
  expect([judged(0.85, {sd: 0.03}), judged(0.85, {sd: 0.03, ...sd})]).toEqual(['matches', 'below']);
  expect([judged(0.4), judged(0.4, {metric: 'pixel-auc'}), judged(0.4, {metric: 'fpr95'})]).toEqual([
    'below chance',
    'below chance',
    'below',
  ]);
  expect([0.5, 0.485, 0.475].map((ours) => judged(ours, {paper: null}))).toEqual([null, null, 'below chance']);
  expect(judged(0.3, {paper: null, error: null})).toBe(null);
  expect([judged(Number.POSITIVE_INFINITY), judged(Number.NEGATIVE_INFINITY)]).toEqual([null, null]);
});

test('a mean over classes varies less than each of them: CutPaste table 1, 15 classes, five seeds', () => {
  const judged = (ours: number, classes: number) =>
    verdictOf({
      metric: 'auc',
      ours,
      sd: null,
      classes,
      error: 0.001,
      paper: 0.952,
      paperSpread: 0.006,
      paperSpreadKind: 'se',
    });
  // A class with that standard error: 2 · 0.006 · √5 = 2.68 points. The mean of 15: 0.69, and so one point.
  expect([judged(0.978, 1), judged(0.926, 1), judged(0.9789, 1)]).toEqual(['matches', 'matches', 'above']);
  expect([judged(0.978, 15), judged(0.962, 15), judged(0.941, 15)]).toEqual(['above', 'matches', 'below']);
});
