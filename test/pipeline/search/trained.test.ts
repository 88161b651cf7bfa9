/** What is said of searches on real trainings is what was kept of them. */
import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {pflopTable, table} from '../../bench/search-table.js';

const kept = JSON.parse(readFileSync('test/fixtures/search/trained.json', 'utf8')) as {
  readonly [part: string]: never;
};

test('the documents have the tables of trained configurations', () => {
  // The formatter pads the cells.
  const packed = (text: string) => text.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');
  const page = packed(readFileSync('docs/explanation/search.md', 'utf8'));
  expect(page).toContain(packed(table(kept['regrets'], kept['optuna'], 'value')));
  expect(page).toContain(packed(pflopTable(kept['pflop'])));
});
