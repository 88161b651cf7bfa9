import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {Scores} from '../../../src/core/formats/arrow/small.ts';
import {expectedOf} from '../../../src/pipeline/search/expected.ts';
import {optimismOfBest} from '../../../src/pipeline/search/optimism.ts';
import {searchResultsOf} from '../../../src/pipeline/search/results.ts';
import {readRecord, type StageRecord} from '../../../src/pipeline/store/runs/record.ts';
import {leaveScores} from '../../rig/left.ts';
import {makeRun} from '../../rig/runs.ts';
import {searchRun} from '../../rig/searches.ts';

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-expected-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

/** What the search of 6 trials expects, from these scores of the images that decide. */
async function expected(on: 'validation' | 'test', scoresOf: (stage: StageRecord) => Scores | undefined) {
  const folder = makeRun(mkdtempSync(join(runs, 'r')), {
    id: '20260101-000000-searched-abcd',
    ...searchRun({trials: 6, settings: 1, on, halved: 1}),
  });
  const record = readRecord(folder);
  if (!record.ok) throw new Error(JSON.stringify(record.failures));
  await leaveScores(record.value, scoresOf);
  return expectedOf(record.value, searchResultsOf(record.value)!);
}

/** `n` images of either label; no configuration is better than another. */
function noise(name: string, n = 30): Scores {
  const rng = new Rng(name);
  const classes = Int32Array.from({length: 2 * n}, (_, i) => i % 2);
  return {scores: Float64Array.from(classes, (one) => rng.normal() + one), classes, classNames: ['cat', 'dog']};
}

const isHeld = ({label}: StageRecord): boolean => label.endsWith('of validation');

test.for(['test', 'validation'] as const)('scores of the %s images are read from the cache', async (on) => {
  const seen: Scores[] = [];
  const found = await expected(on, (stage) => {
    if (isHeld(stage) !== (on === 'validation')) return undefined;
    const scores = noise(stage.id);
    seen.push(scores);
    return scores;
  });
  expect(seen).toHaveLength(6);
  // The first trial was ended by the halving.
  const {classes} = seen[0]!;
  const fewest = Math.min(...[0, 1].map((label) => classes.filter((one) => one === label).length));
  expect(found).toMatchObject({configurations: 5, rounds: 200, fewest});
  const aucs = seen.slice(1).map(({scores}) => aucOf(scores, classes));
  expect(found!.value).toBeCloseTo(Math.max(...aucs), 10);
  expect(found!.optimism).toBeGreaterThan(0);
  expect(found!.corrected).toBeLessThan(found!.value);
});

/** By counting pairs. */
function aucOf(scores: Float64Array, classes: Int32Array): number {
  const [normal, odd] = [0, 1].map((label) => [...scores].filter((_, i) => classes[i] === label));
  const above = odd!.flatMap((a) => normal!.map((b) => Number(a > b)));
  return above.reduce((sum, one) => sum + one, 0) / above.length;
}

test('nothing is said where scores are gone, images differ, or a label has one image', async () => {
  expect(await expected('test', () => undefined)).toBeUndefined();
  let at = 0;
  expect(await expected('test', (stage) => noise(stage.id, 30 + at++))).toBeUndefined();
  expect(await expected('test', (stage) => noise(stage.id, 1))).toBeUndefined();
});

test('one image of a label is refused and not resampled for ever', () => {
  const set = {labels: Uint8Array.of(0, 0, 1), scores: [[Float64Array.of(1, 2, 3)], [Float64Array.of(3, 2, 1)]]};
  expect(() => optimismOfBest([set], new Rng(0), 1)).toThrow("1 can't be resampled");
});
