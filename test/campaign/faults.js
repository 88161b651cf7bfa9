/** The faults that a trial may draw. Each has a kind, for the table, and a weight: how often it is drawn. */
import {execFileSync} from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as wait} from 'node:timers/promises';
import {checkpointsIn, projects, runsIn, start, write} from './stores.js';

const pick = (rng, list) => list[rng.integer(list.length)];

function filesBelow(folder) {
  return readdirSync(folder, {withFileTypes: true}).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

const cacheFiles = (folder, fits) =>
  filesBelow(join(folder, 'runs', 'cache'))
    .filter((path) => /cache\/[0-9a-f]{2}\//.test(path) && fits(path))
    .sort();

const ofRun = (name) => (folder, rng) => join(folder, 'runs', pick(rng, runsIn(folder)), name);

/** Kind of file → one of them. */
const places = {
  plan: ofRun('plan.json'),
  events: ofRun('events.ndjson'),
  environment: ofRun('environment.json'),
  'spec copy': ofRun('pipeline.yaml'),
  'a run': (folder, rng) => join(folder, 'runs', pick(rng, runsIn(folder))),
  database: (folder) => join(folder, 'runs', 'results.duckdb'),
  seal: (folder) => join(folder, 'runs', 'results.duckdb.seal'),
  manifest: (folder, rng) =>
    pick(
      rng,
      cacheFiles(folder, (path) => path.endsWith('manifest.json')),
    ),
  'cache file': (folder, rng) =>
    pick(
      rng,
      cacheFiles(folder, (path) => path.endsWith('.arrow')),
    ),
  'cache entry': (folder, rng) => dirname(places.manifest(folder, rng)),
  'cache shelf': (folder, rng) => dirname(places['cache entry'](folder, rng)),
  'source digests': (folder) => join(folder, 'runs', 'cache', 'sources.json'),
  lock: (folder, rng) =>
    pick(rng, [
      join(folder, 'runs', 'results.duckdb.lock'),
      join(folder, 'runs', 'cache', 'locks', places['cache entry'](folder, rng).slice(-64)),
      join(folder, 'runs', 'cache', 'locks'),
      join(folder, 'runs', 'cache', 'tmp'),
      join(folder, 'runs', 'cache', 'scratch'),
    ]),
};

function overwrite(path, at, bytes) {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

const replaceBy = (make) => (path) => {
  rmSync(path, {recursive: true, force: true});
  mkdirSync(dirname(path), {recursive: true});
  make(path);
};

/** What happens to a file; those of the first group need one with bytes in it. */
const inside = {
  'bit flip': (path, rng) => {
    const at = rng.integer(statSync(path).size);
    const byte = Buffer.alloc(1);
    const file = openSync(path, 'r');
    readSync(file, byte, 0, 1, at);
    closeSync(file);
    byte[0] ^= 1 << rng.integer(8);
    overwrite(path, at, byte);
  },
  truncation: (path, rng) => truncateSync(path, rng.integer(statSync(path).size)),
  'zeroed block': (path, rng) => {
    const {size} = statSync(path);
    const from = rng.integer(size);
    overwrite(path, from, Buffer.alloc(Math.min(1 + rng.integer(4096), size - from)));
  },
  'lines lost': (path, rng) => {
    const lines = readFileSync(path, 'utf8').split('\n');
    lines.splice(rng.integer(lines.length), 1 + rng.integer(3));
    writeFileSync(path, lines.join('\n'));
  },
  'a digit changed': (path, rng) => {
    const text = readFileSync(path, 'latin1');
    const digits = [...text.matchAll(/\d/g)];
    if (digits.length === 0) return;
    const {index, 0: digit} = pick(rng, digits);
    overwrite(path, index, Buffer.from(String((Number(digit) + 1 + rng.integer(9)) % 10)));
  },
};
const instead = {
  deletion: replaceBy(() => undefined),
  'a folder': replaceBy((path) => mkdirSync(path)),
  'a named pipe': replaceBy((path) => execFileSync('mkfifo', [path])),
  'a device': replaceBy((path) => symlinkSync('/dev/zero', path)),
  'a link to nowhere': replaceBy((path) => symlinkSync('/nowhere/at/all', path)),
  'an empty file': replaceBy((path) => writeFileSync(path, '')),
  'a text': replaceBy((path) => writeFileSync(path, 'mine\n')),
};

/** Damage to one file of a store that is at rest. */
const damageTo = (store, files) =>
  Object.entries(files).flatMap(([what, place]) =>
    Object.entries({...inside, ...instead}).map(([how, act]) => ({
      kind: what,
      how,
      weight: 1,
      store,
      async apply(folder, rng) {
        const path = place(folder, rng);
        const whole = existsSync(path) && statSync(path).isFile() && statSync(path).size > 0;
        if (!whole && how in inside) {
          instead.deletion(path);
          return path;
        }
        act(path, rng);
        return path;
      },
    })),
  );

const damage = [
  ...damageTo('filled', places),
  ...damageTo('stopped', {checkpoint: (folder, rng) => pick(rng, checkpointsIn(folder))}),
];

/** `usual`: seconds that an undisturbed first run takes here, for moments inside it. */
async function killed(folder, rng, usual, signal, who, options = []) {
  const {child, done} = start(folder, ['run', 'spec.yaml', '--plain', ...options]);
  const over = done.then(() => true);
  if (await Promise.race([over, wait(1000 * rng.uniform(0, 1.1 * usual))])) return;
  const victims = who === 'main' ? [child.pid] : who === 'group' ? [-child.pid] : workersOf(child.pid);
  for (const pid of victims.slice(0, 1)) signalTo(pid, signal);
  await done;
}

function signalTo(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

function workersOf(pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}

const signals = ['SIGKILL', 'SIGTERM', 'SIGINT'].flatMap((signal) =>
  ['main', 'group', 'worker'].map((who) => ({
    kind: 'signal',
    how: `${signal} of ${who}`,
    weight: 1,
    store: 'empty',
    processes: true,
    apply: (folder, rng, usual) => killed(folder, rng, usual, signal, who),
  })),
);

const stopped = ['SIGKILL', 'SIGTERM', 'SIGINT'].map((signal) => ({
  kind: 'stopped training',
  how: `${signal}, a checkpoint after every epoch`,
  weight: 2,
  store: 'photos',
  processes: true,
  apply: (folder, rng, usual) => killed(folder, rng, usual, signal, 'main', ['--checkpoint-every', '0']),
}));

/** Its file is written as one version or the other while a run goes on. */
const editing = (project) =>
  async function apply(folder, rng, usual) {
    const {done} = start(folder, ['run', 'spec.yaml', '--plain']);
    for (let edits = 1 + rng.integer(3); edits > 0; edits--) {
      await Promise.race([done, wait(1000 * rng.uniform(0, usual / 2))]);
      write(folder, project, edits % 2 === 0 ? 1 : -1);
    }
    await done;
  };

const edited = {how: 'during a run', weight: 4, processes: true};

const others = [
  {kind: 'edited code', ...edited, store: 'empty', apply: editing(projects.code)},
  {kind: 'edited data', ...edited, store: 'photos', apply: editing(projects.photos)},
  {
    kind: 'several runners',
    how: 'hosts and clocks of their own, some killed',
    weight: 4,
    store: 'empty',
    processes: true,
    async apply(folder, rng, usual) {
      const runners = Array.from({length: 2 + rng.integer(2)}, (_, i) =>
        start(folder, ['run', 'spec.yaml', '--plain'], {
          env: {
            CAMPAIGN_CLOCK: String(Math.round(rng.uniform(-1, 1) * 86_400_000)),
            ...(rng.integer(2) === 0 && {CAMPAIGN_HOST: `host-${i}`}),
          },
        }),
      );
      if (rng.integer(2) === 0) {
        await wait(1000 * rng.uniform(0, usual));
        signalTo(-runners[0].child.pid, 'SIGKILL');
      }
      await Promise.all(runners.map(({done}) => done));
    },
  },
  {
    kind: 'several runners',
    how: 'one is stopped, taken for dead, and goes on',
    weight: 3,
    store: 'empty',
    processes: true,
    async apply(folder, rng, usual) {
      const on = (host) =>
        start(folder, ['run', 'spec.yaml', '--plain'], {env: {CAMPAIGN_HOST: host, CAMPAIGN_BEATS: '0.2 1.5'}});
      const first = on('host-a');
      await Promise.race([first.done, wait(1000 * rng.uniform(0.1 * usual, usual))]);
      const pid = rng.integer(2) === 0 ? first.child.pid : -first.child.pid; // without its workers, or with them
      signalTo(pid, 'SIGSTOP');
      try {
        await on('host-b').done;
      } finally {
        signalTo(pid, 'SIGCONT');
      }
      return first.done;
    },
  },
  {
    kind: 'shared store',
    how: 'caches of their own, some killed, a file of the store damaged',
    weight: 4,
    store: 'empty',
    processes: true,
    async apply(folder, rng, usual) {
      const store = join(folder, 'store');
      mkdirSync(store);
      const member = join(folder, 'member');
      mkdirSync(member);
      for (const name of ['spec.yaml', 'own.js', 'package.json']) cpSync(join(folder, name), join(member, name));
      const run = (place, host) =>
        start(place, ['run', 'spec.yaml', '--plain'], {env: {PIPELINE_STORE: `file://${store}`, CAMPAIGN_HOST: host}});
      const runners = [run(folder, 'host-a'), run(member, 'host-b')];
      if (rng.integer(2) === 0) {
        await wait(1000 * rng.uniform(0, usual));
        signalTo(-runners[0].child.pid, 'SIGKILL');
      }
      await Promise.all(runners.map(({done}) => done));
      const files = filesBelow(store).filter((path) => statSync(path).size > 0);
      if (files.length > 0) pick(rng, Object.values(inside))(pick(rng, files), rng);
      // All that it knows comes from the store.
      rmSync(join(folder, 'runs', 'cache'), {recursive: true, force: true});
      return run(folder, 'host-a').done;
    },
  },
  {
    kind: 'full disk',
    how: 'after some writes',
    weight: 4,
    store: 'empty',
    processes: true,
    apply: (folder, rng) =>
      start(folder, ['run', 'spec.yaml', '--plain'], {env: {CAMPAIGN_DISK: String(rng.integer(120))}}).done,
  },
  {
    kind: 'full disk',
    how: 'files cannot grow (ulimit -f)',
    weight: 4,
    store: 'empty',
    processes: true,
    apply: (folder, rng) =>
      start(folder, ['run', 'spec.yaml', '--plain'], {limits: [`-f ${1 + rng.integer(400)}`]}).done,
  },
  {
    kind: 'few open files',
    how: 'ulimit -n',
    weight: 4,
    store: 'empty',
    processes: true,
    // With fewer, `preload.js` leaves none with which Node could open the command's own file.
    apply: (folder, rng) =>
      start(folder, ['run', 'spec.yaml', '--plain'], {limits: [`-n ${26 + rng.integer(60)}`]}).done,
  },
  {
    kind: 'a run',
    how: 'copied',
    weight: 2,
    store: 'filled',
    async apply(folder, rng) {
      const path = places['a run'](folder, rng);
      cpSync(path, `${path.slice(0, -4)}beef`, {recursive: true});
    },
  },
];

/** The same damage to what records are read from, looked at in this process alone: so cheap that most trials are of this kind. */
const cheap = damage
  .filter(({kind}) => ['plan', 'events', 'environment', 'spec copy', 'manifest'].includes(kind))
  .map((fault) => ({...fault, kind: `record: ${fault.kind}`, weight: 40, cheap: true}));

export const faults = [...damage, ...signals, ...stopped, ...others, ...cheap];

/** One of the faults, as often as their weights say. */
export function drawFault(rng, among = faults) {
  const bag = among.flatMap((fault) => Array(fault.weight).fill(fault));
  return pick(rng, bag);
}
