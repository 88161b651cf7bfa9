/**
 * Cheap trials, a few milliseconds each: one or two files of a run's record or of the cache's manifests are damaged, and the readers of
 * records are asked in this process. They must answer with true numbers, or say what is lost.
 */
import {readFileSync, rmSync, utimesSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {rowsOf} from '../../dist/pipeline/store/results/rows.js';
import {numbersOf} from '../../dist/pipeline/store/runs/numbers.js';
import {hasEnded, readRecord} from '../../dist/pipeline/store/runs/record.js';
import {formatReport, reportRun} from '../../dist/surface/tables/show.js';
import {copyStore, runsIn} from './stores.js';

/** Stores that are used again, by folder. */
const copies = new Set();

/** `draw`: applies a fault and returns what it has hurt. */
export async function runRecordTrial({folder, stores, rng, draw, raw}) {
  const store = `${folder}-records`;
  if (!copies.has(store)) {
    rmSync(store, {recursive: true, force: true});
    copyStore(stores.filled.folder, store);
    copies.add(store);
  }
  const found = {wrong: [], lost: [], raw: [], human: []};
  const hurt = [await draw(store)];
  if (rng.integer(3) === 0) hurt.push(await draw(store));
  for (const id of runsIn(store)) look(join(store, 'runs', id), stores.filled.truth[1].tasks, found, raw);
  for (const path of hurt) {
    rmSync(path, {recursive: true, force: true});
    writeFileSync(path, readFileSync(stores.filled.folder + path.slice(store.length)));
    utimesSync(dirname(dirname(path)), new Date(), new Date()); // what was read of its shelf is old
  }
  return {place: hurt.map((path) => path.slice(store.length)).join(' and '), found};
}

function look(folder, truth, found, raw) {
  const read = readRecord(folder);
  const text = read.ok ? formatReport(reportRun(read.value)) : JSON.stringify(read.failures);
  const sign = raw.map((pattern) => pattern.exec(text)?.[0]).find((one) => one !== undefined);
  if (sign !== undefined) found.raw.push(`${text.slice(-1500)} (${sign})`);
  if (!read.ok) return;
  const {values} = numbersOf(read.value);
  for (const {task, classifier, metric, value} of values)
    if (value !== null && truth[`${task} ${classifier} ${metric}`] !== value)
      found.wrong.push(`${folder}: ${task} ${classifier} ${metric} is ${value}`);
  const rows = rowsOf(read.value).metrics.map((row) => row.value);
  if (rows.join() !== values.map(({value}) => value).join())
    found.wrong.push(`${folder}: its rows are not its numbers`);
  const {outcome, damage, tasks} = read.value;
  if ((outcome === 'unfinished') === hasEnded(folder))
    found.lost.push(`${folder}: ${outcome}, but hasEnded says otherwise`);
  const wanted = tasks.length * 4; // two classifiers, two metrics
  const said = damage !== undefined || outcome === 'unfinished';
  if (values.length < wanted && outcome !== 'unfinished')
    found.lost.push(`${folder}: ${values.length} of ${wanted} values, ${outcome}`);
  if (values.some(({value}) => value === null) && !said)
    found.lost.push(`${folder}: a value is lost, and nobody says so`);
}
