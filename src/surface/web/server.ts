/**
 * The pages of `pipeline ui`, which show the folder of runs. The server listens only on 127.0.0.1, answers only GET, and writes
 * nothing, unless it was started so that tags and notes can be written. Names in an address are looked up among the existing runs; no part of an address becomes a path.
 */
import {readFile} from 'node:fs/promises';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {readTextIfThere} from '../../core/base/files.ts';
import {follow, linesOf} from '../../core/base/follow.ts';
import {type Past, pastIn} from '../../pipeline/ending/past.ts';
import {hasEnded, type RunRecord, readHead, readRecord} from '../../pipeline/store/runs/record.ts';
import {readRemarks, writeRemarks} from '../../pipeline/store/runs/remarks.ts';
import {eventsFile} from '../../pipeline/store/runs/run-record.ts';
import {listRuns} from '../../pipeline/store/runs/runs.ts';
import {html} from '../html.ts';
import {reportStyle} from '../report/report-style.ts';
import {baseStyle} from '../report/style.ts';
import {type CompareSources, comparePage} from './compare-page.ts';
import {compareRunsPage} from './compare-runs.ts';
import {DrawnStyles} from './drawn.ts';
import {EventStream} from './event-stream.ts';
import {admit} from './guard.ts';
import {LiveRun} from './live-run.ts';
import {logsPage} from './logs-page.ts';
import {type Page, pageText} from './page.ts';
import {type Query, queryCsv, queryPage} from './query-page.ts';
import {cssText, formOf, hasReport, htmlText, plainText, send, sendReport} from './responses.ts';
import {type AboutRun, movingRegions, regionsOf, runPage} from './run-page.ts';
import {type DrawParts, isPart, RunParts} from './run-parts.ts';
import {RunList} from './runs-page.ts';
import {stagePage} from './stage-page.ts';

export interface WebOptions extends CompareSources {
  /** What lets in; hard to guess. */
  readonly token: string;
  /** What lets in those who may write tags and notes; absent: nobody may. */
  readonly writeToken?: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly query: Query;
  /** Draws parts of reports. */
  readonly draw: DrawParts;
  /** Ids of the runs in the session's store; absent: it has none. */
  readonly elsewhere?: () => Promise<readonly string[]>;
  /** Milliseconds between two looks at a run that goes on. */
  readonly every?: number;
}

export interface WebServer {
  readonly port: number;
  /** With the token. */
  readonly address: string;
  /** With both tokens; absent: nobody may write. */
  readonly writeAddress?: string;
  /** Immediately, even if somebody is still connected. */
  close(): Promise<void>;
}

