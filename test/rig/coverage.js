/** Prints the five files of which the tests run the least, by lines: `node test/rig/coverage.js <coverage-summary.json>`. */
import {readFileSync} from 'node:fs';
import {relative} from 'node:path';

const {total: _, ...files} = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const least = Object.entries(files)
  .map(([file, {lines}]) => ({file: relative('.', file), ...lines}))
  .filter(({total}) => total > 0)
  .sort((a, b) => a.pct - b.pct || b.total - a.total)
  .slice(0, 5);
process.stdout.write('least covered:\n');
for (const {file, pct, total} of least) process.stdout.write(`  ${pct} % of ${total} lines  ${file}\n`);
