// @module-tag slow
/** A team with a folder that all of its machines see: what its members see of each other's runs. */
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {Project, tableOf, tinySpec} from '../../rig/command.ts';
import {writeImage} from '../../rig/images.ts';
import {freshFolder} from '../../rig/stores.ts';

const project = new Project();
const folder = freshFolder();
const store = `file://${folder}`;
afterAll(() => project[Symbol.dispose]());

/** A member with runs and a cache of their own. */
const on = (member: string, ...words: readonly string[]) => project.run(...words, '--store', store, '--runs', member);
let table: string;
let run: string;

beforeAll(async () => {
  project.write('tiny.yaml', tinySpec());
  const {status, out} = await on('ann', 'run', 'tiny.yaml');
  expect(status).toBe(0);
  table = tableOf(out);
  run = readdirSync(project.path('ann')).find((name) => name.includes('-tiny-'))!;
}, 180_000);

test('a plan knows what a run would find in the store, and fetches nothing', async () => {
  const {out} = await on('abe', 'plan', 'tiny.yaml');
  expect(out).toMatch(/\b(\d+) cached \(=\), 0 to run/);
  expect((await project.run('cache', 'ls', '--runs', 'abe')).out).toContain('0 entries');
});

test('a colleague runs the same spec and computes nothing', async () => {
  const {status, out} = await on('bob', 'run', 'tiny.yaml', '--plain', '--frozen');
  expect([status, tableOf(out)]).toEqual([0, table]);
  expect(out).toContain('0 computed');
  expect(out).toMatch(/\d+ results were fetched from file:/);
});

test('ls lists the runs of all, and compare, show, why and report fetch those that they are asked about', async () => {
  const listed = await on('cy', 'ls');
  expect(listed.out).toMatch(new RegExp(`${run} +tiny +\\S+ \\S+ UTC +elsewhere +–`));
  expect(existsSync(project.path('cy', run))).toBe(false);
  const compared = await on('cy', 'compare', 'tiny');
  expect([compared.status, tableOf(compared.out)]).toEqual([0, table]);
  expect(compared.err).toMatch(/^fetched \d runs? from file:/);
  expect((await on('cy', 'ls')).out).toMatch(new RegExp(`${run} +tiny +\\S+ \\S+ UTC +done`));
  expect((await on('di', 'show', run)).status).toBe(0);
  expect((await on('di', 'report', run)).status).toBe(0);
  expect(readFileSync(project.path('di', run, 'report.html'), 'utf8')).toContain('rotation');
});

test('SQL sees what is here, and says what is not', async () => {
  const asked = await on('hal', 'query', 'select 1');
  expect([asked.status, asked.err]).toEqual([
    2,
    expect.stringMatching(/^note: \d+ runs? in the store (is|are) not here/),
  ]);
  await on('hal', 'store', 'pull', 'tiny');
  expect(await on('hal', 'query', `select outcome from runs where run = '${run}'`, '--format', 'csv')).toMatchObject({
    status: 0,
    out: 'outcome\ndone\n',
    err: '',
  });
});

test('predict uses a colleague’s model, and fetches only what it needs', async () => {
  await writeImage(project.path('one.png'), {seed: 'one', height: 16, width: 16});
  const here = await on('ann', 'predict', run, 'one.png', '--format', 'csv');
  const there = await on('eve', 'predict', 'tiny', 'one.png', '--format', 'csv');
  expect([there.status, there.out]).toEqual([0, here.out]);
});

test('push, pull, verify, du and prune', async () => {
  expect((await on('ann', 'store', 'push')).out).toMatch(/^0 results pushed \(0 B\), \d+ there already; 0 runs\n$/);
  expect((await on('flo', 'store', 'pull', run)).out).toMatch(/^1 run, \d+ results fetched\n$/);
  expect((await on('flo', 'store', 'pull', 'nobody')).err).toContain('the store has no run nobody');
  expect((await on('flo', 'store', 'verify')).out).toContain('nothing is damaged');
  expect((await on('flo', 'store', 'du')).out).toMatch(/^\d+ results with \d+ files: .*\n\d runs: /);
  expect((await on('flo', 'store', 'prune', '--days', '1')).out).toBe('removed 0 runs and 0 results, freed 0 B\n');
  const [blob] = readdirSync(join(folder, 'blobs'), {recursive: true, encoding: 'utf8'}).filter(
    (name) => name.length > 60,
  );
  writeFileSync(join(folder, 'blobs', blob!), 'damaged');
  const read = await project.run('store', 'verify', '--store', `${store}:ro`);
  expect([read.status, read.out]).toEqual([1, expect.stringMatching(/: differs from its checksum\n/)]);
  const found = await on('flo', 'store', 'verify');
  expect([found.status, found.out]).toEqual([1, expect.stringMatching(/: differs from its checksum; removed\n/)]);
  expect((await on('ann', 'store', 'push')).out).toMatch(/^[1-9]\d* results? pushed/);
  expect((await on('flo', 'store', 'verify')).status).toBe(0);
});

test('what can’t be done says why, and what to do', async () => {
  const said = async (...words: readonly string[]) => {
    const {status, err} = await project.run(...words);
    return [status, project.masked(err)];
  };
  expect(await said('store', 'du')).toEqual([
    2,
    '✗ no store is named\n   Name one: --store s3://bucket/prefix, or PIPELINE_STORE.\n',
  ]);
  expect(await said('store', 'push', '--store', `${store}:ro`)).toEqual([2, expect.stringContaining('ends in :ro')]);
  expect(await said('run', 'tiny.yaml', '--store', 's3://KEY:hush@bucket')).toEqual([
    2,
    expect.stringMatching(/has no user and no password\n[\s\S]*nothing was run/),
  ]);
  const absent = await project.run('store', 'du', '--store', 'file:///nowhere/team');
  expect([absent.status, absent.err]).toEqual([1, expect.stringContaining('/nowhere/team')]);
  // A run does not need it.
  mkdirSync(project.path('gus'));
  const alone = await project.run('run', 'tiny.yaml', '--plain', '--runs', 'gus', '--store', 'file:///nowhere/team');
  expect([alone.status, tableOf(alone.out)]).toEqual([0, table]);
  expect(alone.out).toContain("the store file:///nowhere/team can't be used");
  expect(alone.out).toContain('are still to be pushed');
});
