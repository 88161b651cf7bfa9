// @module-tag slow
/** A command loads only what it needs: tfjs, DuckDB and Arrow take longer to load than most commands take to run. */
import {spawnSync} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {Project, packageFolder, tinySpec} from './rig/command.ts';

const project = new Project();
const hook = fileURLToPath(new URL('./rig/loads.js', import.meta.url));

beforeAll(async () => {
  project.write(
    'tiny.yaml',
    tinySpec({learner: '{ type: untrained, network: { type: small, width: 4 } }', augment: '[]'}),
  );
  expect((await project.run('run', 'tiny.yaml')).status).toBe(0);
});
afterAll(() => project[Symbol.dispose]());

/** Packages that the command's own process loads, sorted; without those that are for one platform. */
async function loads(...args: readonly string[]): Promise<readonly string[]> {
  const file = project.path('loads');
  writeFileSync(file, '');
  const {status, err} = await project.start(args, {LOADS: file}, ['--import', hook]).ended;
  expect([status, err]).toEqual([0, '']);
  const names = new Set(readFileSync(file, 'utf8').split('\n'));
  return [...names].filter((name) => name !== '' && !name.endsWith(`${process.platform}-${process.arch}`)).sort();
}

test('--help and --version only load the command line parser', async () => {
  expect(await loads('--help')).toEqual(['commander']);
  expect(await loads('--version')).toEqual(['commander']);
});

test('validate and plugins load no tfjs, no Arrow, no DuckDB', async () => {
  expect(await loads('validate', 'tiny.yaml')).toMatchInlineSnapshot(`
    [
      "ajv",
      "ansi-regex",
      "commander",
      "csv-parse",
      "fast-deep-equal",
      "fast-uri",
      "get-east-asian-width",
      "json-schema-traverse",
      "string-width",
      "strip-ansi",
      "tinyqueue",
      "yaml",
    ]
  `);
  expect(await loads('plugins')).toMatchInlineSnapshot(`
    [
      "ansi-regex",
      "commander",
      "csv-parse",
      "get-east-asian-width",
      "string-width",
      "strip-ansi",
    ]
  `);
});

test('plan and a cached run load no tfjs and no Arrow', async () => {
  expect(await loads('plan', 'tiny.yaml')).toMatchInlineSnapshot(`
    [
      "ajv",
      "ansi-regex",
      "commander",
      "csv-parse",
      "fast-deep-equal",
      "fast-uri",
      "get-east-asian-width",
      "json-schema-traverse",
      "string-width",
      "strip-ansi",
      "tinyqueue",
      "yaml",
    ]
  `);
  expect(await loads('run', 'tiny.yaml')).toMatchInlineSnapshot(`
    [
      "@duckdb/node-api",
      "@duckdb/node-bindings",
      "ajv",
      "ansi-regex",
      "commander",
      "csv-parse",
      "detect-libc",
      "eventemitter3",
      "fast-deep-equal",
      "fast-uri",
      "get-east-asian-width",
      "json-schema-traverse",
      "p-queue",
      "p-timeout",
      "string-width",
      "strip-ansi",
      "tinyqueue",
      "yaml",
    ]
  `);
});

test('the hook sees modules that are imported and modules that are required', async () => {
  const names = await loads('query', 'select 1');
  expect(names).toContain('@duckdb/node-api');
  expect(names).toContain('@duckdb/node-bindings'); // CommonJS, which requires the next
});

test("a program that can't even be loaded for want of open files says so", () => {
  const place = mkdtempSync(join(tmpdir(), 'pipeline-start-'));
  try {
    cpSync(join(packageFolder, 'bin'), join(place, 'bin'), {recursive: true});
    mkdirSync(join(place, 'dist', 'surface', 'cli'), {recursive: true});
    writeFileSync(join(place, 'package.json'), '{"type": "module"}');
    writeFileSync(
      join(place, 'dist', 'surface', 'cli', 'main.js'),
      'throw Object.assign(new Error("EMFILE: too many open files, open"), {code: "EMFILE"});',
    );
    const {status, stderr} = spawnSync(process.execPath, [join(place, 'bin', 'pipeline.js'), 'ls'], {encoding: 'utf8'});
    expect(stderr).toBe('pipeline: too many files are open at once\n   Raise the limit: ulimit -n 4096.\n');
    expect(status).toBe(1);
  } finally {
    rmSync(place, {recursive: true});
  }
});
