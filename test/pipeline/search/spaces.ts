import type {Json} from '../../../src/core/base/canonical.ts';
import {readSpace} from '../../../src/pipeline/search/read-space.ts';
import type {Space} from '../../../src/pipeline/search/space.ts';

/** Reads a space as a spec has it; `constants` is the rest of the spec. */
export const read = (written: unknown, constants: {readonly [path: string]: Json} = {}) =>
  readSpace(written, ['search', 'space'], {
    words: new Map([['dataset.normal_classes', 'dataset.inliers']]),
    constant: (path) => constants[path],
  });

export function spaceOf(written: unknown, constants?: {readonly [path: string]: Json}): Space {
  const {space, issues} = read(written, constants);
  if (issues.length > 0) throw new Error(issues.map(({message}) => message).join('\n'));
  return space;
}

/** Continuous numbers, steps, integers, choices, tuples, and parameters that exist only sometimes. */
export const mixed = {
  'learner.optimizer.learning_rate': {log: [1e-3, 0.1]},
  'learner.epochs': {integer: [64, 512], log: true},
  'learner.network.width': {choice: [0.25, 0.5, 1], when: {'learner.network.type': 'resnet18'}},
  'learner.network.type': ['small', 'resnet18'],
  'learner.batch, learner.views': [
    [32, 2],
    [64, 4],
  ],
  'classifiers.0.nu': {uniform: [0.05, 0.9], step: 0.05, when: {'learner.network.width': [0.5, 1]}},
};
