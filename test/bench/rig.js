/** What every row of the bench uses: turns, medians, processes that stay loaded between turns. */
import {spawn, spawnSync} from 'node:child_process';
import {dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(dirname(here));
export const python = process.env.PIPELINE_BENCH_PYTHON ?? 'python3';
export const script = (name) => join(here, 'peers', name);

/** Wall seconds of our own command line. */
export const ours = (args, options) => wall(process.execPath, [join(root, 'bin', 'pipeline.js'), ...args], options);

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

export const format = (value) => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3));

/** By name, what contestants said of their version since this was cleared. */
export const versions = new Map();

/**
 * Runs the contestants in turns, `rounds` times, and returns the figures of each. The machine's speed drifts: only ratios
 * within one round mean something, so the ratio is the median of the rounds' ratios.
 */
export async function inTurns(contestants, rounds) {
  const figures = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) figures[name].push(await run());
  }
  return figures;
}

/**
 * Starts contestants by name, says which can't be had and leaves them out, and has the others run in turns: `turn` of a peer gives
 * its figure. `warm`: those that run once before, as first runs load, plan and allocate.
 */
export async function contest(contestants, turn, rounds, warm = Object.keys(contestants)) {
  const peers = {};
  for (const [name, start] of Object.entries(contestants)) {
    const one = await start();
    if (one.missing) console.log(`  ${name}: not here (${one.missing})`);
    else {
      peers[name] = one;
      if (one.version) versions.set(name, one.version);
    }
  }
  const turns = Object.fromEntries(Object.entries(peers).map(([name, one]) => [name, () => turn(one)]));
  for (const name of warm) await turns[name]?.();
  const figures = await inTurns(turns, rounds);
  for (const one of Object.values(peers)) one.close();
  return figures;
}

/** A peer that reads a job a line (a number of steps, a name) and answers with seconds; `missing`: why it can't be started. */
export async function peer(command, args, {env = process.env} = {}) {
  const child = spawn(command, args, {env, stdio: ['pipe', 'pipe', 'pipe']});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  child.on('error', () => {});
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const first = await lines.next();
  if (first.done || !first.value.startsWith('ready')) {
    return {missing: stderr.trim().split('\n').at(-1) || 'did not start', close: () => child.kill()};
  }
  return {
    version: first.value.slice('ready '.length),
    async run(job) {
      child.stdin.write(`${job}\n`);
      const answer = await lines.next();
      if (answer.done) throw new Error(`${command} ${args.join(' ')} ended: ${stderr}`);
      return Number(answer.value);
    },
    close: () => child.stdin.end(),
  };
}

/** Wall seconds of a whole process. Throws when it fails. */
export function wall(command, args, options = {}) {
  const start = process.hrtime.bigint();
  const {status, error, stderr, stdout} = spawnSync(command, args, {encoding: 'utf8', ...options});
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} exited ${status}\n${stdout}${stderr}`);
  return seconds;
}

export const has = (command, args = ['--version']) => spawnSync(command, args).status === 0;
