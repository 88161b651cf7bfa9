/** The cache's manifests against the records of runs. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {numbersOf} from '../../../../src/pipeline/store/runs/numbers.ts';
import {readRecord} from '../../../../src/pipeline/store/runs/record.ts';
import {auc, makeRun} from '../../../rig/runs.ts';

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-numbers-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

const tasks = [0, 1].map((seed) => ({inlier: 'cat', seed, scores: auc([0.7, 0.8][seed]!)}));
const run = () => makeRun(runs, {id: 'r', tasks});

function read(folder: string) {
  const record = readRecord(folder);
  if (!record.ok) throw new Error(JSON.stringify(record.failures));
  const {values, contradictions} = numbersOf(record.value);
  return {values: values.map(({value, vouched}) => [value, vouched]), contradictions};
}

function edit(folder: string, change: (text: string) => string): void {
  const file = join(folder, 'events.ndjson');
  const text = readFileSync(file, 'utf8');
  expect(change(text)).not.toBe(text);
  writeFileSync(file, change(text));
}

test('the manifest counts where the record says something else, and it is told', () => {
  const folder = run();
  expect(read(folder)).toEqual({
    values: [
      [0.7, true],
      [0.8, true],
    ],
    contradictions: [],
  });
  edit(folder, (text) => text.replace('"auc":0.7', '"auc":0.9'));
  expect(read(folder)).toEqual({
    values: [
      [0.7, true],
      [0.8, true],
    ],
    contradictions: [
      'run r, "evaluate kde · cat · seed 0": its record says auc 0.9, but the cache has auc 0.7; what the cache has counts',
    ],
  });
});

test('a number that the record lost is the manifest’s', () => {
  const folder = run();
  edit(folder, (text) => text.replace('"metrics":{"auc":0.7}', '"metrics":{"auc":"much"}'));
  expect(read(folder).values[0]).toEqual([0.7, true]);
});

test('without a manifest the record counts, and nobody vouches for it', () => {
  const folder = run();
  rmSync(join(runs, 'cache'), {recursive: true});
  edit(folder, (text) => text.replace('"auc":0.7', '"auc":0.9').replace('"auc":0.8', '"auc":"much"'));
  expect(read(folder)).toEqual({
    values: [
      [0.9, false],
      [null, null],
    ],
    contradictions: [],
  });
});

test('a manifest of another stage vouches for nothing', () => {
  const folder = run();
  const events = readFileSync(join(folder, 'events.ndjson'), 'utf8').trim().split('\n');
  const fingerprintOf = (kind: string) => {
    const event = events.map((line) => JSON.parse(line)).find((one) => one.kind === kind && one.fingerprint);
    return String(event.fingerprint);
  };
  edit(folder, (text) => text.replace(fingerprintOf('evaluate'), fingerprintOf('score')));
  const {values, contradictions} = read(folder);
  expect(values[0]).toEqual([null, null]);
  expect(contradictions).toEqual([
    'run r, "evaluate kde · cat · seed 0": its record contradicts the cache, which has the result of another stage there; its numbers are left out',
  ]);
});
