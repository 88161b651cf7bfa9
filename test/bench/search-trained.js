/**
 * Our searches on the trained configurations of table.json, beside Optuna's, for the tables of docs/explanation/search.md:
 *
 *     npm run build && node test/bench/search-trained.js   # writes test/fixtures/search/trained.json, prints the tables
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {budgets, pflopTable, quartilesAt, table} from './search-table.js';
import {objectives, pflopTo, replayed, searched} from './search-trained-runs.js';

const seeds = 200;
const optuna = JSON.parse(
  readFileSync(new URL('../fixtures/search/trained-optuna.json', import.meta.url), 'utf8'),
).places;

const several = (objective, options) =>
  Array.from({length: seeds}, (_, seed) => searched(objective, {...options, seed}));
/** Goals have six digits. */
const rounding = 1e-7;
/** AUC × 100. */
const regretsOf = (runs) =>
  quartilesAt(
    runs.map((run) => Array.from({length: Math.max(...budgets)}, (_, n) => 100 * (run[n] ?? run.at(-1)).regret)),
  );
/** JSON has no infinity. */
const finite = (value) => (Number.isFinite(value) ? value : null);
/** Of all seeds: values that occurred, since some are infinite. */
const quartiles = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => sorted[Math.ceil(share * sorted.length) - 1]).map(finite);
};

const regrets = {};
const theirs = {};
const pflop = {};
for (const objective of objectives) {
  const own = (options) => several(objective, {trials: Math.max(...budgets), ...options});
  const joint = own({method: 'tpe', settings: 1});
  const shared = own({method: 'tpe', settings: 16});
  const replays = (sampler, paidOnce) =>
    optuna[objective][sampler].map((places) => replayed(objective, places, paidOnce));
  regrets[objective] = {
    tpe: regretsOf(joint),
    'quasi-random': regretsOf(own({method: 'quasi-random', settings: 1})),
  };
  theirs[objective] = Object.fromEntries(
    Object.keys(optuna[objective]).map((sampler) => [sampler, regretsOf(replays(sampler, true))]),
  );
  pflop[objective] = Object.fromEntries(
    budgets.map((budget) => {
      const goal = theirs[objective].tpe[budget][1];
      const spent = (runs) => quartiles(runs.map((run) => pflopTo(run, goal / 100 + rounding)));
      return [
        budget,
        {
          regret: goal,
          shared: spent(shared),
          joint: spent(joint),
          'optuna-once': spent(replays('tpe', true)),
          optuna: spent(replays('tpe', false)),
        },
      ];
    }),
  );
}
const made = {
  'made by': 'test/bench/search-trained.js',
  date: new Date().toISOString().slice(0, 10),
  seeds,
  quantiles: [0.25, 0.5, 0.75],
};
writeFileSync(
  new URL('../fixtures/search/trained.json', import.meta.url),
  `${JSON.stringify({...made, regrets, optuna: theirs, pflop}, null, 1)}\n`,
);
process.stdout.write(`${table(regrets, theirs, 'value')}\n${pflopTable(pflop)}`);
