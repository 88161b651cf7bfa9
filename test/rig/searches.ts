/** Made-up runs with a search: trials along a learning rate and a batch, with settings of stage two under each. */
import {Rng} from '../../src/core/base/random.ts';
import type {Search} from '../../src/pipeline/search/read.ts';
import {decode} from '../../src/pipeline/search/space.ts';
import {spaceOf} from '../pipeline/search/spaces.ts';
import {type MadeUpRun, paperRotation} from './runs.ts';

const space = spaceOf({
  'learner.optimizer.learning_rate': {log: [1e-3, 1e-1]},
  'learner.batch': [32, 64],
  'classifiers.0.nu': {uniform: [0.05, 0.9]},
});

interface MadeUpSearch {
  readonly trials: number;
  readonly settings: number;
  readonly on: 'validation' | 'test';
  /** Trials before this one are ended by the halving. */
  readonly halved?: number;
}

/** The AUC is best at a learning rate of 0.01; the proxy loss ranks trials in the opposite order. */
export function searchRun({trials, settings, on, halved = 0}: MadeUpSearch): Omit<MadeUpRun, 'id'> {
  const rng = new Rng(5);
  const search: Search = {
    space,
    method: 'random',
    trials,
    budget: {},
    objective: {metric: 'auc', on, better: 'higher'},
    settings,
    parallel: 1,
    seed: 0,
  };
  const tasks = Array.from({length: trials}, (_, number) => {
    const training = [rng.uniform(), rng.uniform()];
    return Array.from({length: settings}, (_, setting) => {
      const point = decode(space, [...training, rng.uniform()]);
      const rate = Math.log10(point['learner.optimizer.learning_rate'] as number);
      const auc = 0.9 - 0.1 * Math.abs(rate + 2);
      return {
        inlier: 'cat',
        seed: 0,
        learner: {...paperRotation, training: training.join()},
        point,
        trial: {number, setting, classifier: 'oc-svm'},
        ...(number < halved && {until: 4}),
        criteria: {'proxy-loss': auc},
        scores: {
          'oc-svm': {
            ref: {type: 'oc-svm', nu: point['classifiers.0.nu'] as number},
            metrics: {auc},
            validation: {auc: auc - 0.02},
          },
        },
      };
    });
  }).flat();
  return {name: 'searched', tasks, search};
}
