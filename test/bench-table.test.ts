import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {latestRows, withTable} from './bench/table.js';
import {packageFolder} from './rig/command.ts';

const page = readFileSync(join(packageFolder, 'docs', 'speed.md'), 'utf8');

test('docs/speed.md has the latest speeds of the bench: `node test/bench/table.js` writes them', () => {
  expect(withTable(page, latestRows())).toBe(page);
});

test('a row shows medians, the peer and its version, the range of ratios', () => {
  const machine = {cpu: 'a processor', cores: 2, memory: 1, node: '20.1.0'};
  const row = {name: 'x', date: '2026-01-02T03:04:05Z', machine, what: 'sorting, s', better: 'lower', target: ''};
  const compared = {
    ...row,
    figures: {ours: [1, 3, 2], wasm: [9, 9, 9], peer: [8, 6, 4]},
    versions: {ours: '1', peer: '2.5'},
    against: 'peer',
    ratios: [8, 2, 2],
  };
  const made = withTable(
    page,
    [row, compared].map((one) => ({...one})),
  );
  expect(made).toContain('2 cores of a processor, Node 20.1.0.');
  expect(made.split('\n').filter((line) => line.startsWith('| sorting'))).toEqual([
    '| sorting | 2.00 s | peer 2.5: 6.00 | 2.00 (2.00 – 8.00) | 2026-01-02 |',
  ]);
});
