// @module-tag slow
/** The pages in a real browser: what a person sees and hears, and what the browser complains of. */
import {join} from 'node:path';
import type {Browser, Page} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {readRemarks} from '../../../src/pipeline/store/runs/remarks.ts';
import {barriers, chromiumPath, launch, unreadable} from '../../rig/browser.ts';
import {Site} from '../../rig/site.ts';

describe.skipIf(chromiumPath === undefined)('in a browser (needs chromium)', () => {
  let site: Site;
  let browser: Browser;
  /** What a browser says of pages that are not as they should be, and requests to anywhere else. */
  const complaints: string[] = [];

  beforeAll(async () => {
    site = await Site.open();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
  });

  async function enter(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.on('console', (message) => complaints.push(`${page.url()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
    page.on('request', (request) => {
      const {protocol, host} = new URL(request.url());
      if (protocol !== 'data:' && host !== `127.0.0.1:${site.port}`) complaints.push(`request to ${request.url()}`);
    });
    await page.goto(site.address);
    await page.waitForSelector('h1');
    return page;
  }

  test('the token is gone from the address once it has let in', async () => {
    const page = await enter();
    expect(page.url()).toBe(`http://127.0.0.1:${site.port}/`);
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.context().close();
  });

  test.for([
    // What is cut off depends on the width alone, what can't be read on the colours.
    ['light', 1440],
    ['dark', 360],
  ] as const)(
    '%s, %i pixels wide: nothing is cut off, and nothing that keeps anyone out',
    async ([colorScheme, width]) => {
      const page = await enter({colorScheme, viewport: {width, height: 900}});
      for (const path of [
        '/',
        `/runs/${site.ids.failed}`,
        `/runs/${site.ids.live}`,
        `/runs/${site.ids.done}#stages`,
        `/compare?run=${site.ids.done}&run=${site.ids.failed}`,
        '/compare',
        '/query?sql=from runs',
        '/query?sql=selec',
        '/query?sql=from comparison&value=ours',
        '/none',
      ]) {
        await page.goto(`http://127.0.0.1:${site.port}${path}`);
        await page.waitForSelector('h1');
        expect([path, await unreadable(page)]).toEqual([path, []]);
        expect([path, await barriers(page)]).toEqual([path, []]);
      }
      // The page that is not there is told of by the browser itself.
      expect(complaints.filter((text) => !text.includes('/none: '))).toEqual([]);
      await page.context().close();
    },
  );

  test('the list of runs with the keyboard: search, filter, tick, compare; Back restores what was', async () => {
    const page = await enter();
    const names = () => page.locator('#runs th a').allTextContents();
    await page.waitForSelector('text=3 runs');
    expect(await names()).toEqual(['live', 'broken', 'finished']);
    await page.keyboard.press('/');
    await page.keyboard.type('oc-svm');
    await page.waitForSelector('text=1 of 3 runs');
    expect(await names()).toEqual(['finished']);
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    expect(await page.locator('select[aria-label=state] option').allTextContents()).toEqual([
      'all',
      'done (1)',
      'failed (1)',
      'running (1)',
    ]);
    await page.click('th button:text-is("run")');
    expect(await names()).toEqual(['broken', 'finished', 'live']);
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('k');
    const {hash} = new URL(page.url());
    expect(hash).toBe(`#sort=run&ticked=${site.ids.failed}%2C${site.ids.done}`);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/runs/${site.ids.failed}`);
    await page.goBack();
    await page.waitForSelector('button:text-is("Compare 2 runs")');
    expect(await unreadable(page)).toEqual([]);
    expect(await names()).toEqual(['broken', 'finished', 'live']);
    await page.keyboard.press('?');
    await page.waitForSelector('dialog:has-text("tick the row")');
    await page.keyboard.press('Escape');
    await page.click('button:text-is("Compare 2 runs")');
    await page.waitForURL(`**/compare?run=${site.ids.failed}&run=${site.ids.done}`);
    await page.context().close();
  });

  test('tabs of a run: links, one seen at a time; a part is drawn when it is seen; Back leads to the tab before', async () => {
    const page = await enter();
    await page.goto(`http://127.0.0.1:${site.port}/runs/${site.ids.done}`);
    // The browser tells the page of a new address a moment later.
    const seen = (...ids: readonly string[]) =>
      expect.poll(() => page.locator('section.tab:visible').evaluateAll((tabs) => tabs.map(({id}) => id))).toEqual(ids);
    await seen('overview');
    await page.waitForSelector('#part-numbers .answer');
    await page.click('nav.tabs >> text=Stages');
    await seen('stages');
    await page.click('svg a:has-text("learn × 2")');
    await page.waitForSelector('#kind-learn[open] >> text=learn rotation · cat · seed 0');
    await page.goBack();
    await page.goBack();
    await seen('overview');
    expect(await barriers(page)).toEqual([]);
    await page.context().close();
    const unscripted = await enter({javaScriptEnabled: false});
    await unscripted.goto(`http://127.0.0.1:${site.port}/runs/${site.ids.done}`);
    expect(await unscripted.locator('section.tab:visible').count()).toBe(7);
    await unscripted.context().close();
  });

  test('a run moves while one looks, and says how far it is at the tenths of its way', async () => {
    const page = await enter();
    await page.click('text=live');
    await page.waitForSelector('text=/Less than 10 % of \\d+ stages? done/', {state: 'attached'});
    const [begin, engine, ...others] = site.lines;
    site.tell(`${begin}\n${engine}\n`);
    await page.waitForSelector('text=wasm 4.22.0 on cpu');
    const {stage, label} = JSON.parse(others.find((line) => line.includes('"kind":"learn"'))!);
    const at = new Date().toISOString();
    site.tell(`${JSON.stringify({at, type: 'stage-started', stage, kind: 'learn', label})}\n`);
    for (const epoch of [0, 1, 2, 3])
      site.tell(
        `${JSON.stringify({
          at,
          type: 'stage-progress',
          stage,
          label,
          progress: {
            of: 'training',
            epoch,
            epochs: 8,
            step: 0,
            steps: 1,
            loss: 2 - epoch / 2,
            learningRate: 0.1,
            imagesPerSecond: 99,
            secondsLeft: 61,
          },
        })}\n`,
      );
    await page.waitForSelector('text=epoch 4/8 · loss 0.500 · 99 images/s · 1 min 01 s left');
    expect(await page.textContent('.curve')).toBe('█▆▃▁');
    expect(await page.getAttribute('ul.running progress', 'value')).toBe('0.5000');
    site.tell(`${others.join('\n')}\n`);
    await page.waitForSelector('text=The run has ended: done.', {state: 'attached'});
    expect(await page.getAttribute('#announcement', 'aria-live')).toBe('polite');
    expect(await page.textContent('#results')).toContain('77.0');
    expect(await page.locator('ul.running').count()).toBe(0);
    expect(complaints.filter((text) => !text.includes('/none: '))).toEqual([]);
    await page.context().close();
  });

  test('with the keyboard alone: past the head, to a run, and a query', async () => {
    const page = await enter();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.hash === '#main');
    await page.goto(`http://127.0.0.1:${site.port}/query`);
    await page.focus('textarea');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('from baseli');
    await page.waitForSelector('[role=option]:has-text("baselines table")');
    await page.keyboard.press('Tab');
    expect(await page.inputValue('textarea')).toBe('from baselines');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('select 6 * 7 as answer');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('td:text-is("42")');
    await page.context().close();
  });

  test('tags and a note are saved by the form of the page that may write', async () => {
    const writable = await Site.open({write: true});
    try {
      const page = await (await browser.newContext()).newPage();
      await page.goto(writable.writeAddress);
      await page.waitForSelector('h1');
      await page.goto(`http://127.0.0.1:${writable.port}/runs/${writable.ids.done}`);
      await page.click('summary:text-is("Tags and note")');
      await page.fill('input[name=tags]', 'paper, good');
      await page.fill('textarea[name=note]', 'The one to cite.');
      await page.click('button:text-is("Save")');
      await page.waitForSelector('.tag:text-is("paper")');
      expect(readRemarks(join(writable.root, writable.ids.done))).toMatchObject({
        tags: ['good', 'paper'],
        note: 'The one to cite.',
      });
      await page.context().close();
    } finally {
      await writable[Symbol.asyncDispose]();
    }
  });

  test('SQL is coloured as it is typed, and its text is that of the field; a result becomes a chart', async () => {
    const page = await enter();
    await page.goto(`http://127.0.0.1:${site.port}/query?sql=from comparison`);
    await page.focus('textarea');
    await page.keyboard.press('Control+A');
    await page.keyboard.type("select inlier, ours -- <b>\nfrom comparison where metric = 'auc' and ours > 0.5 ");
    const behind = page.locator('.editor > pre');
    expect(await behind.textContent()).toBe(`${await page.inputValue('textarea')}\n`);
    const words = (kind: string) => behind.locator(`.${kind}`).allTextContents();
    expect(await words('keyword')).toEqual(['select', 'from', 'where', 'and']);
    expect(await words('name')).toEqual(['inlier', 'ours', 'comparison', 'metric', 'ours']);
    expect([await words('comment'), await words('string'), await words('number')]).toEqual([
      ['-- <b>'],
      ["'auc'"],
      ['0.5'],
    ]);
    // Both texts lie on each other.
    const styleOf = (one: string) =>
      page.evaluate<string>(
        `(({clientWidth}, {font, padding}) => [clientWidth, font, padding].join())(...[${one}].flatMap((at) => [at, getComputedStyle(at)]))`,
      );
    expect(await styleOf("document.querySelector('.editor > pre')")).toBe(
      await styleOf("document.querySelector('.editor > textarea')"),
    );
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('button:text-is("Draw a chart")');
    await page.selectOption('select[name=over]', 'inlier');
    await page.click('button:text-is("Draw a chart")');
    await page.waitForSelector('figcaption:has-text("ours over inlier")');
    const rows = await page.locator('table tbody tr').count();
    expect(await page.locator('figure svg title').count()).toBe(rows);
    expect(complaints.filter((text) => !text.includes('/none: '))).toEqual([]);
    await page.context().close();
  });

  test("another site's page cannot frame it, read it, or come in with the user's cookie", async () => {
    const page = await enter();
    await page.goto('data:text/html,<h1>elsewhere</h1>');
    const status = page.waitForResponse(`http://127.0.0.1:${site.port}/compare`);
    await page.evaluate(`location.href = 'http://127.0.0.1:${site.port}/compare'`);
    expect((await status).status()).toBe(403);
    await page.context().close();
  });
});
