/** A made-up run of a matrix that holds what was drawn badly: learning rates that nearly agree, 25 values of an option, equal numbers. */
import type {CurvePoint} from '../../src/core/contracts/learner.ts';
import type {StageRecord} from '../../src/pipeline/store/runs/run-record.ts';
import {type MadeUpRun, paperRotation} from './runs.ts';

export const rates = [0.005, 0.0055];
export const nus = Array.from({length: 25}, (_, i) => i + 1);

/** 2 × 25 points, of two classes and two seeds, with two classifiers; kde has the same value for both seeds. The best is 0.0055 with 21. */
export function sweptRun(): Omit<MadeUpRun, 'id'> {
  const tasks = nus.flatMap((k) =>
    rates.flatMap((rate) =>
      ['bag', 'coat'].flatMap((inlier) =>
        [0, 1].map((seed) => {
          const auc = 0.8 - Math.abs(k - 21) / 200 - Math.abs(Math.log10(rate / 0.0055)) / 20;
          return {
            dataset: {type: 'fashion-mnist'},
            inlier,
            seed,
            learner: {...paperRotation, optimizer: {learning_rate: rate}},
            point: {'classifiers.0.k': k, 'learner.optimizer.learning_rate': rate},
            scores: {
              knn: {ref: {type: 'knn', k}, metrics: {auc: auc + seed / 100 + (inlier === 'bag' ? 0.02 : 0)}},
              kde: {metrics: {auc: auc - 0.05}},
            },
          };
        }),
      ),
    ),
  );
  return {name: 'swept', tasks};
}

/** 40 epochs: the loss falls from above 2 to below 0.1. */
export function curveOf({node}: StageRecord): readonly CurvePoint[] {
  const recipe = node.recipe as {
    readonly seed: number;
    readonly learner: {readonly optimizer: {learning_rate: number}};
  };
  const rate = recipe.learner.optimizer.learning_rate;
  return Array.from({length: 40}, (_, epoch) => ({
    epoch,
    loss: 2.5 * Math.exp(-epoch * (0.1 + 2 * rate)) + recipe.seed / 100 + 0.02,
    accuracy: 1 - 0.7 * Math.exp(-epoch / 10) - recipe.seed / 50,
    learningRate: rate * 0.5 * (1 + Math.cos((Math.PI * epoch) / 40)),
  }));
}
