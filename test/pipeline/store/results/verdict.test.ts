import {DuckDBInstance} from '@duckdb/node-api';
import {expect, test} from 'vitest';
import {verdictMacros, verdictOf} from '../../../../src/pipeline/store/results/verdict.ts';

test('TypeScript and SQL judge alike', async () => {
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
      [0.49, 0.5, 0.86, 0.8777, 0.89, 0.91, 0.94, 0.9601].flatMap((ours) =>
        [null, 0.9].flatMap((paper) =>
          [null, 0.03].flatMap((sd) =>
            spreads.map(([paperSpread, paperSpreadKind]) => ({metric, ours, sd, paper, paperSpread, paperSpreadKind})),
          ),
        ),
      ),
    );
    const text = (value: string | number | null) => (typeof value === 'string' ? `'${value}'` : String(value));
    const rows = cases.map(
      (it) => `(${[it.metric, it.ours, it.sd, it.paper, it.paperSpread, it.paperSpreadKind].map(text)})`,
    );
    const found = await connection.runAndReadAll(
      `select verdict_of(m, o, p, tolerance_of(sd, ps, pk)) from (values ${rows}) t(m, o, sd, p, ps, pk)`,
    );
    expect(cases.map(verdictOf)).toEqual(found.getRowsJS().map(([verdict]) => verdict));
    expect(new Set(cases.map(verdictOf))).toEqual(new Set(['matches', 'above', 'below', 'below chance', null]));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
