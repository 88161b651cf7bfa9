/** Rows of searches: what the search itself costs, beside stages that cost nearly nothing. */
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {root, wall} from '../rig.js';

const spec = (trials) => `name: trivial
dataset: {type: synthetic, size: 16, train: 32, test: 16, classes: 3, normal_classes: [stripes], validation: synthetic}
learner: {type: untrained, network: {type: small, width: 4, head: [16]}}
augment: [hflip]
classifiers: [{type: oc-svm}]
search:
  space:
    learner.network.width: {integer: [2, 9]}
    learner.network.head.0: {integer: [4, 64]}
    classifiers.0.nu: {uniform: [0.05, 0.9]}
  settings: 1
  trials: ${trials}
`;

/** Of the process that drives the search: wall and processor seconds, peak memory in MB, and the events of the run. */
function driven(folder, trials) {
  writeFileSync(join(folder, 'trivial.yaml'), spec(trials));
  const usage = join(folder, 'usage.json');
  const args = ['--import', join(root, 'test/bench/usage.js'), join(root, 'bin/pipeline.js')];
  const run = ['run', 'trivial.yaml', '--quiet', '--engine', 'wasm', '--runs', join(folder, 'runs')];
  const seconds = wall(process.execPath, [...args, ...run], {
    cwd: folder,
    env: {...process.env, PIPELINE_BENCH_USAGE: usage},
  });
  const {userCPUTime, systemCPUTime, maxRSS} = JSON.parse(readFileSync(usage, 'utf8'));
  const latest = readdirSync(join(folder, 'runs'))
    .filter((name) => /^\d{8}-/.test(name))
    .sort()
    .at(-1);
  const events = readFileSync(join(folder, 'runs', latest, 'events.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map(JSON.parse);
  return {seconds, processor: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024, events};
}

/** Milliseconds of a run in which no stage works. A stage works from its start for as long as its own seconds. */
function withoutStages(events) {
  const at = (event) => Date.parse(event.at);
  const only = (type) => events.find((event) => event.type === type);
  const began = new Map(events.filter(({type}) => type === 'stage-started').map((event) => [event.stage, at(event)]));
  const works = events
    .filter(({type, how}) => type === 'stage-finished' && how === 'computed')
    .map(({stage, seconds}) => [began.get(stage), began.get(stage) + 1000 * seconds])
    .sort(([a], [b]) => a - b);
  let work = 0;
  let last = 0;
  for (const [from, to] of works) {
    work += Math.max(0, to - Math.max(from, last));
    last = Math.max(last, to);
  }
  return at(only('run-finished')) - at(only('run-started')) - work;
}

const few = 100;
const many = 300;

/** Figures by name, one a round, of which each measures in a folder of its own. */
function inFolders(rounds, measure) {
  const found = Array.from({length: rounds}, () => {
    const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
    try {
      return measure(folder);
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
  });
  return Object.fromEntries(Object.keys(found[0]).map((name) => [name, found.map((figures) => figures[name])]));
}

const fresh = () => ({
  what: `a search of ${many} trials whose stages are trivial, nothing of them cached: a trial, ms`,
  better: 'lower',
  figures: inFolders(2, (folder) => {
    const {processor, events} = driven(folder, many);
    return {
      'while no stage works': withoutStages(events) / many,
      'processor time of the driver, its start included': (1000 * processor) / many,
    };
  }),
  target: 'under 30 ms while no stage works',
});

const cached = () => ({
  what: `a search of ${many} trials, all cached: a trial after the hundredth, ms`,
  better: 'lower',
  figures: inFolders(2, (folder) => {
    driven(folder, many);
    const [first, all] = [driven(folder, few), driven(folder, many)];
    const aTrial = (figure) => (1000 * (all[figure] - first[figure])) / (many - few);
    return {
      wall: aTrial('seconds'),
      'processor time': aTrial('processor'),
      [`peak memory of ${few} trials, MB`]: first.megabytes,
      [`peak memory of ${many} trials, MB`]: all.megabytes,
    };
  }),
  target: 'under 30 ms, memory flat',
});

export const rows = {'search-fresh': async () => fresh(), 'search-cached': async () => cached()};
