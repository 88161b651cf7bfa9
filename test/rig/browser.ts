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

/** What `axe` finds that keeps people out, each with the elements: `color-contrast: td > .key`. */
export async function barriers(page: Page): Promise<readonly string[]> {
  // As a debugger does: the page's own policy lets no other script run.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', {expression: axe.source});
  const {result} = await session.send('Runtime.evaluate', {
    expression: 'axe.run().then(({violations}) => JSON.stringify(violations))',
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
