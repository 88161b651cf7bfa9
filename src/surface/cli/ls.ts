/** `ls`: thousands of runs in under a second, so this file imports little. */
import {basename, join} from 'node:path';
import {jsonText} from '../../core/base/json.ts';
import {compareText} from '../../core/base/text.ts';
import {openResults} from '../../pipeline/store/results/results.ts';
import {readRecord} from '../../pipeline/store/runs/record.ts';
import {readRemarks} from '../../pipeline/store/runs/remarks.ts';
import {listRuns, runStateOf} from '../../pipeline/store/runs/runs.ts';
import {
  damagedListing,
  formatRuns,
  listingElsewhere,
  listingOf,
  listingQuery,
  listingsOf,
  type RunListing,
  remarked,
} from '../tables/ls.ts';
import {exitCodes} from './exit-codes.ts';
import {err, folders, type Globals, orRefuse, out, screen} from './session.ts';

export interface LsOptions {
  readonly tag?: string;
}

export async function ls({tag}: LsOptions, globals: Globals): Promise<number> {
  const {runs, results: file} = folders(globals);
  const ids = listRuns(runs);
  const elsewhere =
    globals.store === undefined
      ? []
      : (await (await import('./team.ts')).runsElsewhere(ids, globals)).map(listingElsewhere);
  const results = openResults(file, {report: err, once: true});
  const filed = ids.length === 0 ? undefined : await results.query(listingQuery);
  return orRefuse(filed ?? {ok: true, value: {columns: [], rows: []}}, async (answer) => {
    const known = new Map(listingsOf(answer).map((listing) => [listing.id, listing]));
    // What was filed of a record that was damaged since still counts in tables, but not here.
    for (const id of results.unfiled()) known.delete(id);
    const read = await Promise.all(ids.map((id) => known.get(id) ?? listingFrom(join(runs, id))));
    const listings = read.map((listing) => remarked(listing, readRemarks(join(runs, listing.id))));
    for (const {id, damage} of listings) if (damage !== undefined) err(`damaged: run ${id}: ${damage}`);
    const all = [...listings, ...elsewhere]
      .filter(({tags}) => tag === undefined || tags?.includes(tag))
      .sort((a, b) => compareText(b.id, a.id));
    if (tag !== undefined && all.length === 0 && !globals.json) {
      err(`No run has the tag "${tag}".`);
      return exitCodes.done;
    }
    out(globals.json ? jsonText(all) : formatRuns(all, screen()));
    return exitCodes.done;
  });
}

async function listingFrom(folder: string): Promise<RunListing> {
  const record = readRecord(folder);
  if (!record.ok) return damagedListing(basename(folder), record.failures[0]!);
  if (runStateOf(record.value) !== 'running') return listingOf(record.value);
  const {secondsLeftOf} = await import('../../pipeline/ending/left.ts');
  const left = await secondsLeftOf(record.value);
  return {...listingOf(record.value), ...(left !== undefined && {left})};
}
