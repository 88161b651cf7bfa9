/**
 * `npm run bench [-- row …]`: ours against real peers on this machine, in turns, several rounds; the ratio is the median
 * of the rounds' ratios. Results are kept as JSON in test/bench/results/, from which
 * `node test/bench/table.js` makes README's table.
 *
 * Peers are used where they are found: PIPELINE_BENCH_PYTHON (default: python3) with torch, tensorflow, scikit-learn;
 * snakemake on PATH.
 */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {cpus, totalmem} from 'node:os';
import {join} from 'node:path';
import {format, here, median, root, versions} from './rig.js';
import {rows as runner} from './rows/runner.js';
import {rows as search} from './rows/search.js';
import {rows as stageTwo} from './rows/stage-two.js';
import {rows as training} from './rows/training.js';

const rows = {...training, ...stageTwo, ...runner, ...search};

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!rows[name]) {
    console.error(`no row "${name}"; rows: ${Object.keys(rows).join(', ')}`);
    process.exit(2);
  }
}
const machine = {cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem(), node: process.versions.node};
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}\n`);
const date = new Date().toISOString();
const file = join(here, 'results', `${date.slice(0, 10)}.json`);
mkdirSync(join(here, 'results'), {recursive: true});
// Rows of the same day that are not run again stay.
const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).rows : [];
const results = new Map(kept.map((row) => [row.name, row]));
for (const [name, run] of Object.entries(rows)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(name);
  versions.clear();
  const row = await run();
  results.set(name, {name, date: new Date().toISOString(), machine, versions: Object.fromEntries(versions), ...row});
  console.log(`  ${row.what} (${row.target})`);
  for (const [who, values] of Object.entries(row.figures))
    console.log(
      `    ${who.padEnd(18)} ${format(median(values))}  (${format(Math.min(...values))} – ${format(Math.max(...values))})`,
    );
  if (row.ratios)
    console.log(
      `    ratio to ${row.against}: ${median(row.ratios).toFixed(2)}  (${Math.min(...row.ratios).toFixed(2)} – ${Math.max(...row.ratios).toFixed(2)})`,
    );
  writeFileSync(file, `${JSON.stringify({rows: [...results.values()]}, null, 2)}\n`);
}
console.log(`\nkept in ${file.slice(root.length + 1)}`);
