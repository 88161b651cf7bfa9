/**
 * Searches over test/fixtures/search/table.json, the value of each configuration of test/fixtures/search/table.yaml: what
 * search-trained.js and its test share.
 */
import {readFileSync} from 'node:fs';
import {parse} from 'yaml';
import {Rng} from '../../dist/core/base/random.js';
import {Board} from '../../dist/pipeline/search/board.js';
import {methodOf} from '../../dist/pipeline/search/propose/methods.js';
import {readSpace} from '../../dist/pipeline/search/read-space.js';
import {Settings} from '../../dist/pipeline/search/settings.js';
import {keyOf, ofStageTwo, ofTraining, pointsOf} from '../../dist/pipeline/search/space.js';

const text = (name) => readFileSync(new URL(`../fixtures/search/${name}`, import.meta.url), 'utf8');

export const space = readSpace(parse(text('table.yaml')).search.space, [], {
  words: new Map(),
  constant: () => undefined,
}).space;
export const {trainings} = JSON.parse(text('table.json'));
export const objectives = ['validation', 'test'];

/** A configuration's place in the table. */
const places = new Map(
  [...pointsOf(ofTraining(space), () => 0)].flatMap((training, t) =>
    [...pointsOf(ofStageTwo(space, training), () => 0)].map((setting, s) => [keyOf({...training, ...setting}), [t, s]]),
  ),
);

/** `training` and `setting`: places in the table. */
export const regretOf = (objective, training, setting) => highest[objective] - trainings[training][objective][setting];
const highest = Object.fromEntries(
  objectives.map((objective) => [objective, Math.max(...trainings.flatMap((training) => training[objective]))]),
);

/**
 * A search as the product does it, one trial at a time, its values looked up, until it has found the best. Of each trial the smallest regret until then, and the
 * PFLOP of all trainings until then, each paid once.
 */
export function searched(objective, {method, settings, trials, seed}) {
  const board = new Board(Number.POSITIVE_INFINITY);
  const under = new Settings({space, method, settings, seed});
  const propose = methodOf[method](under.trials, new Rng(seed).fork('trials'));
  const progress = new Progress(objective);
  for (let n = 0; n < trials; n++) {
    const point = propose(n, board.known(n));
    if (!point || progress.trials.at(-1)?.regret === 0) break;
    board.begin(point, []);
    const tried = (points, from) =>
      points.map((own, k) => {
        const [training, setting] = places.get(keyOf({...point, ...own}));
        progress.see(training, setting);
        return {setting: from + k, point: own, value: trainings[training][objective][setting]};
      });
    const first = tried(under.first(point), 0);
    const more = tried(under.more(point, first, board.triedBefore(n)), first.length);
    board.reached(n, [...first, ...more]);
    progress.end();
  }
  return progress.trials;
}

/** Trials of Optuna, one configuration each. `paidOnce`: as if it, too, had its trainings cached. */
export function replayed(objective, places, paidOnce) {
  const progress = new Progress(objective, paidOnce);
  const settings = trainings[0][objective].length;
  for (const place of places) {
    progress.see(Math.floor(place / settings), place % settings);
    progress.end();
  }
  return progress.trials;
}

/** What a search has found and spent, trial by trial. */
class Progress {
  trials = [];
  #objective;
  #paidOnce;
  #regret = Number.POSITIVE_INFINITY;
  #paid = new Set();
  #pflop = 0;

  constructor(objective, paidOnce = true) {
    this.#objective = objective;
    this.#paidOnce = paidOnce;
  }

  see(training, setting) {
    this.#regret = Math.min(this.#regret, regretOf(this.#objective, training, setting));
    if (this.#paidOnce && this.#paid.has(training)) return;
    this.#paid.add(training);
    this.#pflop += trainings[training].pflop;
  }

  end() {
    this.trials.push({regret: this.#regret, pflop: this.#pflop});
  }
}

/** The PFLOP after which the regret is at most so large; infinite: never. */
export const pflopTo = (trials, regret) =>
  trials.find((trial) => trial.regret <= regret)?.pflop ?? Number.POSITIVE_INFINITY;
