import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {renderProblems} from '../../../src/surface/live/diagnostic.ts';
import {fakePlugins} from '../../rig/fake-plugins.ts';
import {folder} from './folder.ts';

const good = `name: a
dataset: {type: pets, inliers: [cat, dog], limit: {train: 5}}
learner: &l
  type: contrastive
  network: &net {type: tiny, width: 2, head: [1, 2]}
  optimizer: {learning_rate: 1.0e-3, schedule: cosine}
augment:
  - crop: {min_side: 0.5}
  - hflip
classifiers: [kde, {type: svm, nu: 0.1}, "softmax"]
metrics: [auc]
seeds: [0, 1]
matrix:
  learner.batch: [32, 64]
  learner.network: [{<<: *net, width: 1}, headless]
`;

const pieces = [
  '\t',
  '\n',
  '  ',
  ':',
  ': ',
  '- ',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*l',
  '*net',
  '<<: ',
  '#',
  '!',
  '|',
  '>',
  '%',
  '@',
  '~',
  '? ',
  '---\n',
  '...\n',
  '.nan',
  'null',
  '0',
  '-1',
  '1e999',
  '\u0000',
  '\u2028',
  '😀',
  '__proto__',
];

/** The same hundred in every run; `FUZZ_RUNS=100000` looks for new ones. */
const runs = process.env['FUZZ_RUNS'];
const chance = runs === undefined ? {numRuns: 100, seed: 1} : {numRuns: Number(runs)};

const edit = fc.record({
  at: fc.nat(good.length),
  remove: fc.integer({min: 0, max: 12}),
  insert: fc.oneof(fc.constantFrom(...pieces), fc.string({maxLength: 4})),
});

test('any change of a valid file gives a plan or problems with places in the file', async () => {
  const file = join(folder({}), 'a.yaml');
  const builtin = fakePlugins();
  await fc.assert(
    fc.asyncProperty(fc.array(edit, {minLength: 1, maxLength: 4}), async (edits) => {
      const text = edits.reduce(
        (now, {at, remove, insert}) => now.slice(0, at) + insert + now.slice(at + remove),
        good,
      );
      writeFileSync(file, text);
      const read = await readPlan(file, {builtin});
      if (read.ok) return;
      expect(renderProblems(read.failures, {colour: false})).toMatch(/^✗ \S/);
      const lines = text.replace(/^\ufeff/, '').split('\n');
      for (const {range} of read.failures)
        if (range) expect(lines[range.line - 1]?.replace(/\r$/, '')).toBe(range.text);
    }),
    chance,
  );
});

test('any value of --set gives a plan or problems', async () => {
  const file = join(folder({'a.yaml': good}), 'a.yaml');
  const builtin = fakePlugins();
  const part = fc.constantFrom(
    'learner',
    'network',
    'type',
    'classifiers',
    '0',
    '1',
    '9',
    'nu',
    'dataset',
    'normal classes: unknown names, wrong types',
    'augment',
    'crop',
    'matrix',
    'seeds',
    '',
    'x',
  );
  const value = fc.oneof(
    fc.constantFrom('1', 'kde', '[a]', '{type: svm}', '', '*x', '"', 'null'),
    fc.string({maxLength: 5}),
  );
  const set = fc.tuple(fc.array(part, {maxLength: 4}), value).map(([path, text]) => `${path.join('.')}=${text}`);
  await fc.assert(
    fc.asyncProperty(fc.array(set, {minLength: 1, maxLength: 3}), async (options) => {
      const read = await readPlan(file, {builtin, overrides: {set: options}});
      if (!read.ok) expect(renderProblems(read.failures, {colour: false})).toContain('--set ');
    }),
    chance,
  );
});
