// @module-tag slow
/** `pipeline report` from a spec to a page in a real browser, on drawn textures with planted defects. */
import {cpSync, readFileSync, rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import type {Browser, Locator} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {barriers, chromiumPath, launch, open, unreadable} from '../../rig/browser.ts';
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
map_copies: [rotate90, [rotate90, rotate90]]
classifiers: [kde, gde]
metrics: [auc]
seeds: 1
`,
  );
  const runs = [await project.run('run', 'maps.yaml'), await project.run('run', 'whole.yaml')];
  for (const {status, err} of runs) expect([status, err]).toEqual([0, '']);
  expect(runs[0]!.out).toMatch(
    /\nbest: cutpaste-3way-patch epochs=[13] · gde: auc [\d.]+, mean of 2 seeds .*\n {2}epochs: 1 → [\d.]+, 3 → [\d.]+\n\nLook closer/,
  );
  expect(runs[1]!.out).not.toContain('best: ');
  const made = await project.run('report', 'maps');
  expect(made.err).toBe('');
  expect(made.out).toBe(`${join('runs', project.runs[0]!, 'report.html')} (${made.out.split('(')[1]}`);
});
afterAll(() => project[Symbol.dispose]());

test('a section for all that the run has, none for what it has not', () => {
  const sections = [...text().matchAll(/<section class="sheet" id="([a-z]+)"/g)].map(([, id]) => id);
  expect(sections.filter((id) => id !== 'troubles')).toEqual([
    'classes',
    'comparison',
    'sweeps',
    'curves',
    'training',
    'tasks',
    'maps',
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
  expect(page).toMatch(/normal test images under rotate90, under rotate90 \+ rotate90/);
  expect(page).toContain('How near copies lie to');
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
      // Every sheet of pictures is one that the browser can read.
      const widths = await page.evaluate<readonly number[]>(`Promise.all(
        [...new Set([...document.querySelectorAll('.pic')].map((one) => getComputedStyle(one).backgroundImage.slice(5, -2)))].map(
          async (src) => { const image = Object.assign(new Image(), {src}); await image.decode(); return image.naturalWidth; }))`);
      expect(widths.length).toBeGreaterThan(0);
      expect(Math.min(...widths)).toBeGreaterThan(0);
      expect([told, asked]).toEqual([[], []]);
      await page.close();
    }
  });

  test('every chart has marks and a text', async () => {
    for (const file of pages()) {
      const {page} = await open(browser, file);
      const charts = await page.locator('figure svg').all();
      expect(charts.length).toBeGreaterThan(4);
      for (const chart of charts) {
        expect(await chart.getAttribute('aria-label')).toMatch(/\w+/);
        expect(await chart.locator('path').count()).toBeGreaterThan(0);
      }
      // What is drawn is there as numbers, too.
      const bare = await page.locator('figure:not(:has(details.numbers)) .title').allTextContents();
      expect(bare.filter((title) => !/^Configurations$|computed within/.test(title))).toEqual([]);
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

  test('by the keyboard alone: the threshold, which moves counts and marks, the filters, an image enlarged', async () => {
    const {page, told} = await open(browser, pages()[0]!);
    const article = page.locator('article:visible');
    const counts = async () =>
      (await article.locator('.counts button').allTextContents()).map((text) => Number(/^\d+/.exec(text)![0]));
    const [found, missed, alarms, passed] = await counts();
    // The table that the server made says the same.
    const said = await article.locator('table').first().locator('tbody td').allTextContents();
    expect(said.slice(1).map(Number)).toEqual([found, missed, alarms, passed]);
    const point = article.locator('[data-chart=roc] circle.mark-of-threshold');
    const place = async () => [await point.getAttribute('cx'), await point.getAttribute('cy')].map(Number);
    const before = await place();
    const slider = article.getByRole('slider', {name: 'Threshold'});
    await slider.focus();
    await page.keyboard.press('Home');
    expect(await counts()).toEqual([found! + missed!, 0, alarms! + passed!, 0]);
    const after = await place();
    expect([after[0]! > before[0]!, after[1]! <= before[1]!]).toEqual([true, true]);
    await page.keyboard.press('ArrowRight');
    expect((await counts())[1]! + (await counts())[3]!).toBe(1);
    await page.keyboard.press('End');
    expect(await counts()).toEqual([0, found! + missed!, 0, alarms! + passed!]);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // "missed"
    const images = article.locator('.explored .thumbs li');
    expect(await images.count()).toBe(found! + missed!);
    expect(await images.filter({has: page.locator('.outline')}).count()).toBe(found! + missed!);
    await images.first().getByRole('button').focus();
    await page.keyboard.press('Enter');
    const status = page.getByRole('dialog', {name: 'Test image'}).getByRole('status');
    expect(await status.textContent()).toMatch(/^1 of \d+: .*anomalous, score .*: missed$/);
    await page.keyboard.press('ArrowRight');
    expect(await status.textContent()).toMatch(/^2 of /);
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press('Escape');
    expect(await status.count()).toBe(0);
    expect(
      await images
        .nth(1)
        .getByRole('button')
        .evaluate((press) => press.matches(':focus')),
    ).toBe(true);
    expect(told).toEqual([]);
    await page.close();
  });

  test('by touch: a press enlarges, a swipe sideways shows the next picture and the one before, a button closes', async () => {
    const context = await browser.newContext({hasTouch: true, isMobile: true, viewport: {width: 390, height: 844}});
    const page = await context.newPage();
    await page.goto(`file://${pages()[0]!}`);
    // A small score is as long as this one, and stays in its line.
    const heights = await page.evaluate<readonly number[]>(`(() => {
      const score = document.querySelector('.explored .thumbs .number');
      const {height} = score.getBoundingClientRect();
      score.textContent = '−0.000008539';
      return [height, score.getBoundingClientRect().height];
    })()`);
    expect(heights[1]).toBe(heights[0]);
    const dialog = page.getByRole('dialog', {name: 'Test image'});
    // Where the machine is busy, half a second may pass between its two halves: then it was a long press, and is made again.
    const tap = (button: Locator, dialogs: number) =>
      expect
        .poll(
          async () => {
            if ((await dialog.count()) !== dialogs) await button.tap({timeout: 5000}).catch(() => undefined);
            return dialog.count();
          },
          {timeout: 60_000},
        )
        .toBe(dialogs);
    await tap(page.locator('article:visible .explored .thumbs button').first(), 1);
    const place = async () => /^\d+/.exec((await dialog.getByRole('status').textContent())!)![0];
    const {x, y, width, height} = (await dialog.locator('.frame').boundingBox())!;
    const session = await context.newCDPSession(page);
    const swipe = async (right: number, down: number) => {
      const at = (share: number) => [{x: x + width / 2 + right * share, y: y + height / 2 + down * share}];
      await session.send('Input.dispatchTouchEvent', {type: 'touchStart', touchPoints: at(0)});
      for (const share of [0.25, 0.5, 0.75, 1])
        await session.send('Input.dispatchTouchEvent', {type: 'touchMove', touchPoints: at(share)});
      await session.send('Input.dispatchTouchEvent', {type: 'touchEnd', touchPoints: []});
    };
    const seen = (wanted: string) => expect.poll(place, {timeout: 30_000}).toBe(wanted);
    await seen('1');
    await swipe(-120, 10);
    await seen('2');
    await swipe(-120, -10);
    await seen('3');
    await swipe(20, 5); // too short
    await swipe(120, 0);
    await seen('2');
    await tap(dialog.getByRole('button', {name: 'Close'}), 0);
    await context.close();
  });

  test('a map of the features: a point shows its image; a lasso, or a rectangle by the keyboard, keeps only its images', async () => {
    const {page, told} = await open(browser, pages()[1]!);
    const article = page.locator('article:visible');
    const map = article.getByRole('group', {name: 'Points of images'}).first();
    const images = article.locator('.explored .thumbs li');
    const shown = article.locator('.pointed');
    await map.scrollIntoViewIfNeeded();
    // Before anything is pointed at, too.
    expect(await shown.locator('[role=status]').textContent()).toMatch(/, score /);
    await map.focus();
    expect(await shown.locator('[role=status]').textContent()).toMatch(/, score /);
    // From the leftmost point to the rightmost one, and on to the lowest: what is above the first is not in it.
    for (const key of ['ArrowLeft', 'Enter', 'ArrowRight', 'ArrowDown'])
      for (let i = 0; i < (key === 'Enter' ? 1 : 25); i++) await page.keyboard.press(key);
    await page.keyboard.press('Enter');
    const said = article.locator('output', {hasText: 'test images chosen'});
    const [, some, all] = /^(\d+) of (\d+) test images/.exec((await said.textContent())!)!.map(Number);
    expect([some! > 0, some! < all!]).toEqual([true, true]);
    expect(await images.count()).toBe(Math.min(48, some!));
    const copy = await browser.newPage();
    await copy.goto(page.url());
    expect(await copy.locator('article:visible .explored .thumbs').textContent()).toBe(
      await article.locator('.explored .thumbs').textContent(),
    );
    await copy.close();
    await page.keyboard.press('Escape');
    expect(await said.count()).toBe(0);
    // Around everything.
    const {x, y, width, height} = (await map.locator('svg').boundingBox())!;
    await page.mouse.move(x + 1, y + 1);
    await page.mouse.down();
    for (const [right, down] of [
      [1, 0],
      [1, 1],
      [0, 1],
    ] as const)
      await page.mouse.move(x + 1 + right * (width - 2), y + 1 + down * (height - 2), {steps: 4});
    await page.mouse.up();
    expect(await said.textContent()).toMatch(
      new RegExp(`^${all} of ${all} test images chosen, and \\d+ training images, and \\d+ copies: below`),
    );
    // The legend and the marks of a copy; pointing at one tells of what it, or one that lies on it, is a copy.
    const [, copies] = /and (\d+) copies/.exec((await said.textContent())!)!.map(Number);
    expect(await map.locator('path[fill="var(--c3)"]').count()).toBe(copies! / 2 + 1);
    const ofSecond = map.locator('path[fill="var(--c4)"]');
    const mark = (await ofSecond.nth(copies! / 2 - 1).boundingBox())!;
    await page.mouse.move(mark.x + mark.width / 2, mark.y + mark.height / 2);
    expect(await shown.locator('[role=status]').textContent()).toMatch(
      /^rotate90( \+ rotate90)? of .*stripes.*, normal/,
    );
    expect(await shown.locator(':scope > *').count()).toBe(2); // its picture, and what it is
    await article.getByLabel('Colour').selectOption('score');
    expect(await map.locator('path[fill^=color-mix]').count()).toBe(all);
    expect(told).toEqual([]);
    await page.close();
  });

  test('the address has what was chosen: a copy of it shows the same', async () => {
    const {page} = await open(browser, pages()[0]!);
    const results = (of: typeof page) => of.locator('[data-results] tbody tr').allInnerTexts();
    // One metric at a time, which is chosen above the table: its column is not seen.
    const metrics = page.locator('[data-results] tbody .metric');
    expect([...new Set(await metrics.allTextContents())]).toEqual(['auc']);
    expect(await metrics.first().isVisible()).toBe(false);
    await page.getByLabel('Metric', {exact: true}).selectOption('all');
    await page.getByLabel('Filter').fill('epochs=3');
    await page.locator('#comparison').getByRole('button', {name: 'ours'}).click();
    await page.getByLabel('Group by').selectOption('metric');
    await page.getByLabel('Task', {exact: true}).selectOption({index: 1});
    await page.locator('article:visible').getByLabel('Order').selectOption('lowest');
    await page.getByRole('link', {name: 'Results', exact: true}).click();
    const seen = await results(page);
    expect(seen.filter((row) => /^(pixel-)?auc \(1\)/.test(row))).toHaveLength(2);
    expect(await page.locator('[data-results] output').textContent()).toBe('2 of 4 numbers');
    const images = (of: typeof page) => of.locator('article:visible .explored .thumbs').textContent();
    const copy = await browser.newPage({viewport: {width: 1280, height: 900}});
    await copy.goto(page.url());
    expect(await results(copy)).toEqual(seen);
    expect(await images(copy)).toBe(await images(page));
    expect(await copy.locator('article:visible h3').textContent()).toContain('epochs=3');
    await copy.close();
    await page.close();
  });

  test('the rows that are seen can be copied', async () => {
    const context = await browser.newContext({permissions: ['clipboard-read', 'clipboard-write']});
    const page = await context.newPage();
    await page.goto(`file://${pages()[1]!}`);
    await page.getByLabel('Filter').fill('gde');
    await page.getByRole('button', {name: 'CSV'}).click();
    await page.getByText('Copied as CSV').waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toMatch(
      /^normal class,method,classifier,ours,n\nstripes,rotation,gde,\d+\.\d,1\n$/,
    );
    await page.getByRole('button', {name: 'Markdown'}).click();
    await page.getByText('Copied as Markdown').waitFor();
    const text = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toMatch(/^\| normal class \|.*\n\|.*---:.*\n\| stripes \| rotation \| gde \| \d+\.\d \| 1 \|$/);
    await context.close();
  });

  test('on a phone each row’s number is on the screen, and the answer on the first one', async () => {
    const {page} = await open(browser, pages()[0]!, {width: 390});
    const answer = (await page.locator('.answer .value').boundingBox())!;
    expect(answer.y + answer.height).toBeLessThan(844);
    const cells = await page.locator('[data-results] td[data-name=ours]').all();
    expect(cells).toHaveLength(2);
    for (const cell of cells) {
      const box = (await cell.boundingBox())!;
      expect([box.x >= 0, box.x + box.width <= 390]).toEqual([true, true]);
      expect(await cell.textContent()).toMatch(/^\d+\.\d/);
    }
    await page.close();
  });

  test('without script and on paper nothing is missing', async () => {
    const context = await browser.newContext({javaScriptEnabled: false, viewport: {width: 800, height: 900}});
    const plain = await context.newPage();
    await plain.goto(`file://${pages()[0]!}`);
    const {page} = await open(browser, pages()[0]!, {width: 800});
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    for (const one of [plain, page]) {
      await one.emulateMedia({media: 'print'});
      expect(await one.locator('article:visible').count()).toBe(2);
      expect(await one.locator('article .still .pic:visible').count()).toBe(2 * 14);
      expect(await one.locator('article .heat .panels:visible').count()).toBeGreaterThan(8);
      expect(await one.locator('#provenance details').first().locator('pre').isVisible()).toBe(true);
      expect(await one.locator('.tools:visible, .explorer:visible, .explored:visible').count()).toBe(0);
    }
    const rows = (of: typeof page) => of.locator('[data-results] tbody tr:visible').count();
    expect([await rows(plain), await rows(page)]).toEqual([4, 2]); // the metric that is chosen
    await context.close();
    await page.close();
  });

  test('script and page stay small', async () => {
    const code = /<script>([\s\S]*)<\/script>/.exec(text())![1]!;
    expect(gzipSync(code).length).toBeLessThan(180_000);
    for (const file of pages()) expect(statSync(file).size).toBeLessThan(3e6);
  });

  test('from 360 to 1440 pixels nothing sticks out or is cut', async () => {
    for (const file of pages()) {
      const {page} = await open(browser, file);
      for (const width of [360, 800, 1440]) {
        await page.setViewportSize({width, height: 900});
        expect(await unreadable(page), `at ${width}`).toEqual([]);
      }
      await page.close();
    }
  });

  test.for(['light', 'dark'] as const)('axe finds no barrier in %s', async (scheme) => {
    for (const file of pages()) {
      const {page} = await open(browser, file, {scheme});
      for (const details of await page.locator('main details').all())
        await details.evaluate((it) => it.setAttribute('open', ''));
      // Between the schemes only colours differ.
      expect(await barriers(page, scheme === 'dark' ? ['color-contrast'] : undefined)).toEqual([]);
      await page.close();
    }
  });
});
