/** What is said of ending trainings early is what the rules do on the curves that were kept. */
import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {correlations, table} from '../../bench/stopping-table.js';

test('the documents have the tables of what ending early saves and loses', async () => {
  // The formatter pads the cells.
  const packed = (text: string) => text.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');
  const page = packed(readFileSync('docs/explanation/search.md', 'utf8'));
  expect(page).toContain(packed(correlations()));
  expect(page).toContain(packed(await table()));
});
