/** Many trials, in processes that are watched; and their table. */
import {fork} from 'node:child_process';
import {join} from 'node:path';
import {here, makeStores} from './stores.js';

/** Seconds after which a trial hangs, also on a busy machine. */
const limit = 300;
const counts = ['wrong', 'lost', 'hang', 'raw', 'human'];

/** Trials from number `first` on, until the time is over or there were `most`. */
export async function campaign({
  folder,
  seed,
  seconds,
  first = 0,
  most = Number.POSITIVE_INFINITY,
  hosts = 1,
  kinds = [],
  say,
}) {
  const stores = await makeStores(join(folder, 'stores'));
  const until = performance.now() + seconds * 1000;
  const rows = new Map();
  const failed = [];
  let next = first;
  const record = ({number, kind, how, place, found}) => {
    const row = rows.get(kind) ?? {trials: 0, ...Object.fromEntries(counts.map((name) => [name, 0]))};
    rows.set(kind, row);
    row.trials++;
    const bad = counts.filter((name) => found[name]?.length > 0);
    for (const name of bad) row[name]++;
    if (bad.length === 0) return;
    failed.push(number);
    say(
      `trial ${number}: ${kind}, ${how} ${place}\n${bad.flatMap((name) => found[name].map((text) => `  ${name}: ${text}`)).join('\n')}`,
    );
    say(`  again: npm run campaign -- --seed ${seed} --trial ${number}`);
  };
  const work = async (at) => {
    let host;
    while (next < first + most && performance.now() < until) {
      const number = next++;
      host ??= await startHost();
      const answer = await ask(host, {seed, number, stores, kinds, folder: join(folder, `trial-${at}`)});
      if (answer === undefined) {
        host.kill('SIGKILL');
        host = undefined;
        record({number, kind: 'unknown', how: 'no answer', place: '', found: {hang: [`no answer after ${limit} s`]}});
      } else if (answer.broken) throw new Error(`trial ${number} of the campaign itself failed: ${answer.broken}`);
      else record(answer);
    }
    host?.kill();
  };
  await Promise.all(Array.from({length: hosts}, (_, at) => work(at)));
  return {rows, failed, seed};
}

function startHost() {
  const host = fork(join(here, 'host.js'), [], {execArgv: ['--import', join(here, 'preload.js')]});
  return new Promise((resolve) => host.once('message', () => resolve(host)));
}

/** Undefined: it hangs, or has ended. */
function ask(host, job) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), limit * 1000);
    const end = (answer) => {
      clearTimeout(timer);
      host.removeAllListeners('message').removeAllListeners('exit');
      resolve(answer);
    };
    host.once('message', end);
    host.once('exit', () => end(undefined));
    host.send(job);
  });
}

export function tableOf({rows, failed, seed}) {
  const names = ['fault', 'trials', ...counts];
  const all = {trials: 0, ...Object.fromEntries(counts.map((name) => [name, 0]))};
  for (const row of rows.values()) for (const name of Object.keys(all)) all[name] += row[name];
  const lines = [...[...rows].sort(([a], [b]) => (a < b ? -1 : 1)), ['all', all]].map(([kind, row]) => [
    kind,
    ...names.slice(1).map((name) => String(row[name])),
  ]);
  const text = [names, ...lines]
    .map(([kind, ...cells]) => [kind.padEnd(18), ...cells.map((cell) => cell.padStart(7))].join(' '))
    .join('\n');
  return failed.length === 0 ? text : `${text}\nfailed trials of seed ${seed}: ${failed.join(', ')}`;
}
