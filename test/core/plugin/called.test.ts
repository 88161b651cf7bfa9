import {expect, test} from 'vitest';
import {called} from '../../../src/core/plugin/registry.ts';

const mine = {kind: 'classifier', name: 'mine'} as const;
const throwing = (thrown: unknown) => () =>
  called(mine, () => {
    throw thrown;
  });

test('what a plug-in throws that is not an Error names the plug-in; an Error stays as it is', () => {
  expect(called(mine, () => 7)).toBe(7);
  expect(throwing(null)).toThrow('classifier "mine": null was thrown, which is not an Error');
  const error = new TypeError('too wide');
  expect(throwing(error)).toThrow(error);
});
