/** Many trials, in processes that are watched; and their table. */
import {fork} from 'node:child_process';
import {join} from 'node:path';
import {SlurmCluster} from '../rig/slurm.js';
import {clusterEnv, makeClusterStore} from './cluster.js';
import {here, makeStores} from './stores.js';

/** Seconds after which a trial hangs, also on a busy machine; a cluster waits a minute for a time limit. */
const limits = {here: 300, cluster: 900};
const counts = ['wrong', 'lost', 'hang', 'raw', 'human'];

/** Trials from number `first` on, until the time is over or there were `most`. `onCluster`: of a Slurm's faults, in place of the others. */
export async function campaign({onCluster = false, ...options}) {
  if (!onCluster) return trials({...options, stores: await makeStores(join(options.folder, 'stores'))});
  const cluster = await SlurmCluster.start();
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => void cluster.stop().finally(() => process.exit(1)));
  try {
    const stores = await makeClusterStore(join(options.folder, 'stores'), cluster);
    return await trials({...options, stores, cluster, hosts: 1});
  } finally {
    await cluster.stop();
  }
}

async function trials({
  folder,
  seed,
  seconds,
  first = 0,
  most = Number.POSITIVE_INFINITY,
  hosts = 1,
  kinds = [],
  say,
  stores,
  cluster,
}) {
  const limit = cluster ? limits.cluster : limits.here;
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
    say(`  again: npm run campaign -- --seed ${seed}${cluster ? ' --cluster' : ''} --trial ${number}`);
  };
  const work = async (at) => {
    let host;
    while (next < first + most && performance.now() < until) {
      const number = next++;
      host ??= await startHost(cluster ? clusterEnv(cluster) : {});
      const job = {seed, number, stores, kinds, cluster: cluster?.folder, folder: join(folder, `trial-${at}`)};
      const answer = await ask(host, job, limit);
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

function startHost(env) {
  const host = fork(join(here, 'host.js'), [], {
    env: {...process.env, ...env},
    execArgv: ['--import', join(here, 'preload.js')],
  });
  return new Promise((resolve) => host.once('message', () => resolve(host)));
}

/** Undefined: it hangs, or has ended. */
function ask(host, job, limit) {
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
    .map(([kind, ...cells]) => [kind.padEnd(25), ...cells.map((cell) => cell.padStart(7))].join(' '))
    .join('\n');
  return failed.length === 0 ? text : `${text}\nfailed trials of seed ${seed}: ${failed.join(', ')}`;
}
