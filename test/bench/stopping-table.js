/**
 * What ending trainings early saves and loses, on the curves of test/fixtures/search/curves.json: what stopping.js and its test share. The rules
 * are those of a search; the curves are looked up, in many orders of the trials.
 */
import {readFileSync} from 'node:fs';
import {Rng} from '../../dist/core/base/random.js';
import {spearman} from '../../dist/core/linalg/spearman.js';
import {Board} from '../../dist/pipeline/search/board.js';
import {halving} from '../../dist/pipeline/search/halving.js';
import {medianStopping} from '../../dist/pipeline/search/stopping.js';

const orders = 50;

const {both, sandal, bag} = JSON.parse(
  readFileSync(new URL('../fixtures/search/curves.json', import.meta.url), 'utf8'),
);
const [{marks, epochs}] = both;

const rules = {
  none: undefined,
  '`stopping: {}`, a mark each quarter': medianStopping({after: 5}),
  '`stopping: {every: 2}`, each eighth': medianStopping({every: 2, after: 5}),
  '`halving: {first: 4, factor: 3}`': halving({first: 4, factor: 3}),
  '`halving: {first: 2, factor: 3}`': halving({first: 2, factor: 3}),
};

/** One search: these trials in this order, one at a time. */
async function searched(trials, rule, order) {
  const board = new Board(rule);
  const whole = [];
  const ended = [];
  let trained = 0;
  for (const [n, at] of order.entries()) {
    const trial = trials[at];
    const end = await endOf(trial, n, board, rule?.rungsOf(epochs) ?? []);
    trained += end;
    (end < epochs ? ended : whole).push(trial);
  }
  const chosen = whole.reduce((a, b) => (b.validation > a.validation ? b : a));
  const regret = (part) => 100 * (Math.max(...trials.map((trial) => trial[part])) - chosen[part]);
  const good = new Set(trials.toSorted((a, b) => b.validation - a.validation).slice(0, best(trials)));
  return {
    ended: ended.length,
    saved: 1 - trained / (epochs * trials.length),
    lost: ended.filter((trial) => good.has(trial)).length,
    validation: regret('validation'),
    test: regret('test'),
  };
}

/** The epochs after which a trial ends. */
async function endOf({scores, validation}, n, board, rungs) {
  const reach = (value) => board.reached(n, [{setting: 0, point: {}, value}]);
  board.begin({}, rungs);
  for (const rung of rungs) {
    reach(scores[marks.indexOf(rung)]);
    if (!(await board.goesOn(n))) return rung;
  }
  reach(validation);
  return epochs;
}

/** A tenth of them. */
const best = (trials) => Math.ceil(trials.length / 10);

async function means(trials, rule) {
  const runs = [];
  for (let seed = 0; seed < orders; seed++)
    runs.push(await searched(trials, rule, new Rng(seed).permutation(trials.length)));
  const mean = (key) => runs.reduce((sum, run) => sum + run[key], 0) / orders;
  return Object.fromEntries(Object.keys(runs[0]).map((key) => [key, mean(key)]));
}

/** Markdown: means over the orders. */
export async function table() {
  const rows = [];
  for (const [name, rule] of Object.entries(rules)) {
    const {ended, saved, lost, validation, test} = await means(both, rule);
    const [first, second] = [await means(sandal, rule), await means(bag, rule)];
    const two = [lost, first.lost, second.lost, validation, test].map((value) => value.toFixed(2));
    rows.push([name, ended.toFixed(1), `${Math.round(100 * saved)} %`, ...two]);
  }
  const lost = `of the best ${best(both)}, ended`;
  return markdown(
    ['rule', 'ended', 'epochs saved', lost, 'sandal alone', 'bag alone', 'regret, validation', 'regret, test'],
    rows,
  );
}

/** Markdown: how far the values at a mark rank the trainings as those at their end do, Spearman's coefficient. */
export function correlations() {
  const atEnd = Float64Array.from(both, ({validation}) => validation);
  const rows = Object.entries({'the objective': 'scores', '`kde`': 'kde'}).map(([name, key]) => [
    name,
    ...marks.map((_, k) =>
      spearman(
        Float64Array.from(both, (trial) => trial[key][k]),
        atEnd,
      ).toFixed(2),
    ),
  ]);
  return markdown(['after epoch', ...marks], rows);
}

const markdown = (head, rows) =>
  `${[head, ['---', ...head.slice(1).map(() => '--:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
