import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Matrix} from '../../../src/core/contracts/data.ts';
import {misfitOf} from '../../../src/pipeline/config/misfits.ts';
import {plugins, resolved} from '../../rig/learners.ts';
import {expectClose, onEachEngine} from '../../rig/tensors.ts';
import {pattern} from '../networks/pattern.ts';

/** Computed by loops over images in float64: `scripts/make-csi-fixtures.py`. */
const {score: fixture} = JSON.parse(readFileSync(new URL('../../fixtures/csi.json', import.meta.url), 'utf8')) as {
  readonly score: {
    readonly train: number;
    readonly test: number;
    readonly columns: number;
    readonly copies: number;
    readonly normality: readonly number[];
    readonly heldOut: readonly number[];
  };
};

const {copies, columns} = fixture;
const features = (rows: number, salt: number, logit: number): Matrix => {
  const width = copies * (columns + 1);
  const data = Float32Array.from(pattern(rows * width, salt), (value, i) =>
    i % (columns + 1) === columns ? Math.fround(value) + logit : value,
  );
  return {rows, columns: width, data};
};

onEachEngine(() => {
  const classifier = () => plugins.create('classifier', resolved('classifier', {type: 'csi', shifts: copies}));
  const train = features(fixture.train, 21, 1.5);

  test('scores are minus the paper’s, also of held-out rows', () => {
    const scores = classifier()
      .fit(train, new Rng(0))
      .score(features(fixture.test, 22, 0));
    expectClose(
      scores,
      fixture.normality.map((value) => -value),
    );
    expectClose(
      classifier().heldOut!(train, new Rng(0)),
      fixture.heldOut.map((value) => -value),
    );
  });

  test('logits with a negative mean do not turn the score around', () => {
    const scorer = classifier().fit(features(fixture.train, 21, -1.5), new Rng(0));
    const row = features(1, 22, 0);
    const [before] = scorer.score(row);
    row.data[columns]! += 1; // the shift is recognised better
    expect(scorer.score(row)[0]!).toBeLessThan(before!);
  });

  test('columns that are not of so many copies are refused', () => {
    expect(() => classifier().fit({rows: 1, columns: 6, data: new Float32Array(6)}, new Rng(0))).toThrow(
      'expected the features of 4 copies of an image, but 6 columns cannot be divided by 4; set "shifts"',
    );
  });
});

test('copies that the learner does not have are refused with the number that it has, wherever the classifier stands', () => {
  const learner = resolved('learner', {type: 'csi', shifts: ['rotate180']});
  expect(misfitOf(plugins, {type: 'csi', shifts: 2}, learner)).toBeUndefined();
  expect(misfitOf(plugins, {type: 'csi', shifts: 4}, learner)).toEqual({
    path: [],
    at: 'value',
    message: 'classifier "csi" reads features of 4 copies of an image, but learner "csi" has 2: the image and 1 shift',
    hint: 'Write {type: csi, shifts: 2}.',
  });
  expect(misfitOf(plugins, {type: 'csi', shifts: 4}, resolved('learner', {type: 'rotation'}))?.message).toContain(
    'reads the layer "csi"',
  );
});
