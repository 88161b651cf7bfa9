import {expect, test} from 'vitest';
import {noValueNotes} from '../../../src/surface/cli/no-value.ts';

test('metrics without a finite value are named once for each reason, with how many results have none', () => {
  const summary = (auc: unknown, reasons?: object) => ({
    metrics: {auc, fpr95: 0.5},
    normal: 1,
    anomalous: 0,
    ...(reasons && {reasons}),
  });
  expect(noValueNotes([null, {text: 'another kind'}, summary(0.5)])).toEqual([]);
  const odd = summary(null, {auc: 'the test images are all normal'});
  expect(noValueNotes([summary(0.5), odd, odd, summary('Infinity')])).toEqual([
    'metric "auc" has no finite value in 2 of 4 results: the test images are all normal',
    'metric "auc" has no finite value in 1 of 4 results: it is undefined',
  ]);
});
