// @module-tag slow
/** The results database damaged in every way that can be thought of: the next command that needs it makes it anew. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, expect, test} from 'vitest';
import {Rng} from '../../../../src/core/base/random.ts';
import {openResults} from '../../../../src/pipeline/store/results/results.ts';
import {seal} from '../../../../src/pipeline/store/results/seal.ts';
import {auc, makeRun} from '../../../rig/runs.ts';

const runs = mkdtempSync(join(tmpdir(), 'pipeline-damage-'));
const file = join(runs, 'results.duckdb');
const answers = (report?: (message: string) => void) => openResults(file, {...(report && {report})});
const rows = async (report?: (message: string) => void) => {
  const found = await answers(report).query('select run, task, classifier, metric, value from metrics order by all');
  return found.ok ? found.value.rows : found.failures;
};

let sound: Buffer;
let sealed: Buffer;
let expected: Awaited<ReturnType<typeof rows>>;

beforeAll(async () => {
  for (let run = 0; run < 4; run++)
    makeRun(runs, {
      id: `r${run}`,
      tasks: ['cat', 'dog'].map((inlier) => ({inlier, seed: run, scores: auc(0.7 + run / 100)})),
    });
  await answers().rebuild();
  sound = readFileSync(file);
  sealed = readFileSync(`${file}.seal`);
  expected = await rows();
  expect(expected).toHaveLength(8);
});
beforeEach(() => {
  for (const name of readdirSync(runs))
    if (name.includes('results.duckdb')) rmSync(join(runs, name), {recursive: true});
  writeFileSync(file, sound);
  writeFileSync(`${file}.seal`, sealed);
});
afterAll(() => rmSync(runs, {recursive: true}));

/** DuckDB's: three headers, then blocks. */
const [headers, block] = [3 * 4096, 262_144];

/** Each returns the damaged bytes. */
const damages: {readonly [name: string]: (bytes: Buffer, below: (limit: number) => number) => Buffer} = {
  truncated: (bytes, below) => bytes.subarray(0, below(bytes.length)),
  'one bit': (bytes, below) => {
    bytes[below(bytes.length)]! ^= 1 << below(8);
    return bytes;
  },
  'one bit of the headers': (bytes, below) => {
    bytes[below(headers)]! ^= 1 << below(8);
    return bytes;
  },
  'a block of zeros': (bytes, below) => {
    const from = headers + block * below((bytes.length - headers) / block);
    return bytes.fill(0, from, from + block);
  },
  'two blocks that have changed places': (bytes, below) => {
    const count = Math.floor((bytes.length - headers) / block);
    const one = below(count);
    const at = [one, (one + 1 + below(count - 1)) % count].map((index) => headers + block * index) as [number, number];
    const [first, second] = at.map((from) => Buffer.from(bytes.subarray(from, from + block))) as [Buffer, Buffer];
    second.copy(bytes, at[0]);
    first.copy(bytes, at[1]);
    return bytes;
  },
  'zeros at the end': (bytes, below) => bytes.fill(0, below(bytes.length)),
  'bytes of something else': (bytes, below) => {
    const from = below(bytes.length);
    for (let at = from; at < Math.min(bytes.length, from + 5000); at++) bytes[at] = below(256);
    return bytes;
  },
};

test('14 damages by seed: the same numbers every time, one line said, and no question to anybody', async () => {
  const random = new Rng(1);
  const below = (limit: number) => random.integer(Math.floor(limit));
  for (let trial = 0; trial < 2; trial++)
    for (const [name, damage] of Object.entries(damages)) {
      const damaged = damage(Buffer.from(sound), below);
      writeFileSync(file, damaged);
      writeFileSync(`${file}.seal`, sealed);
      const told: string[] = [];
      expect(await rows((line) => told.push(line)), `${name}, trial ${trial}`).toEqual(expected);
      const changed = !damaged.equals(sound);
      expect(told, `${name}, trial ${trial}`).toEqual(
        changed
          ? [
              expect.stringMatching(
                /results\.duckdb was damaged, .* made anew from 4 runs; .* results\.duckdb\.damaged$/,
              ),
            ]
          : [],
      );
    }
  expect(readdirSync(runs).filter((name) => name.includes('results'))).toEqual([
    'results.duckdb',
    'results.duckdb.damaged',
    'results.duckdb.seal',
  ]);
});

test('damage that the seal vouches for is found when DuckDB reads, by a query of ours and of a user', async () => {
  for (const sql of [undefined, 'select run from runs order by run']) {
    const bytes = Buffer.from(sound);
    for (let from = headers + block; from < bytes.length; from += 4096) bytes[from + 99]! ^= 1;
    writeFileSync(file, bytes);
    await seal(file);
    if (sql)
      expect(await answers().query(sql)).toMatchObject({ok: true, value: {rows: [['r0'], ['r1'], ['r2'], ['r3']]}});
    else expect(await rows()).toEqual(expected);
  }
});

test('what lies in its place is moved away and kept; a log that another program has left counts as a change', async () => {
  rmSync(file);
  mkdirSync(file);
  writeFileSync(join(file, 'mine'), 'kept');
  expect(await rows()).toEqual(expected);
  expect(readFileSync(`${file}.damaged/mine`, 'utf8')).toBe('kept');

  rmSync(file);
  symlinkSync(join(runs, 'nowhere'), file);
  expect(await rows()).toEqual(expected);

  writeFileSync(`${file}.wal`, 'half a log');
  expect(await rows()).toEqual(expected);
  expect(readdirSync(runs)).not.toContain('results.duckdb.wal');
});

test('seals that are gone, torn, or a folder', async () => {
  rmSync(`${file}.seal`);
  expect(await rows()).toEqual(expected);
  writeFileSync(`${file}.seal`, '{"state":');
  expect(await rows()).toEqual(expected);
  rmSync(`${file}.seal`);
  mkdirSync(join(`${file}.seal`, 'full'), {recursive: true});
  expect(await rows()).toEqual(expected);
});

test('a copy of the folder, with other times, is as good as the file itself', async () => {
  utimesSync(file, 1, 1);
  const told: string[] = [];
  expect(await rows((line) => told.push(line))).toEqual(expected);
  expect(told).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)(
  'a folder that may not be written to: the records answer, and say so',
  async () => {
    rmSync(file);
    chmodSync(runs, 0o500);
    try {
      const told: string[] = [];
      expect(await rows((line) => told.push(line))).toEqual(expected);
      expect(told).toEqual([
        "the results database can't be written: you may not write to it or to its folder; the runs' own records are read instead",
      ]);
    } finally {
      chmodSync(runs, 0o700);
    }
  },
);
