import {expect, test} from 'vitest';
import type {Tried} from '../../../src/pipeline/search/board.ts';
import type {Search} from '../../../src/pipeline/search/read.ts';
import {Settings} from '../../../src/pipeline/search/settings.ts';
import {spaceOf} from './spaces.ts';

const space = spaceOf({'learner.batch': [16, 32], 'classifiers.0.nu': {uniform: [0.05, 0.95]}});
const search = (changes: Partial<Search>): Search => ({
  ...{space, method: 'tpe', settings: 8, parallel: 1, seed: 0, budget: {}},
  objective: {metric: 'auc', on: 'validation', better: 'higher'},
  ...changes,
});
const namesOf = ({trials}: Settings): readonly string[] => trials.parameters.map(({name}) => name);

test('a trial is a training with settings of its own', () => {
  const settings = new Settings(search({}));
  expect(namesOf(settings)).toEqual(['learner.batch']);
  expect(settings.first({'learner.batch': 16})).toHaveLength(4);
});

test('with one setting a training, both vary together: otherwise all trainings would have the same one', () => {
  for (const method of ['tpe', 'random', 'quasi-random'] as const) {
    const settings = new Settings(search({method, settings: 1}));
    expect(namesOf(settings)).toEqual(['learner.batch', 'classifiers.0.nu']);
    expect(settings.first({'learner.batch': 16, 'classifiers.0.nu': 0.5})).toEqual([{}]);
  }
  expect(namesOf(new Settings(search({method: 'grid', settings: 1})))).toEqual(['learner.batch']);
});

test('what is not a classifier’s, or only a classifier’s, is a trial by itself', () => {
  const [batch, nu] = space.parameters.map((parameter) => ({parameters: [parameter]}));
  for (const one of [batch!, nu!]) expect(new Settings(search({space: one})).trials).toBe(one);
});

test('settings are proposed from the latest 40 trainings: a search does not become slower and slower', () => {
  const settings = new Settings(search({}));
  const point = {'learner.batch': 32};
  const tried = (training: number, best: number): readonly Tried[] =>
    settings.first(point).map((own, setting) => {
      const value = training - Math.abs((own['classifiers.0.nu'] as number) - best);
      return {setting, point: own, value};
    });
  const earlier = Array.from({length: 60}, (_, training) => tried(training, training < 20 ? 0.1 : 0.8));
  const more = settings.more(point, tried(60, 0.8), earlier);
  expect(more).toHaveLength(4);
  expect(settings.more(point, tried(60, 0.8), earlier.slice(20))).toEqual(more);
  expect(settings.more(point, tried(60, 0.8), earlier.slice(21))).not.toEqual(more);
});
