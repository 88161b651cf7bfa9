/**
 * Runs on a real Slurm of two nodes, and what happens to their parts (`--cluster`). A disturbed run must end by itself, unless it was
 * killed itself; then the same command goes on.
 */
import {cpSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {eventOf} from '../../dist/pipeline/store/runs/shape.js';
import {SlurmCluster} from '../rig/slurm.js';
import {must, photosProject, runsIn, start, truthIn} from './stores.js';

const site = ({learn = '', before = ''} = {}) => `resources:
  default: { memory: 900M, cpus: 1, time: 10min }
  learn: { gpus: 1${learn} }
poll: 0.5
${before}`;

/** For the environment of every process of a trial. */
export const clusterEnv = (cluster) => ({...cluster.env, PIPELINE_EXECUTOR: 'slurm'});

/** What trials begin with: trainings of some seconds. Its numbers are computed on this machine alone. */
export async function makeClusterStore(folder, cluster) {
  const at = (name) => join(folder, name);
  photosProject(at('cluster'), 20);
  writeFileSync(join(at('cluster'), 'site.yaml'), site());
  const truths = [];
  const seconds = [];
  for (const env of [{}, clusterEnv(cluster)]) {
    const place = at(`whole-${truths.length}`);
    cpSync(at('cluster'), place, {recursive: true});
    const began = performance.now();
    await must(place, ['run', 'spec.yaml', '--quiet'], env);
    seconds.push((performance.now() - began) / 1000);
    truths.push(await truthIn(place));
  }
  return {
    cluster: {folder: at('cluster'), project: 'photos', truth: {1: truths[0], '-1': truths[0]}, usual: seconds[1]},
  };
}

const pick = (rng, list) => list[rng.integer(list.length)];

/** A run with a fault in it. `act`: what happens at some moment; `args`: more options. */
const during = (act, args = []) =>
  async function apply(folder, rng, usual) {
    const {child, done} = start(folder, ['run', 'spec.yaml', '--plain', ...args]);
    let isOver = false;
    const over = done.then(() => {
      isOver = true;
    });
    await Promise.race([over, wait(1000 * rng.uniform(0, usual))]);
    await act({child, folder, rng, isOver: () => isOver});
    return done;
  };

function signalTo(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

/** A job that runs: undefined when the run is over before there is one. */
async function runningJob(cluster, rng, isOver) {
  for (;;) {
    const jobs = cluster.jobs.filter((line) => line.includes(' RUNNING '));
    if (jobs.length > 0) return pick(rng, jobs).split(' ')[0];
    if (isOver()) return undefined;
    await wait(100);
  }
}

/** Processes of jobs of a folder's runs. */
async function jobProcess(folder, rng, isOver) {
  for (;;) {
    const found = readdirSync('/proc').filter((name) => {
      const words = /^\d+$/.test(name) ? contentOf(`/proc/${name}/cmdline`).split('\0') : [];
      return words.includes('stage') && words.some((word) => word.startsWith(join(folder, 'runs')));
    });
    if (found.length > 0) return Number(pick(rng, found));
    if (isOver()) return undefined;
    await wait(50);
  }
}

function contentOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const childrenOf = (pid) =>
  contentOf(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);

/** The faults of a cluster. */
export function clusterFaults(folder) {
  const cluster = new SlurmCluster(folder);
  const crash = (name) => async (rng) => {
    await cluster.kill(name);
    await wait(1000 * rng.uniform(0, 15));
    cluster.boot(name);
  };
  const faults = {
    driver: during(({child, rng}) => signalTo(pick(rng, [child.pid, -child.pid]), 'SIGKILL')),
    'driver, detached': async (place, rng, usual) => {
      const {text} = await start(place, ['run', 'spec.yaml', '--plain', '--detach']).done;
      await wait(1000 * rng.uniform(0, usual));
      const run = runsIn(place).at(-1);
      const {pid} = JSON.parse(readFileSync(join(place, 'runs', run, 'environment.json'), 'utf8'));
      signalTo(pid, 'SIGKILL');
      return {status: 'SIGKILL', text};
    },
    "node's daemon": during(({rng}) => crash(pick(rng, ['n1', 'n2']))(rng)),
    controller: during(({rng}) => crash('slurmctld')(rng)),
    "job's process": during(async ({folder: place, rng, isOver}) => {
      const pid = await jobProcess(place, rng, isOver);
      if (pid !== undefined) signalTo(pid, 'SIGKILL');
    }),
    worker: during(async ({folder: place, rng, isOver}) => {
      for (let pid; !isOver(); await wait(50)) {
        pid = await jobProcess(place, rng, isOver);
        const workers = pid === undefined ? [] : childrenOf(pid);
        if (workers.length > 0) return signalTo(pick(rng, workers), 'SIGKILL');
      }
    }),
    requeue: during(async ({rng, isOver}) => {
      const job = await runningJob(cluster, rng, isOver);
      if (job !== undefined) cluster.scontrol('requeue', job);
    }),
    scancel: during(async ({rng, isOver}) => {
      const job = await runningJob(cluster, rng, isOver);
      // One job, its whole array, or its shell alone.
      if (job !== undefined)
        cluster.scancel(...pick(rng, [[job], [job.split('_')[0]], ['--batch', '--signal=KILL', job]]));
    }),
    'time: notice': during(async ({rng, isOver}) => {
      const job = await runningJob(cluster, rng, isOver);
      if (job !== undefined) cluster.scancel('--batch', '--signal=USR1', job);
    }),
    'time: limit': async (place, rng, usual) => {
      const lines = {learn: ', time: 1min, time_max: 8min', before: 'before: [sleep 50]\n'};
      writeFileSync(join(place, 'site.yaml'), site(lines));
      const ended = await during(() => undefined)(place, rng, usual);
      writeFileSync(join(place, 'site.yaml'), site());
      return ended;
    },
    memory: (place, rng, usual) => {
      writeFileSync(join(place, 'site.yaml'), site({learn: `, memory: ${20 + rng.integer(200)}M, memory_max: 900M`}));
      return during(() => undefined)(place, rng, usual);
    },
    'two drivers': async (place, rng, usual) => {
      const [first, second] = [0, 1].map(() => start(place, ['run', 'spec.yaml', '--plain']));
      const isKilled = rng.integer(2) === 0;
      if (isKilled) {
        await wait(1000 * rng.uniform(0, usual));
        signalTo(-first.child.pid, 'SIGKILL');
      }
      const ended = [await first.done, await second.done];
      const bad = ended.find(({status}, at) => status !== 0 && !(at === 0 && isKilled));
      return {status: bad?.status ?? 0, text: ended.map(({text}) => text).join('\n')};
    },
  };
  return Object.entries(faults).map(([how, apply]) => ({
    kind: `cluster: ${how}`,
    how: 'at some moment of a run',
    weight: how === 'time: limit' ? 1 : 4,
    store: 'cluster',
    processes: true,
    ends: !how.startsWith('driver'),
    apply,
  }));
}

/** What holds when all runs of a trial have ended; afterwards the cluster is as it was. */
export async function settle(clusterFolder, folder, found) {
  const cluster = new SlurmCluster(clusterFolder);
  const left = cluster.jobs;
  await cluster
    .until('no job is left', () => cluster.jobs.length === 0, 30)
    .catch(() => {
      found.human.push(`jobs are left: ${left.join(', ')}`);
      cluster.scancel('--me', '--signal=KILL', '--full');
    });
  await cluster
    .until('both nodes are idle', () => cluster.nodes === 'idle')
    .catch(() => {
      found.human.push(`nodes are ${cluster.nodes}`);
      cluster.scontrol('update', 'nodename=n[1-2]', 'state=resume');
    });
  const published = new Map();
  for (const {type, how, fingerprint, label} of jobEvents(folder))
    if (type === 'stage-finished' && how === 'computed')
      published.set(fingerprint, [...(published.get(fingerprint) ?? []), label]);
  for (const labels of published.values())
    if (labels.length > 1) found.wrong.push(`published ${labels.length} times: ${labels[0]}`);
}

/** From the logs of all attempts of all jobs. */
function jobEvents(folder) {
  return runsIn(folder).flatMap((run) => {
    const jobs = join(folder, 'runs', run, 'jobs');
    return namesIn(jobs)
      .flatMap((batch) => namesIn(join(jobs, batch)).map((name) => join(jobs, batch, name)))
      .filter((path) => path.endsWith('.ndjson'))
      .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
      .flatMap((line) => eventOf(line) ?? []);
  });
}

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
