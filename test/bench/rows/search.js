/** Rows of searches: what the search itself costs, beside stages that cost nearly nothing. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
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

/** Of the process that drives the search: wall and processor seconds, and peak memory in MB. */
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
  return {seconds, processor: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024};
}

async function search(trials, rounds) {
  const figures = {
    'again, all cached': [],
    'first run, processor time of the driver': [],
    'peak memory of 100 trials, MB': [],
    [`peak memory of ${trials} trials, MB`]: [],
  };
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'pipeline-bench-'));
    try {
      const few = driven(folder, 100);
      const more = driven(folder, trials);
      const [fewAgain, moreAgain] = [driven(folder, 100), driven(folder, trials)];
      const aTrial = (a, b) => (1000 * (b - a)) / (trials - 100);
      const values = [
        aTrial(fewAgain.seconds, moreAgain.seconds),
        aTrial(fewAgain.processor, more.processor),
        few.megabytes,
        more.megabytes,
      ];
      for (const [k, name] of Object.keys(figures).entries()) figures[name].push(values[k]);
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
  }
  return {
    what: `a search of ${trials} trials whose stages are trivial, a trial after the hundredth, ms`,
    better: 'lower',
    figures,
    target: 'under 30 ms all cached, memory flat',
  };
}

export const rows = {'search-300': () => search(300, 1)};
