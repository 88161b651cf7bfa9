// @module-tag slow
/** `pipeline report` from a spec to a page in a real browser, on drawn textures with planted defects. */
import {cpSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import type {Browser} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {barriers, chromiumPath, launch, open} from '../../rig/browser.ts';
import {Project} from '../../rig/command.ts';

const project = new Project();
const page = (): string => project.path('runs', project.runs[0]!, 'report.html');
const text = (): string => readFileSync(page(), 'utf8');

beforeAll(async () => {
  project.write(
    'maps.yaml',
    `
name: maps
description: Stripes & "dots" <drawn>.
dataset: {type: synthetic, size: 48, classes: 2, train: 24, test: 14, defects: true, inliers: [stripes]}
matrix:
  learner.epochs: [1, 3]
learner: {type: cutpaste, network: {type: small, width: 8, head: [16]}, patch: 16, steps_per_epoch: 4, batch: 8}
localize: {patch: 16, stride: 8, density: shared}
classifiers: [{type: gde, shrinkage: ledoit-wolf}]
metrics: [auc, pixel-auc]
seeds: 2
`,
  );
  project.write(
    'whole.yaml',
    `
name: whole
dataset: {type: synthetic, size: 16, train: 32, test: 40, classes: 3, inliers: [stripes]}
learner: {type: rotation, network: {type: small, width: 4, head: [16]}, epochs: 2, batch: 16}
augment: [hflip]
classifiers: [kde, gde]
metrics: [auc]
seeds: 1
`,
  );
  const runs = [await project.run('run', 'maps.yaml'), await project.run('run', 'whole.yaml')];
  for (const {status, err} of runs) expect([status, err]).toEqual([0, '']);
  const made = await project.run('report', 'maps');
  expect(made.err).toBe('');
  expect(made.out).toBe(`${join('runs', project.runs[0]!, 'report.html')} (${made.out.split('(')[1]}`);
});
afterAll(() => project[Symbol.dispose]());

test('a section for all that the run has, none for what it has not', () => {
  const sections = [...text().matchAll(/<section class="sheet" id="([a-z]+)"/g)].map(([, id]) => id);
  expect(sections.filter((id) => id !== 'troubles')).toEqual([
    'comparison',
    'sweeps',
    'training',
    'tasks',
    'timeline',
    'provenance',
  ]);
  expect(text()).toContain('Stripes &amp; &quot;dots&quot; &lt;drawn&gt;.');
  expect(text().match(/<article/g)).toHaveLength(2); // a point of the matrix each, of the first seed
  // Features of windows are not mapped; heat maps are shown.
  expect(text()).not.toContain('UMAP');
  expect(text()).toContain('Heat maps by gde');
});

test('by name, part of an id or latest; into another file; as JSON', async () => {
  const {out} = await project.run('report', '--out', 'other.html', '--json');
  const latest = project.runs[1]!;
  const told = JSON.parse(out) as {run: string; file: string; bytes: number};
  expect(told).toMatchObject({run: latest, file: project.path('other.html')});
  const page = readFileSync(told.file, 'utf8');
  expect(Buffer.byteLength(page)).toBe(told.bytes);
  expect(page).toContain('UMAP');
  expect(page).toContain('Most anomalous by');
  expect((await project.run('report', latest.slice(-4), '--out', 'again.html')).status).toBe(0);
  // Nothing in it depends on when it was made.
  expect(readFileSync(project.path('again.html'), 'utf8')).toBe(page);
});

test('what is not there is said', async () => {
  const unknown = await project.run('report', 'mops');
  expect([unknown.status, unknown.err]).toEqual([2, expect.stringContaining('there is no run "mops"')]);
  const task = await project.run('report', 'maps', '--task', 'spots');
  expect([task.status, task.err]).toEqual([2, expect.stringContaining('has no task with')]);
  expect(task.err).toContain('/stripes/');
});

test('a pruned cache leaves a page that says so', async () => {
  using copy = new Project();
  cpSync(project.path('runs'), copy.path('runs'), {recursive: true});
  rmSync(copy.path('runs', 'cache'), {recursive: true});
  const {status, err} = await copy.run('report', 'whole', '--out', 'pruned.html');
  expect([status, err]).toEqual([0, '']);
  const page = readFileSync(copy.path('pruned.html'), 'utf8');
  expect(page).toContain('is no longer in the cache: it was pruned');
  expect(page).toContain('id="comparison"');
  expect(page).not.toContain('UMAP');
});

describe.skipIf(chromiumPath === undefined)('in a browser (needs chromium)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
    await project.run('report', 'whole');
  });
  afterAll(() => browser.close());

  const pages = (): readonly string[] => project.runs.map((run) => project.path('runs', run, 'report.html'));

  test('it opens without a word on the console and asks for nothing', async () => {
    for (const file of pages()) {
      const {page, told, asked} = await open(browser, file);
      const widths = await page.evaluate<readonly number[]>(
        'Promise.all([...document.images].map((image) => image.decode().then(() => image.naturalWidth)))',
      );
      expect(Math.min(...widths)).toBeGreaterThan(0);
      expect([told, asked]).toEqual([[], []]);
      await page.close();
    }
  });

  test('every chart has marks and a text', async () => {
    for (const file of pages()) {
      const {page} = await open(browser, file);
      const charts = await page.locator('svg').all();
      expect(charts.length).toBeGreaterThan(4);
      for (const chart of charts) {
        expect(await chart.getAttribute('aria-label')).toMatch(/\w+/);
        expect(await chart.locator('path').count()).toBeGreaterThan(0);
      }
      await page.close();
    }
  });

  test('tables are sorted by mouse and keyboard; seeds unfold', async () => {
    const {page} = await open(browser, pages()[0]!);
    const table = page.locator('#comparison table.sortable');
    const ours = () => table.locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.textContent));
    const column = table.getByRole('button', {name: 'ours'});
    const before = await ours();
    await column.click();
    const up = await ours();
    expect(await table.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
    await column.press('Enter');
    expect(await table.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
    const values = up.map((row) => /(\d+\.\d) ±/.exec(row!)![1]!).map(Number);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect((await ours()).toSorted()).toEqual(before.toSorted());
    const seeds = table.locator('details.seeds').first();
    await seeds.locator('summary').click();
    expect(await seeds.textContent()).toMatch(/seed 0: \d+\.\dseed 1: \d+\.\d/);
    await page.close();
  });

  test('one task is seen at a time', async () => {
    const {page} = await open(browser, pages()[0]!);
    const seen = () => page.locator('article:visible h3').allInnerTexts();
    const [first] = await seen();
    expect(await seen()).toHaveLength(1);
    await page.getByLabel('Task', {exact: true}).selectOption({index: 1});
    expect(await seen()).toHaveLength(1);
    expect(await seen()).not.toEqual([first]);
    await page.close();
  });

  test.for([360, 1440])('at %d pixels nothing sticks out', async (width) => {
    for (const file of pages()) {
      const {page} = await open(browser, file, {width});
      expect(await page.locator('html').evaluate((root) => root.scrollWidth)).toBe(width);
      await page.close();
    }
  });

  test.for(['light', 'dark'] as const)('axe finds no barrier in %s', async (scheme) => {
    for (const file of pages()) {
      const {page} = await open(browser, file, {scheme});
      for (const details of await page.locator('main details').all())
        await details.evaluate((it) => it.setAttribute('open', ''));
      expect(await barriers(page)).toEqual([]);
      await page.close();
    }
  });
});
