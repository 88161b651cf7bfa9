import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import {type Insight, insightOf} from '../../../src/pipeline/search/insight.ts';
import type {Search} from '../../../src/pipeline/search/read.ts';
import type {SearchResults, TriedRow} from '../../../src/pipeline/search/results.ts';
import {decode, type Point} from '../../../src/pipeline/search/space.ts';
import {spaceOf} from './spaces.ts';

const space = spaceOf({
  'learner.rate': {uniform: [0, 1]},
  'learner.batch': [16, 32, 64],
  'classifiers.0.nu': {uniform: [0, 1]},
});

/** `settings` of stage two under each of `trials` trainings. */
function resultsOf(
  trials: number,
  settings: number,
  value: (point: Point) => number,
  better: 'higher' | 'lower' = 'higher',
): SearchResults {
  const rng = new Rng(3);
  const rows = Array.from({length: trials}, (_, trial) => {
    const training = [rng.uniform(), rng.uniform()];
    return Array.from({length: settings}, (_, setting): TriedRow => {
      const point = decode(space, [...training, rng.uniform()]);
      return {trial, setting, point, objective: {value: value(point), sd: null}, tasks: []};
    });
  }).flat();
  const objective = {metric: 'auc', on: 'test', better} as const;
  const search: Search = {space, method: 'random', budget: {}, objective, settings, parallel: 1, seed: 0};
  return {search, rows, isOver: true, trials, ended: 0, failed: 0};
}

/** A plateau from 0.4 to 0.7 of the rate, more at batch 32; nu has no effect. */
const plateau = (point: Point): number => {
  const rate = point['learner.rate'] as number;
  return (rate >= 0.4 && rate <= 0.7 ? 0.9 : 0.6) + (point['learner.batch'] === 32 ? 0.1 : 0);
};

test('the most important first, and where each is best', () => {
  const {configurations, parameters, interaction} = insightOf(resultsOf(60, 3, plateau)) as Insight;
  expect(configurations).toBe(180);
  expect(parameters.map(({name}) => name)).toEqual(['learner.rate', 'learner.batch', 'classifiers.0.nu']);
  const [rate, batch, nu] = parameters;
  expect(rate!.share.mean).toBeGreaterThan(0.6);
  const {from, to} = rate!.best as {readonly from: number; readonly to: number};
  expect(from).toBeGreaterThan(0.35);
  expect(from).toBeLessThan(0.45);
  expect(to).toBeGreaterThan(0.65);
  expect(to).toBeLessThan(0.75);
  expect(batch!.best).toEqual({values: [32]});
  expect(nu!.share.mean).toBeLessThan(0.05);
  expect(interaction!.share.mean).toBeLessThan(0.1);
});

test('lower values can be the better ones', () => {
  const {parameters} = insightOf(resultsOf(60, 3, (point) => 1 - plateau(point), 'lower')) as Insight;
  expect(parameters[1]!.best).toEqual({values: [32]});
});

test('an interaction is named', () => {
  const xor = (point: Point) => ((point['learner.rate'] as number) > 0.5 === (point['learner.batch'] === 32) ? 1 : 0);
  const {interaction} = insightOf(resultsOf(100, 2, xor)) as Insight;
  expect(interaction!.parameters).toEqual(['learner.rate', 'learner.batch']);
  expect(interaction!.share.mean).toBeGreaterThan(0.5);
});

test('too few configurations, or too few trainings under them', () => {
  expect(insightOf(resultsOf(29, 1, plateau))).toEqual({of: 'configurations', needed: 30, have: 29});
  expect(insightOf(resultsOf(19, 4, plateau))).toEqual({of: 'trainings', needed: 20, have: 19});
  // Those that the halving has ended, and those without a value, can't be compared.
  const {rows, ...results} = resultsOf(60, 1, plateau);
  const some = rows.map((row, i) =>
    i < 20 ? {...row, until: 1} : i < 35 ? {...row, objective: {value: null, sd: null}} : row,
  );
  expect(insightOf({...results, rows: some})).toEqual({of: 'configurations', needed: 30, have: 25});
});

test('of very many, a sample that is the same each time', () => {
  const results = resultsOf(40, 10, plateau);
  const insight = insightOf(results) as Insight;
  expect(insight.configurations).toBe(300);
  expect(insightOf(results)).toEqual(insight);
});

test('no effect at all is no importance', () => {
  const {parameters} = insightOf(resultsOf(40, 1, () => 0.5)) as Insight;
  for (const {share} of parameters) expect(share).toEqual({mean: 0, deviation: 0});
});
