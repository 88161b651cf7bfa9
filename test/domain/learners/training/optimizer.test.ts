import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../../src/builtin.ts';
import {checkPlugin} from '../../../../src/core/plugin/check.ts';
import {Plugins} from '../../../../src/core/plugin/registry.ts';

const plugins = new Plugins(builtin);
const issues = (optimizer: object) => checkPlugin(plugins, 'learner', {type: 'rotation', optimizer}).issues;

test('"decay" is of the schedule "step" alone: with any other it would be accepted and not used', () => {
  expect(issues({schedule: 'step', decay: {factor: 0.5}})).toEqual([]);
  expect(issues({schedule: 'linear'})).toEqual([]);
  for (const schedule of [{}, {schedule: 'linear'}, {schedule: 'constant'}])
    expect(issues({...schedule, decay: {factor: 0.5}})).toEqual([
      {
        path: ['optimizer', 'decay'],
        at: 'value',
        message: 'expected "optimizer.decay" to be absent, as only the schedule "step" has it, but got a mapping',
      },
    ]);
});