/** Fails with the code `EADDRINUSE` where the port is taken. */
export async function serve(options: WebOptions): Promise<WebServer> {
  const site = new Site(options);
  const server = createServer((request, response) => {
    const {port} = server.address() as AddressInfo;
    void site.answer(request, response, port).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, plainText, error instanceof Error ? error.message : String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const {port} = server.address() as AddressInfo;
  const {token, writeToken} = options;
  const address = `http://127.0.0.1:${port}/?token=${token}`;
  return {
    port,
    address,
    ...(writeToken !== undefined && {writeAddress: `${address}&write=${writeToken}`}),
    close: () =>
      new Promise((resolve) => {
        site.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const assets: {readonly [path: string]: readonly [file: URL, type: string]} = {
  '/assets/style.css': [new URL('./assets/style.css', import.meta.url), cssText],
  '/assets/parts.css': [new URL('./assets/parts.css', import.meta.url), cssText],
  // From src/ and from dist/ it is the same way.
  '/assets/ui.js': [new URL('../../../dist/surface/ui.js', import.meta.url), 'text/javascript; charset=utf-8'],
};

/** Seconds between two questions to the store. */
const storeEvery = 30;

class Site {
  readonly #options: WebOptions;
  readonly #list: RunList;
  #asked: {readonly at: number; readonly ids: Promise<readonly string[]>} | undefined;
  readonly #drawn = new DrawnStyles();
  readonly #parts: RunParts;
  #pastStages: Promise<readonly Past[]> | undefined;

  constructor(options: WebOptions) {
    this.#options = options;
    this.#list = new RunList(options.root, options.results, options.better);
    this.#parts = new RunParts(options.draw, this.#drawn);
  }

  /** Ends what it has others do. */
  close(): void {
    this.#parts.close();
  }

  async answer(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
    const base = `http://127.0.0.1:${port}`;
    if (!URL.canParse(request.url ?? '', base)) return send(response, 400, plainText, 'This is not a valid address.');
    const url = new URL(request.url ?? '', base);
    const {token, writeToken} = this.#options;
    const admission = admit(request, url, {token, port, ...(writeToken !== undefined && {writeToken})});
    switch (admission.verdict) {
      case 'refused':
        return send(response, admission.status, plainText, admission.message, {
          ...(admission.status === 405 && {allow: writeToken === undefined ? 'GET' : 'GET, POST'}),
        });
      case 'welcome': {
        url.searchParams.delete('token');
        url.searchParams.delete('write');
        const path = url.pathname.replace(/^\/+/, '/'); // two slashes would begin the name of another server
        // A page of our own that goes on: a strict cookie would not come along with a redirect of somebody else's link.
        const to = html`<!doctype html><meta http-equiv="refresh" content="0;url=${path}${url.search}">`;
        return send(response, 200, htmlText, to.text, {'set-cookie': [...admission.cookies]});
      }
      case 'admitted':
        return request.method === 'POST'
          ? this.#write(url, request, response)
          : this.#show(url, response, admission.mayWrite);
    }
  }

  /** Tags and the note of a run. */
  async #write({pathname}: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, place, id, part, ...rest] = pathname.split('/');
    const form = await formOf(request);
    if (place !== 'runs' || part !== 'remarks' || rest.length > 0 || !this.#has(id))
      return send(response, 404, plainText, 'There is nothing to change.');
    if (form === undefined) return send(response, 413, plainText, 'This is too long.');
    const tags = (form.get('tags') ?? '').split(/[\s,]+/).filter((tag) => tag !== '');
    const problem = await writeRemarks(join(this.#options.root, id), {tags, note: form.get('note') ?? ''});
    if (problem) return send(response, 400, plainText, `${problem.message}. ${problem.hint}`);
    send(response, 303, plainText, '', {location: `/runs/${id}`});
  }

  #has(id: string | undefined): id is string {
    return id !== undefined && listRuns(this.#options.root).includes(id);
  }

  async #show({pathname, searchParams}: URL, response: ServerResponse, mayWrite: boolean): Promise<void> {
    const page = async (made: Page | Promise<Page>) => send(response, 200, htmlText, pageText(await made, pathname));
    const asset = assets[pathname];
    if (asset) return send(response, 200, asset[1], await readFile(asset[0]));
    const style = this.#drawn.find(pathname);
    if (style !== undefined) return send(response, 200, cssText, style);
    switch (pathname) {
      case '/assets/report.css':
        return send(response, 200, cssText, baseStyle + reportStyle);
      case '/':
        return page(this.#list.page(searchParams.get('before'), await this.#elsewhere()));
      case '/events':
        return this.#list.follow(new EventStream(response), this.#options.every ?? 1000);
      case '/compare':
        return page(this.#compare(searchParams));
      case '/query':
        return page(queryPage(this.#options.query, searchParams, this.#drawn));
      case '/query.csv': {
        const {ok, text} = await queryCsv(this.#options.query, searchParams.get('sql') ?? '');
        return ok
          ? send(response, 200, 'text/csv; charset=utf-8', text, {
              'content-disposition': 'attachment; filename="rows.csv"',
            })
          : send(response, 400, plainText, text);
      }
    }
    const [, place, id, part, name, ...rest] = pathname.split('/');
    if (place === 'runs' && rest.length === 0 && this.#has(id)) {
      const folder = join(this.#options.root, id);
      if (part === undefined) return page(this.#runPage(folder, mayWrite));
      if (part === 'parts' && name === 'logs') return page(logsPage(folder));
      if (part === 'parts' && isPart(name)) return page(this.#parts.page(id, folder, name));
      if (part === 'stages' && name !== undefined) {
        const record = readRecord(folder);
        const found = record.ok ? stagePage(record.value, name) : undefined;
        if (found) return page(found);
      }
      if (name !== undefined) return this.#notFound(pathname, response);
      if (part === 'events') return this.#tellOfRun(folder, response);
      if (part === 'report.html' && hasReport(folder)) return sendReport(folder, response);
    }
    this.#notFound(pathname, response);
  }

  #notFound(pathname: string, response: ServerResponse): void {
    const body = html`<h1>Not found</h1><p>There is no such page. <a href="/">All runs</a></p>`;
    send(response, 404, htmlText, pageText({title: 'Not here', body}, pathname));
  }

  #compare(asked: URLSearchParams): Promise<Page> {
    const runs = [...new Set(asked.getAll('run'))];
    return runs.length > 1
      ? compareRunsPage(this.#options, runs, asked.get('metric') ?? undefined, this.#drawn)
      : comparePage(this.#options, asked);
  }

  /** A page that is made again does not ask the store each time. */
  #elsewhere(): Promise<readonly string[]> {
    const now = performance.now();
    if (!this.#asked || now - this.#asked.at > 1000 * storeEvery)
      this.#asked = {at: now, ids: this.#options.elsewhere?.() ?? Promise.resolve([])};
    return this.#asked.ids;
  }

  async #runPage(folder: string, mayWrite: boolean): Promise<Page> {
    const head = readHead(folder);
    if (!head.ok) {
      const [problem] = head.failures;
      return {title: 'A run', body: html`<h1>A run</h1><p>${problem?.message}. ${problem?.hint}</p>`};
    }
    const about: AboutRun = {
      now: Date.now(),
      hasReport: hasReport(folder),
      remarks: readRemarks(folder),
      mayWrite,
      spec: readTextIfThere(join(folder, 'pipeline.yaml')) ?? '',
    };
    const ended = hasEnded(folder) ? readRecord(folder) : undefined;
    if (ended?.ok) return runPage({record: ended.value, running: []}, about);
    const run = new LiveRun(head.value, await this.#past());
    for await (const line of linesOf(eventsFile(folder))) run.tell(line);
    return runPage(run, about);
  }

  /** Sends the parts of a run's page, all of them first and then those that change, until the run ends. */
  async #tellOfRun(folder: string, response: ServerResponse): Promise<void> {
    const stream = new EventStream(response);
    const head = readHead(folder);
    if (!head.ok) return stream.end();
    const run = new LiveRun(head.value, await this.#past());
    let last: RunRecord | undefined;
    for await (const lines of follow(eventsFile(folder), {signal: stream.signal, every: this.#options.every ?? 1000})) {
      for (const line of lines) run.tell(line);
      const regions = run.record === last ? movingRegions(run, Date.now()) : regionsOf(run, Date.now());
      last = run.record;
      stream.regions([...regions].map(([id, part]) => [id, part.text]));
      if (last.outcome !== 'unfinished') return stream.end();
    }
  }

  /** Read once: runs go on for longer than it gets old. */
  #past(): Promise<readonly Past[]> {
    this.#pastStages ??= pastIn(join(this.#options.root, 'cache'));
    return this.#pastStages;
  }
}
