/** `store push`, `pull`, `verify`, `prune` and `du`. */
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {bytes, clippedList, count, plural} from '../../core/base/text.ts';
import {openCache} from '../../pipeline/store/cache/cache.ts';
import {pruneStore, usageOf, verifyStore} from '../../pipeline/store/remote/maintain.ts';
import {StoreError} from '../../pipeline/store/remote/objects.ts';
import {pushAll} from '../../pipeline/store/remote/push-all.ts';
import {fetchedFrom, remoteRuns} from '../../pipeline/store/remote/run-records.ts';
import {type Connection, connectStore} from '../../pipeline/store/remote/session.ts';
import {listRuns} from '../../pipeline/store/runs/runs.ts';
import {exitCodes} from './exit-codes.ts';
import {err, folders, type Globals, orRefuse, out, refuse} from './session.ts';
import {fetchRuns, fingerprintsOf, isMeant} from './team.ts';

/** Does something with the session's store, which must answer. */
async function withStore(
  {store}: Globals,
  work: (connection: Connection) => Promise<number>,
  {writes}: {readonly writes: boolean} = {writes: false},
): Promise<number> {
  if (store === undefined)
    return refuse([{message: 'no store is named', hint: 'Name one: --store s3://bucket/prefix, or PIPELINE_STORE.'}]);
  return orRefuse(await connectStore(store), async (connection) => {
    const {address, objects, silent} = connection;
    try {
      if (silent) throw silent;
      if (writes && address.readOnly)
        return refuse([
          {message: `nothing is written to ${address.name}, as its address ends in :ro`, hint: 'Leave :ro out.'},
        ]);
      return await work(connection);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      err(
        `pipeline: the store ${address.name}: ${error.message}\n${error.hint === undefined ? '' : `   ${error.hint}\n`}`,
      );
      return exitCodes.failed;
    } finally {
      objects.close();
    }
  });
}

/** A line now and then, on a terminal over the one before. */
function progressLine(text: () => string): {done(): void} {
  const {isTTY} = process.stderr;
  const say = (): void => {
    process.stderr.write(isTTY ? `\r\u001b[K${text()}` : `${text()}\n`);
  };
  const timer = setInterval(say, isTTY ? 500 : 15_000);
  return {
    done() {
      clearInterval(timer);
      if (isTTY) process.stderr.write('\r\u001b[K');
    },
  };
}

export const storePush = (words: readonly string[], globals: Globals): Promise<number> =>
  withStore(
    globals,
    async ({address, objects}) => {
      const {runs, cache: folder} = folders(globals);
      const own = listRuns(runs).filter((id) => !existsSync(join(runs, id, fetchedFrom)));
      const meant = words.length === 0 ? own : own.filter((id) => words.some((word) => isMeant(word)(id)));
      if (words.length > 0 && meant.length === 0)
        return refuse([
          {message: `no run here is called ${clippedList(words)}`, hint: '"pipeline ls" lists the runs.'},
        ]);
      const cache = openCache(folder, {warn: (message) => err(`warning: ${message}`)});
      const progress = {done: 0, bytes: 0, all: 0};
      const line = progressLine(
        () => `${count(progress.done)} of ${plural(progress.all, 'result')}, ${bytes(progress.bytes)} sent`,
      );
      const pushed = await pushAll(objects, {
        store: address.name,
        cache,
        root: runs,
        runs: meant,
        ...(words.length > 0 && {only: fingerprintsOf(runs, meant, 'everything')}),
        progress,
        warn: (message) => err(`warning: ${message}`),
      }).finally(() => line.done());
      if (globals.json) out(JSON.stringify(pushed));
      else
        out(
          `${plural(pushed.entries, 'result')} pushed (${bytes(pushed.bytes)}), ${count(pushed.there)} there already${pushed.differing > 0 ? `, ${count(pushed.differing)} of them with other bytes` : ''}; ${plural(pushed.runs, 'run')}`,
        );
      return pushed.failed > 0 ? exitCodes.failed : exitCodes.done;
    },
    {writes: true},
  );

export const storePull = (words: readonly string[], globals: Globals): Promise<number> =>
  withStore(globals, async (connection) => {
    const {runs} = folders(globals);
    const meant = (await remoteRuns(connection.objects)).filter(({id}) => words.some((word) => isMeant(word)(id)));
    if (meant.length === 0)
      return refuse([
        {message: `the store has no run ${clippedList(words)}`, hint: '"pipeline ls" lists those that it has.'},
      ]);
    const fetched = await fetchRuns(meant, 'everything', connection, runs, globals);
    out(`${plural(meant.length, 'run')}, ${plural(fetched, 'result')} fetched`);
    return exitCodes.done;
  });

export const storeVerify = (globals: Globals): Promise<number> =>
  withStore(globals, async ({address, objects}) => {
    let read = 0;
    let damaged = 0;
    const line = progressLine(() => `${bytes(read)} read`);
    try {
      const onBytes = (more: number): void => {
        read += more;
      };
      for await (const {key, reason, movedTo} of verifyStore(objects, {remove: !address.readOnly, onBytes})) {
        damaged++;
        const done = movedTo === undefined ? 'removed' : `moved to ${movedTo}`;
        out(`✗ ${key}: ${reason}${address.readOnly ? '' : `; ${done}`}`);
      }
    } finally {
      line.done();
    }
    out(`${bytes(read)} read, ${damaged === 0 ? 'nothing is damaged' : `${plural(damaged, 'object')} damaged`}`);
    if (damaged > 0 && !address.readOnly)
      err('"pipeline store push" on a machine that has these results puts them there again');
    return damaged > 0 ? exitCodes.failed : exitCodes.done;
  });

export const storePrune = ({days}: {readonly days: number}, globals: Globals): Promise<number> =>
  withStore(
    globals,
    async ({objects}) => {
      const pruned = await pruneStore(objects, {days, now: Date.now()});
      out(
        `removed ${plural(pruned.runs, 'run')} and ${plural(pruned.entries, 'result')}, freed ${bytes(pruned.bytes)}`,
      );
      return exitCodes.done;
    },
    {writes: true},
  );

export const storeDu = (globals: Globals): Promise<number> =>
  withStore(globals, async ({address, objects}) => {
    const usage = await usageOf(objects);
    if (globals.json) out(JSON.stringify({store: address.name, ...usage}, null, 2));
    else
      out(
        [
          `${plural(usage.entries.objects, 'result')} with ${plural(usage.files.objects, 'file')}: ${bytes(usage.entries.bytes + usage.files.bytes)}`,
          `${plural(usage.runs.objects, 'run')}: ${bytes(usage.runs.bytes)}`,
        ].join('\n'),
      );
    return exitCodes.done;
  });
