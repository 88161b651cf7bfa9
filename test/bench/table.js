/**
 * `node test/bench/table.js`: makes the table of `docs/speed.md`, between its two marks, from what `npm run bench` kept in
 * test/bench/results/. Of each row of ours against a peer the latest result.
 */
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {format, here, median, root} from './rig.js';

const marks = ['<!-- speeds: made by test/bench/table.js -->', '<!-- speeds end -->'];

/** The page with the table of `rows`. */
export function withTable(page, rows) {
  const [start, end] = marks.map((mark) => page.indexOf(mark));
  if (start < 0 || end < start) throw new Error(`docs/speed.md: expected the marks ${marks.join(' and ')}`);
  return `${page.slice(0, start + marks[0].length)}\n\n${speeds(rows)}\n${page.slice(end)}`;
}

/** The latest of each row's results, by name, the files' rows in their order. */
export function latestRows(folder = join(here, 'results')) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const all = files.sort().flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).rows);
  return [...new Map(all.map((row) => [row.name, row])).values()];
}

function speeds(rows) {
  const compared = rows.filter((row) => row.ratios && row.figures.ours);
  const machines = new Set(
    compared.map(({machine}) => `${machine.cores} cores of ${machine.cpu}, Node ${machine.node}`),
  );
  const cells = compared.map((row) => {
    const {what, unit} = parts(row.what);
    const peers = Object.keys(row.figures).filter((name) => row.against.includes(name));
    const named = (name) => [name, row.versions?.[name]].filter(Boolean).join(' ');
    return [
      what,
      `${format(median(row.figures.ours))} ${unit}`,
      peers.map((name) => `${named(name)}: ${format(median(row.figures[name]))}`).join('; '),
      `${two(median(row.ratios))} (${two(Math.min(...row.ratios))} – ${two(Math.max(...row.ratios))})`,
      row.date.slice(0, 10),
    ];
  });
  return `${[...machines].join('; ')}.\n\n${table(['what', 'ours', 'peer', 'ratio (range)', 'measured'], cells)}\n`;
}

/** A row's text ends with the unit. */
function parts(text) {
  const comma = text.lastIndexOf(', ');
  return {what: text.slice(0, comma), unit: text.slice(comma + 2)};
}

function table(head, cells) {
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

const two = (ratio) => ratio.toFixed(2);

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const page = join(root, 'docs', 'speed.md');
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), latestRows()));
}
