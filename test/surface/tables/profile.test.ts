import {expect, test} from 'vitest';
import type {StageRecord} from '../../../src/pipeline/store/runs/record.ts';
import {profileTable} from '../../../src/surface/tables/profile.ts';

const stage = (kind: string, seconds: number, kernels?: StageRecord['kernels']): StageRecord =>
  ({kind, seconds, ...(kernels && {kernels})}) as unknown as StageRecord;

test('for each kind of stage, its kernels added up, the most expensive first, and what is outside of them', () => {
  const table = profileTable([
    stage('learn', 4, [
      {kernel: 'Relu', calls: 10, seconds: 0.5},
      {kernel: 'Conv2D', calls: 4, seconds: 1},
    ]),
    stage('learn', 4, [{kernel: 'Conv2D', calls: 6, seconds: 1.5}]),
    stage('embed', 1, [{kernel: 'Conv2D', calls: 2, seconds: 0.25}]),
    stage('score', 9),
  ]);
  expect(table).toMatchInlineSnapshot(`
    "stage  kernel             calls    time     %     a call
    ────────────────────────────────────────────────────────
    learn  Conv2D                10   2.5 s  31.3  250000 µs
    learn  Relu                  10  0.50 s   6.3   50000 µs
    learn  (outside kernels)      –   5.0 s  62.5          –
    ────────────────────────────────────────────────────────
    embed  Conv2D                 2  0.25 s  25.0  125000 µs
    embed  (outside kernels)      –  0.75 s  75.0          –"
  `);
});

test('many kernels share a line; nothing without a profile', () => {
  const kernels = Array.from({length: 15}, (_, i) => ({kernel: `Kernel${i}`, calls: 1, seconds: 15 - i}));
  const lines = profileTable([stage('learn', 200, kernels)]).split('\n');
  expect(lines.slice(-2).map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['learn', '3 others', '3', '6.0 s', '3.0', '2000000 µs'],
    ['learn', '(outside kernels)', '–', '1 min 20 s', '40.0', '–'],
  ]);
  expect(profileTable([stage('learn', 4)])).toBe('');
});
