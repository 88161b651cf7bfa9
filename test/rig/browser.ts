/** A real browser for pages: Debian's chromium or a Chrome that is there. Tests that want one are skipped without. */
import {accessSync, constants} from 'node:fs';
import {delimiter, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import axe from 'axe-core';
import {type Browser, chromium, type Page} from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of the program; undefined where there is none. */
export const chromiumPath: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** The sandbox wants what containers do not give; only pages of our own are opened. */
export const launch = (): Promise<Browser> =>
  chromium.launch({executablePath: chromiumPath!, args: ['--no-sandbox', '--disable-gpu']});

export interface Opened {
  readonly page: Page;
  /** Messages and errors of its console. */
  readonly told: readonly string[];
  /** Addresses that it asked for, but for itself and what stands in it. */
  readonly asked: readonly string[];
}

export async function open(
  browser: Browser,
  file: string,
  {width = 1280, scheme = 'light'}: {readonly width?: number; readonly scheme?: 'light' | 'dark'} = {},
): Promise<Opened> {
  const page = await browser.newPage({viewport: {width, height: 900}, colorScheme: scheme, reducedMotion: 'reduce'});
  const told: string[] = [];
  const asked: string[] = [];
  const url = pathToFileURL(file).href;
  page.on('console', (message) => told.push(message.text()));
  page.on('pageerror', (error) => told.push(error.message));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) asked.push(request.url());
  });
  await page.goto(url);
  return {page, told, asked};
}

/**
 * What can't be read at the page's width: text of a chart beyond its edge or cut with `…`, text of the page that its element hides, a page wider
 * than the screen, a word in the colour of what is behind it; and dots of one chart at one place.
 */
export const unreadable = (page: Page): Promise<readonly string[]> =>
  page.evaluate<readonly string[]>(`(() => {
    const found = [];
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) found.push('the page is ' + wide + ' pixels too wide');
    for (const svg of document.querySelectorAll('figure svg[role=img]')) {
      const {left, right, top, bottom, width} = svg.getBoundingClientRect();
      if (width === 0) continue;
      const name = svg.closest('figure').querySelector('.title').textContent;
      for (const text of svg.querySelectorAll('text')) {
        const box = text.getBoundingClientRect();
        if (box.width > 0 && (box.left < left - 1 || box.right > right + 1 || box.top < top - 1 || box.bottom > bottom + 1))
          found.push(name + ': "' + text.textContent + '" sticks out');
        if (text.textContent.endsWith('…')) found.push(name + ': "' + text.textContent + '" is cut');
      }
      const places = new Set();
      if (svg.closest('#classes, #sweeps, #search'))
        for (const dot of svg.querySelectorAll('path[transform][d*="a"]')) {
          const place = dot.getAttribute('transform') + dot.getAttribute('fill');
          if (places.has(place)) found.push(name + ': two dots at ' + place);
          places.add(place);
        }
    }
    for (const one of document.querySelectorAll('main *'))
      if (/hidden|clip/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1 && !one.closest('svg, .unseen, input, .editor'))
        found.push('"' + one.textContent.slice(0, 40) + '" is cut');
    const isClear = (colour) => /^rgba\\(.*, 0\\)$/.test(colour);
    for (const one of document.querySelectorAll('main :is(a, button, summary, th, td, label, p)')) {
      if (one.getBoundingClientRect().width === 0 || one.textContent.trim() === '') continue;
      let behind = one;
      while (behind && isClear(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
      if (behind && getComputedStyle(behind).backgroundColor === getComputedStyle(one).color)
        found.push('"' + one.textContent.slice(0, 40) + '" has the colour of what is behind it');
    }
    return found;
  })()`);

/** What `axe` finds that keeps people out, each with the elements: `color-contrast: td > .key`. `rules`: only these. */
export async function barriers(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  // As a debugger does: the page's own policy lets no other script run.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', {expression: axe.source});
  const {result} = await session.send('Runtime.evaluate', {
    expression: `axe.run(${rules ? JSON.stringify({runOnly: rules}) : ''}).then(({violations}) => JSON.stringify(violations))`,
    awaitPromise: true,
  });
  const violations = JSON.parse(result.value as string) as readonly {
    id: string;
    impact: string;
    nodes: readonly {target: readonly string[]}[];
  }[];
  return violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(' ')).join(', ')}`);
}
