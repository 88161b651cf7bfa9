/**
 * Our regrets on the functions of search-functions.js, as search.py computes Optuna's:
 *
 *     node bin/build.js && node test/bench/search.js   # writes test/fixtures/search/ours.json, prints the table of docs/explanation/search.md
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {Rng} from '../../dist/core/base/random.js';
import {quasiRandom} from '../../dist/pipeline/search/propose/quasi-random.js';
import {tpe} from '../../dist/pipeline/search/propose/tpe.js';
import {readSpace} from '../../dist/pipeline/search/read-space.js';
import {functions} from './search-functions.js';
import {quartilesAt, regretsOf, table} from './search-table.js';

const seeds = 50;
const regrets = {};
for (const [name, {space: written, regret}] of Object.entries(functions)) {
  const {space} = readSpace(written, [], {words: new Map(), constant: () => undefined});
  const ofMethod = (make) =>
    quartilesAt(Array.from({length: seeds}, (_, seed) => regretsOf(make(space, new Rng(seed)), regret)));
  regrets[name] = {tpe: ofMethod(tpe), 'quasi-random': ofMethod(quasiRandom)};
}
const made = {
  'made by': 'test/bench/search.js',
  date: new Date().toISOString().slice(0, 10),
  seeds,
  quantiles: [0.25, 0.5, 0.75],
};
writeFileSync(
  new URL('../fixtures/search/ours.json', import.meta.url),
  `${JSON.stringify({...made, regrets}, null, 1)}\n`,
);
const optuna = JSON.parse(readFileSync(new URL('../fixtures/search/optuna.json', import.meta.url), 'utf8'));
process.stdout.write(table(regrets, optuna.regrets));
