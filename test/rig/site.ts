/** The pages of `pipeline ui` over a folder of made-up runs. */
import {appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {type IncomingMessage, type RequestOptions, request} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {thisProcess} from '../../src/core/base/process-identity.ts';
import {queryApart} from '../../src/pipeline/store/results/apart.ts';
import {readBaselines} from '../../src/pipeline/store/results/baselines.ts';
import {openResults} from '../../src/pipeline/store/results/results.ts';
import {drawApart} from '../../src/surface/cli/parts-apart.ts';
import {serve, type WebServer} from '../../src/surface/web/server.ts';
import {auc, makeRun} from './runs.ts';

/** Oldest first. */
const ids = {
  done: '20260101-080000-finished-ab12',
  failed: '20260102-080000-broken-cd34',
  live: '20260103-080000-live-ef56',
} as const;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export class Site implements AsyncDisposable {
  readonly root: string;
  readonly token = 'a-token-that-only-the-test-knows';
  readonly writeToken = 'another-token-for-those-who-write';
  readonly ids = ids;
  /** Lines of the events of the run that goes on, in order; none of them is in its file at first. */
  readonly lines: readonly string[];
  #server: WebServer | undefined;

  private constructor(root: string) {
    this.root = root;
    this.lines = readFileSync(this.liveEvents, 'utf8').trimEnd().split('\n');
    writeFileSync(this.liveEvents, '');
  }

  /** With three runs: one that is done, one of which a stage failed, one that goes on in this process. */
  static async open({write = false}: {readonly write?: boolean} = {}): Promise<Site> {
    const root = mkdtempSync(join(tmpdir(), 'pipeline-site-'));
    makeRun(root, {
      id: ids.done,
      name: 'finished',
      at: '2026-01-01T08:00:00.000Z',
      tasks: ['cat', 'dog'].map((inlier) => ({inlier, seed: 0, scores: {...auc(0.88), ...auc(0.91, 'oc-svm-rbf')}})),
    });
    makeRun(root, {
      id: ids.failed,
      name: 'broken',
      at: '2026-01-02T08:00:00.000Z',
      tasks: [{inlier: 'ship', seed: 0, scores: {kde: {fails: 'out of <b>memory</b>\nat line 3'}}}],
    });
    makeRun(root, {
      id: ids.live,
      name: 'live',
      at: '2026-01-03T08:00:00.000Z',
      environment: {version: '0.1.0', ...thisProcess()},
      tasks: [{inlier: 'truck', seed: 0, scores: auc(0.77)}],
    });
    const site = new Site(root);
    await openResults(site.database).rebuild();
    site.#server = await serve({
      root,
      token: site.token,
      ...(write && {writeToken: site.writeToken}),
      port: 0,
      every: 10,
      results: openResults(site.database),
      query: (sql, limits) => queryApart(site.database, sql, limits),
      draw: (run, closely, signal) => drawApart({runs: root, run, closely}, signal),
      baselines: readBaselines(),
      departures: () => [],
      better: () => 'higher',
      elsewhere: async () => [ids.done, '20260102-090000.000-theirs-ab12', '20260103-090000.000-latest-cd34'],
    });
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close();
    rmSync(this.root, {recursive: true, force: true});
  }

  get database(): string {
    return join(this.root, 'results.duckdb');
  }

  get liveEvents(): string {
    return join(this.root, ids.live, 'events.ndjson');
  }

  get port(): number {
    return this.#server!.port;
  }

  get address(): string {
    return this.#server!.address;
  }

  /** With which a page may also write. */
  get writeAddress(): string {
    return this.#server!.writeAddress!;
  }

  get cookie(): string {
    return `pipeline-${this.port}=${this.token}`;
  }

  /** Appends to the events of the run that goes on. */
  tell(text: string): void {
    appendFileSync(this.liveEvents, text);
  }

  /** A request exactly as given, with the cookie unless `headers` say otherwise. */
  open(
    path: string,
    {method = 'GET', headers = {cookie: this.cookie}}: RequestOptions = {},
    form?: string,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      request({host: '127.0.0.1', port: this.port, path, method, headers}, resolve).once('error', reject).end(form);
    });
  }

  /** `form`: is sent along. */
  async ask(path: string, options: RequestOptions = {}, form?: string): Promise<Answer> {
    const answer = await this.open(path, options, form);
    let text = '';
    for await (const part of answer.setEncoding('utf8')) text += part;
    return {status: answer.statusCode!, headers: answer.headers, text};
  }

  /** What the server tells of a page's parts, message by message, until it ends or is left. */
  parts(path: string): AsyncGenerator<{readonly [id: string]: string}, void> {
    return this.news(path, 'regions');
  }

  /** The data of its events of one kind. */
  async *news<T>(path: string, event: string): AsyncGenerator<T, void> {
    const answer = await this.open(path);
    let text = '';
    for await (const part of answer.setEncoding('utf8')) {
      text += part;
      const messages = text.split('\n\n');
      text = messages.pop()!;
      for (const message of messages) {
        const [, kind, data] = /^event: (\w+)\ndata: (.*)$/.exec(message) ?? [];
        if (kind === event && data) yield JSON.parse(data) as T;
      }
    }
  }
}
