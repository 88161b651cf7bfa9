// @module-tag slow
/** A page of made-up runs: what no run of a few seconds has. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Browser} from 'playwright-core';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {readBaselines} from '../../../src/pipeline/store/results/baselines.ts';
import {openResults} from '../../../src/pipeline/store/results/results.ts';
import {readRecord} from '../../../src/pipeline/store/runs/record.ts';
import {builtinPlugins} from '../../../src/surface/cli/builtin.ts';
import {reportPage} from '../../../src/surface/report/page.ts';
import {gatherReport} from '../../../src/surface/report/report-data.ts';
import {betterFrom} from '../../../src/surface/tables/best-of.ts';
import {buildComparison} from '../../../src/surface/tables/compare.ts';
import {barriers, chromiumPath, launch, open, unreadable} from '../../rig/browser.ts';
import {leaveCurves} from '../../rig/left.ts';
import {auc, type MadeUpRun, makeRun, paperRotation} from '../../rig/runs.ts';
import {searchRun} from '../../rig/searches.ts';
import {curveOf, nus, sweptRun} from '../../rig/sweeps.ts';

let browser: Browser;
beforeAll(async () => {
  if (chromiumPath !== undefined) browser = await launch();
});
afterAll(() => browser?.close());

let runs: string;
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'pipeline-report-'));
});
afterEach(() => rmSync(runs, {recursive: true}));

async function pageOf(run: Omit<MadeUpRun, 'id'>, table?: string, hasCurves = false): Promise<string> {
  const folder = makeRun(runs, {id: '20260101-000000-made-up-abcd', ...run});
  const record = readRecord(folder);
  if (!record.ok) throw new Error(JSON.stringify(record.failures));
  if (hasCurves) await leaveCurves(record.value, curveOf);
  const results = openResults(join(runs, 'results.duckdb'));
  await results.ingestRun(folder);
  const rows = await results.comparisonRows({runs: [record.value.id]});
  if (!rows.ok) throw new Error(JSON.stringify(rows.failures));
  const better = betterFrom(builtinPlugins());
  const options = {title: 'made up', baselines: readBaselines(), better, ...(table && {table})};
  const comparison = rows.value.length > 0 ? buildComparison(rows.value, options) : undefined;
  const data = await gatherReport(record.value, {cache: join(runs, 'cache'), better, ...(comparison && {comparison})});
  return reportPage(data);
}

const idsOf = (page: string): readonly string[] =>
  [...page.matchAll(/<section class="sheet" id="([a-z]+)"/g)].map(([, id]) => id!);

test('bars of our classes beside those of the paper', async () => {
  const tasks = ['sandal', 'bag'].flatMap((inlier) =>
    [0, 1].map((seed) => ({
      dataset: {type: 'fashion-mnist'},
      inlier,
      seed,
      scores: auc(0.9 + seed / 100),
      compare: {table: 'iclr-table-10', row: 'rotation'},
    })),
  );
  const page = await pageOf({tasks});
  expect(idsOf(page)).toEqual(['classes', 'comparison', 'training', 'tasks', 'timeline', 'provenance']);
  const answer = /<p class="answer">(.*?)<\/p>/.exec(page)![1]!.replaceAll(/<[^>]*>/g, '');
  expect(answer).toBe('rotation with kde: auc 90.5, the mean of 2 classes; 6.8 to 7.8 below the paper.');
  expect(page).toContain('aria-label="rotation · kde: sandal 90.5, paper 97.3; bag 90.5, paper 98.3"');
  expect(page).toContain('<title>sandal, ours: 90.5 ± 0.7</title>');
  expect(page).toContain('<li>seed 0: 90.0</li><li>seed 1: 91.0</li>');
  expect(page).not.toContain('class="on-paper');
});

test.for([1, 2, 3])('a matrix of %d paths is drawn', async (count) => {
  const values = {'learner.epochs': [1, 4, 64], 'learner.batch': [16, 32], 'learner.name': ['a', 'b']};
  const paths = Object.entries(values).slice(0, count);
  const points = paths.reduce<readonly (readonly unknown[])[]>(
    (all, [, own]) => all.flatMap((point) => own.map((value) => [...point, value])),
    [[]],
  );
  const tasks = points.map((point, i) => ({
    inlier: 'cat',
    seed: 0,
    learner: {...paperRotation, point: point.join()},
    point: Object.fromEntries(paths.map(([path], at) => [path, point[at]])),
    scores: {...auc(0.6 + i / 50), ...auc(0.65, 'gde')},
  }));
  const page = await pageOf({tasks});
  expect(idsOf(page)).toContain('sweeps');
  const section = page.slice(page.indexOf('id="sweeps"'), page.indexOf('</section>', page.indexOf('id="sweeps"')));
  // An effect of each option, the classifier one of them, the two strongest together, and the configurations as lines.
  const titles = [...section.matchAll(/<p class="title">([^<]*)/g)].map(([, title]) => title!);
  expect(titles).toHaveLength(count + 3);
  const best = /<div class="best">.*?<\/div>/s.exec(section)![0].replaceAll(/<[^>]*>/g, '');
  const epochs = count === 1 ? 1 : 64;
  expect(best).toContain(`† with epochs ${epochs}`);
  expect(best).toContain(count > 1 ? 'classifier kde.' : 'classifier gde.');
  expect(best).toContain(`--set learner.epochs=${epochs}`);
  expect(best).toContain('One seed');
  expect(section.match(/<polyline /g)).toHaveLength(2 * points.length);
});

test('what failed, with its hint, before all else, and as a row of the table', async () => {
  const page = await pageOf({
    tasks: [{inlier: 'cat', seed: 0, scores: {kde: {fails: 'out of <memory>\nin line 3'}}}],
  });
  expect(idsOf(page)).toEqual(['troubles', 'comparison', 'training', 'tasks', 'timeline', 'provenance']);
  expect(page).toContain('out of &lt;memory&gt;');
  expect(page).toContain('Try another.');
  expect(page).toContain('1 stage skipped because of it');
});

test('a run that was killed at once', async () => {
  const page = await pageOf({end: 'none', tasks: [{inlier: 'cat', seed: 0, scores: {kde: {}}}]});
  expect(page).toContain('<span class="badge warn">unfinished</span>');
  expect(idsOf(page)).toContain('provenance');
});

test('a thousand tasks: in the layout of the paper, and within three megabytes', async () => {
  const names: readonly (readonly [string, number])[] = [
    ['cifar10', 10],
    ['cifar100', 20],
    ['fashion-mnist', 10],
    ['cats-vs-dogs', 2],
    ['celeba', 1],
  ];
  const tasks = ['untrained', 'rotation', 'contrastive', 'denoising', 'rotnet'].flatMap((row) =>
    names.flatMap(([dataset, classes]) =>
      Array.from({length: classes}, (_, i) =>
        [0, 1, 2, 3, 4].map((seed) => ({
          dataset: {type: dataset},
          inlier: `class-${i}`,
          seed,
          learner: {type: row},
          compare: {table: 'iclr-table-7', row},
          scores: {...auc(0.7 + seed / 50), ...auc(0.8, 'oc-svm-rbf')},
        })),
      ).flat(),
    ),
  );
  expect(tasks).toHaveLength(1075);
  const page = await pageOf({tasks}, 'iclr-table-7');
  expect(page).toContain('iclr-table-7 (auc × 100), ours below the paper&#39;s');
  expect(page).toContain('12 tasks of 1,075');
  expect(Buffer.byteLength(page)).toBeLessThan(3e6);
  if (chromiumPath === undefined) return;
  const file = join(runs, 'page.html');
  writeFileSync(file, page);
  const {page: shown, told} = await open(browser, file, {width: 390});
  const status = shown.locator('#comparison output');
  const rows = shown.locator('[data-results] tbody tr');
  await shown
    .locator('#comparison details')
    .first()
    .evaluate((details) => details.setAttribute('open', ''));
  await rows.nth(49).waitFor();
  expect(await status.textContent()).toMatch(/^\d+ numbers$/);
  expect(await rows.count()).toBe(50);
  expect(await shown.locator('*').count()).toBeLessThan(4000);
  await shown.getByLabel('Filter').fill('celeba rotation oc-svm-rbf');
  expect(await status.textContent()).toMatch(/^1 of \d+ numbers$/);
  expect(await rows.allTextContents()).toEqual([expect.stringMatching(/celeba.*rotation.*oc-svm-rbf80\.0/)]);
  for (const width of [390, 1440]) {
    await shown.setViewportSize({width, height: 900});
    expect(await unreadable(shown), `at ${width}`).toEqual([]);
  }
  expect(told).toEqual([]);
});

test('a sweep of 64 tasks has few enough elements, and nothing behind a line that is not seen', async () => {
  const tasks = [0.005, 0.01, 0.05, 0.1].flatMap((rate) =>
    [16, 32].flatMap((batch) =>
      ['hflip', 'crop'].flatMap((type) =>
        ['bag', 'sandal'].flatMap((inlier) =>
          [0, 1].map((seed) => ({
            inlier,
            seed,
            learner: {...paperRotation, batch, optimizer: {learning_rate: rate}},
            augment: [{type}],
            point: {rate, batch, augment: [type]},
            scores: {...auc(0.7 + rate + seed / 50), ...auc(0.8 - batch / 1000, 'oc-svm-rbf')},
          })),
        ),
      ),
    ),
  );
  const page = await pageOf({tasks});
  expect(page).toContain('of 32 configurations, 16 of each method and classifier');
  expect(page).not.toContain('transform="translate(0,0)"');
  if (chromiumPath === undefined) return;
  const file = join(runs, 'sweep.html');
  writeFileSync(file, page);
  const {page: shown} = await open(browser, file, {width: 1440});
  expect(await shown.locator('*').count()).toBeLessThan(2600);
  const fold = shown.locator('#sweeps > details');
  expect(await fold.locator('tr').count()).toBe(0);
  await fold.locator('summary').click();
  await expect.poll(() => fold.locator('tbody tr').count(), {timeout: 30_000}).toBe(32);
  // On paper: no seeds of so many rows, said once; of the first configurations and all of them, all; heads that can come again.
  const seeds = shown.locator('[data-results] td .seeds ul');
  const said = shown.locator('#comparison .on-paper');
  const first = shown.locator('#sweeps > .on-screen tbody tr');
  const heads = "[...document.querySelectorAll('thead button')].map((one) => getComputedStyle(one).display)";
  await shown.locator('[data-results] td .seeds summary').first().click();
  await expect.poll(() => seeds.count(), {timeout: 30_000}).toBe(1);
  expect([await seeds.isVisible(), await said.isVisible(), await first.first().isVisible()]).toEqual([
    true,
    false,
    true,
  ]);
  await shown.emulateMedia({media: 'print'});
  expect([await seeds.isVisible(), await said.isVisible(), await first.first().isVisible()]).toEqual([
    false,
    true,
    false,
  ]);
  expect(await said.textContent()).toMatch(/^Not printed: the seeds of 64 rows\./);
  expect(new Set(await shown.evaluate<string[]>(heads))).toEqual(new Set(['contents']));
  expect(await fold.locator('tbody tr:visible').count()).toBe(32);
});

test('a search has its table, its values over the trials, its configurations as lines, and whom to trust', async () => {
  const page = await pageOf(searchRun({trials: 8, settings: 2, on: 'validation', halved: 2}));
  expect(idsOf(page)).toEqual(['classes', 'search', 'comparison', 'training', 'tasks', 'timeline', 'provenance']);
  // First what it chose; trainings that it ended early are no rivals.
  expect(page).toMatch(
    /<p class="answer"><strong>rotation [^<]*<\/strong> with <strong>oc-svm[^<]*<\/strong>: auc <strong class="value">[\d.]+<\/strong> for class cat \(chosen of 16 configurations by validation images, without a label of an anomaly\)/,
  );
  const results = page.slice(page.indexOf('id="comparison"'), page.indexOf('id="training"'));
  expect(results).toContain('(unfinished, epoch 4)');
  expect(results).toContain('unfinished: the search ended this training at that epoch.');
  expect(results).not.toMatch(/unfinished, epoch 4\)[^\n]*†/);
  const section = page.slice(page.indexOf('id="search"'), page.indexOf('id="comparison"'));
  expect(section).toContain('All 16 configurations');
  expect(section.match(/<polyline /g)).toHaveLength(16);
  expect(section.match(/<polyline class="best"/g)).toHaveLength(1);
  expect(section).toContain('16 configurations as lines over learning_rate, batch, nu, auc validation');
  expect(section).toContain('chosen by validation images');
  expect(section).toContain('Which parameters matter: not computed');
  // The made-up AUC is the same on both parts but for a constant, and the made-up loss has its order.
  const cells = [...section.slice(section.indexOf('Whom to trust')).matchAll(/<t[hd][^>]*>([^<]*)<\/t[hd]>/g)].map(
    ([, text]) => text,
  );
  expect(cells.slice(3)).toEqual(['auc', '1.00', '12', 'proxy-loss', '1.00', '12']);
});

test('along each parameter the expected value stands over the configurations, the most important first', async () => {
  const page = await pageOf(searchRun({trials: 24, settings: 2, on: 'validation'}));
  const section = page.slice(page.indexOf('Along each parameter'), page.indexOf('Whom to trust'));
  const titles = [...section.matchAll(/<p class="title">([^<]*)<\/p>/g)].map(([, name]) => name);
  expect(titles[0]).toBe('learning_rate');
  expect(titles.toSorted()).toEqual(['batch', 'learning_rate', expect.stringMatching(/^learning_rate × /), 'nu']);
  expect(section).toMatch(
    /aria-label="auc validation along batch: 0\.\d{4} ± 0\.\d{4} at 32, 0\.\d{4} ± 0\.\d{4} at 64\."/,
  );
  const dots = section
    .split('</figure>')
    .map((figure) =>
      [...figure.matchAll(/<title>[^<]*?(?:, and (\d+) more here)?<\/title>/g)].reduce(
        (sum, [, more = 0]) => sum + 1 + Number(more),
        0,
      ),
    );
  expect(dots.slice(0, 3)).toEqual([48, 48, 48]);
});

test.skipIf(chromiumPath === undefined)(
  'dragging along an axis, or the inputs beside it, choose lines and rows; a click takes all again',
  async () => {
    const file = join(runs, 'page.html');
    writeFileSync(file, await pageOf(searchRun({trials: 24, settings: 2, on: 'validation'})));
    const {page, told} = await open(browser, file);
    // Rows are in the document while their table is not folded.
    await page.locator('#search > details > summary').click();
    const status = page.locator('[data-parallel] [role=status]');
    const seen = async () => ({
      status: await status.textContent(),
      lines: await page.locator('polyline:not(.out)').count(),
      rows: await page.locator('details tr[data-key]:not([hidden])').count(),
      first: await page.locator('#search > .on-screen tr[data-key]').count(),
    });
    expect(await unreadable(page)).toEqual([]);
    const all = {status: '48 of 48 configurations', lines: 48, rows: 48, first: 10};
    const grip = page.locator('.grip').nth(1);
    await grip.scrollIntoViewIfNeeded();
    const {x, y, width, height} = (await grip.boundingBox())!;
    const at = (share: number) => page.mouse.move(x + width / 2, y + height * (1 - share), {steps: 3});
    // A batch of 64 is at the top of its axis.
    const large = await page.locator('details tr[data-key]', {has: page.locator('td', {hasText: /^64$/})}).count();
    await at(0.98);
    await page.mouse.down();
    await at(0.6);
    await page.mouse.up();
    expect(await seen()).toEqual({status: `${large} of 48 configurations`, lines: large, rows: large, first: 10});
    expect(await page.locator('select[data-axis="1"] option:checked').allTextContents()).toEqual(['64', '64']);
    expect(await barriers(page)).toEqual([]);
    await page.mouse.click(x + width / 2, y + height / 4);
    expect(await seen()).toEqual(all);
    // By the keyboard: the best are at the top of the axis of values, both settings of one training.
    const from = page.locator('input[data-axis="3"][data-end="from"]');
    await from.fill((await from.getAttribute('max'))!);
    expect(await seen()).toMatchObject({lines: 2, rows: 2, first: 2});
    expect(await page.locator('#search > .on-screen tr[data-key]').first().textContent()).toContain('→');
    // The column of the metric is seen where there are several, in the head as in the rows.
    const columns = (row: string) => page.locator(`#comparison table[class*=sortable] ${row} > *:visible`).count();
    const before = await columns('thead tr');
    expect(await columns('tbody tr:first-child')).toBe(before);
    await page.getByLabel('Metric', {exact: true}).selectOption('all');
    expect([await columns('thead tr'), await columns('tbody tr:first-child')]).toEqual([before + 1, before + 1]);
    // Each has its loss, and the metric on both parts.
    expect(await page.locator('#comparison output').textContent()).toBe('4 of 96 numbers');
    expect(told).toEqual([]);
  },
);

test('a search without a value has no section', async () => {
  const {tasks, ...run} = searchRun({trials: 3, settings: 1, on: 'test'});
  const failing = tasks.map((task) => ({...task, scores: {'oc-svm': {fails: 'no luck'}}}));
  expect(idsOf(await pageOf({...run, tasks: failing}))).not.toContain('search');
});

describe.skipIf(chromiumPath === undefined)('a matrix of 50 points, in a browser (needs chromium)', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    runs = folder = mkdtempSync(join(tmpdir(), 'pipeline-report-'));
    file = join(folder, 'swept.html');
    writeFileSync(file, await pageOf(sweptRun(), undefined, true));
  });
  afterAll(() => rmSync(folder, {recursive: true}));

  test('training: entries of the legend isolate, pointing and the keyboard read an epoch, the loss has a log axis', async () => {
    const {page, told} = await open(browser, file);
    const training = page.locator('#training');
    const lines = (of = page) => of.locator('[data-chart=training-loss] svg path[stroke-width]:not(.out)').count();
    expect(await lines()).toBe(8);
    await training.getByRole('group', {name: 'this method'}).getByRole('button', {name: '0.0055'}).press('Enter');
    await training.getByRole('group', {name: 'this class'}).getByRole('button', {name: 'bag'}).press('Space');
    expect(await lines()).toBe(2);
    expect(await training.getByLabel('Training', {exact: true}).locator('option').count()).toBe(2);
    const said = training.locator('.said');
    await training.getByRole('slider', {name: 'Epoch'}).fill('9');
    expect(await said.textContent()).toMatch(
      /^Epoch 10 · rotation learning_rate=0.0055 · bag · seed 0: loss 0\.\d+, accuracy \d\d\.\d, learning rate 0\.00\d+$/,
    );
    await training.getByRole('checkbox', {name: 'Logarithmic'}).press('Space');
    const chart = training.locator('[data-chart=training-loss] svg');
    expect(await chart.getAttribute('data-frame')).toMatch(/ log$/);
    await chart.scrollIntoViewIfNeeded();
    const {x, y, width, height} = (await chart.boundingBox())!;
    await page.mouse.move(x + width - 4, y + height / 2);
    expect(await said.textContent()).toMatch(/^Epoch (3\d|40) · rotation learning_rate=0.0055 · bag · seed [01]:/);
    await page.mouse.move(0, 0);
    const copy = await browser.newPage();
    await copy.goto(page.url());
    expect(await copy.locator('.said').textContent()).toBe(await said.textContent());
    expect([await lines(copy), await copy.getByRole('checkbox', {name: 'Logarithmic'}).isChecked()]).toEqual([2, true]);
    expect(await barriers(page)).toEqual([]);
    expect(told).toEqual([]);
    await copy.close();
    await page.close();
  });

  test('sweeps: nearly equal values stay apart, 25 of them are read, and a part of an axis filters the results, too', async () => {
    const {page, told} = await open(browser, file);
    const sweeps = page.locator('#sweeps');
    const best = (await sweeps.locator('div.best').textContent())!.replaceAll(/\s+/g, ' ');
    expect(best).toContain(
      'Best auc, the mean over 2 classes: 81.5 ± 0.7 † with k 21, learning_rate 0.0055, classifier knn. ± one standard deviation between 2 seeds; 5 others lie within it.',
    );
    expect(best).toContain('--set classifiers.0.k=21 --set learner.optimizer.learning_rate=0.0055');
    for (const width of [1440, 800, 390]) {
      await page.setViewportSize({width, height: 900});
      expect(await unreadable(page), `at ${width}`).toEqual([]);
    }
    expect(await page.locator('*').count()).toBeLessThan(4000);
    const texts = await sweeps
      .locator('figure', {hasText: 'of the variance'})
      .locator('svg')
      .evaluateAll((charts) =>
        charts.map((chart) => [...chart.querySelectorAll('text')].map((text) => text.textContent)),
      );
    expect(texts.flat()).toEqual(expect.arrayContaining([...nus.map(String), '0.005', '0.0055']));
    const status = sweeps.locator('[role=status]');
    const results = page.locator('#comparison output');
    expect(await results.textContent()).toBe('104 numbers');
    // Choices by their names, in the order of the axis; only knn.
    const last = sweeps.getByLabel('classifier, to');
    expect(await last.locator('option').allTextContents()).toEqual(['knn', 'kde']);
    await last.selectOption('knn');
    expect([await status.textContent(), await results.textContent()]).toEqual([
      '50 of 100 configurations',
      '100 of 104 numbers',
    ]);
    expect(await page.locator('[data-results] tbody tr').allInnerTexts()).not.toContainEqual(
      expect.stringMatching(/\tkde\t/),
    );
    const copy = await browser.newPage();
    await copy.goto(page.url());
    expect(await copy.locator('#comparison output').textContent()).toBe('100 of 104 numbers');
    expect(told).toEqual([]);
    await copy.close();
    await page.close();
  });
});
