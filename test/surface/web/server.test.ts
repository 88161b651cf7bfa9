import {readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import type {RequestOptions} from 'node:http';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {openResults} from '../../../src/pipeline/store/results/results.ts';
import {readRemarks} from '../../../src/pipeline/store/runs/remarks.ts';
import type {RunsNews} from '../../../src/surface/web/listed-run.ts';
import {questions} from '../../../src/surface/web/questions.ts';
import {auc} from '../../rig/runs.ts';
import {searchRun} from '../../rig/searches.ts';
import {Site} from '../../rig/site.ts';

let site: Site;
beforeAll(async () => {
  site = await Site.open();
});
afterAll(() => site[Symbol.asyncDispose]());

describe('who is let in', () => {
  test.for([
    ['without token or cookie', '/', {}],
    ['with a wrong token', '/?token=a-token-that-nobody-knows', {}],
    ['with a wrong cookie', '/', {cookie: 'pipeline-PORT=nonsense'}],
    ["with another server's cookie", '/', {cookie: 'pipeline-1=TOKEN'}],
    ['for a page', '/runs/RUN', {}],
    ['for events', '/events', {}],
    ['for a style', '/assets/style.css', {}],
  ] as const)('nobody %s', async ([, path, headers]) => {
    const cookie =
      'cookie' in headers ? headers.cookie.replace('PORT', `${site.port}`).replace('TOKEN', site.token) : '';
    const {status, text, headers: answered} = await site.ask(path.replace('RUN', site.ids.done), {headers: {cookie}});
    expect([status, text]).toEqual([
      403,
      'Open the address that "pipeline ui" printed; it contains the required token.',
    ]);
    expect(answered['set-cookie']).toBeUndefined();
  });

  test('the token gives a cookie that scripts and other sites do not have, and leaves the address', async () => {
    const {status, text, headers} = await site.ask(`/compare?token=${site.token}&metric=auc`, {headers: {}});
    expect(status).toBe(200);
    expect(headers['set-cookie']).toEqual([`${site.cookie}; Path=/; HttpOnly; SameSite=Strict`]);
    expect(text).toContain('content="0;url=/compare?metric=auc"');
    expect(text).not.toContain(site.token);
    const other = await site.ask(`/.//elsewhere.example/?token=${site.token}`, {headers: {}});
    expect(other.text).toContain('content="0;url=/elsewhere.example/"');
    expect((await site.ask('/compare')).status).toBe(200);
  });

  test.for(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.', '[::1]x'])(
    'a page that calls this server "%s" gets nothing, even with the cookie',
    async (host) => {
      const {status, text} = await site.ask('/', {headers: {host, cookie: site.cookie}});
      expect([status, text]).toEqual([403, 'This server answers only to the names 127.0.0.1 and localhost.']);
    },
  );

  test.for(['127.0.0.1:9', 'localhost', 'localhost:8080', '[::1]:80'])('%s is this machine', async (host) => {
    expect((await site.ask('/', {headers: {host, cookie: site.cookie}})).status).toBe(200);
  });

  test.for(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])('%s is refused', async (method) => {
    const {status, headers} = await site.ask('/', {method, headers: {cookie: site.cookie}});
    expect([status, headers.allow]).toEqual([405, 'GET']);
  });
});

describe('tags and notes', () => {
  test('are written by who has the token for it, from a page of this server, and are shown', async () => {
    await using writable = await Site.open({write: true});
    const {ids, port} = writable;
    const welcome = await writable.ask(
      new URL(writable.writeAddress).pathname + new URL(writable.writeAddress).search,
      {
        headers: {},
      },
    );
    const both = welcome.headers['set-cookie']!.map((one) => one.split(';')[0]!).join('; ');
    const path = `/runs/${ids.done}/remarks`;
    const origin = `http://127.0.0.1:${port}`;
    const post = async (headers: RequestOptions['headers'], form: string, to = path) =>
      (await writable.ask(to, {method: 'POST', headers: {...headers, host: `127.0.0.1:${port}`}}, form)).status;
    const form = 'tags=paper+best,paper&note=%3Cb%3Ewhy%3C/b%3E';
    const writer = {cookie: both, origin};
    expect(await post({cookie: writable.cookie, origin}, form)).toBe(403);
    expect(await post({cookie: both, origin: 'http://elsewhere.example'}, form)).toBe(403);
    expect(await post({cookie: both}, form)).toBe(403);
    expect(await post(writer, form, '/runs/../remarks')).toBe(404);
    expect(await post(writer, form, `/runs/${ids.done}/plan.json`)).toBe(404);
    expect(await post(writer, `note=${'x'.repeat(70_000)}`)).toBe(413);
    expect(await post(writer, `tags=${'x'.repeat(41)}`)).toBe(400);
    expect(readRemarks(join(writable.root, ids.done))).toEqual({tags: [], note: ''});
    expect(await post(writer, form)).toBe(303);
    expect(readRemarks(join(writable.root, ids.done))).toEqual({tags: ['best', 'paper'], note: '<b>why</b>'});
    const list = (await writable.ask('/')).text;
    expect(list).toContain(
      '<span class="tag">best</span> <span class="tag">paper</span> </span><small class="note">&lt;b&gt;why&lt;/b&gt;</small>',
    );
    const page = `/runs/${ids.done}`;
    expect((await writable.ask(page)).text).not.toContain('<form');
    expect((await writable.ask(page, {headers: {cookie: both}})).text).toContain('name="tags" value="best paper"');
    writeFileSync(join(writable.root, ids.done, 'remarks.json'), '{"tags": 1}');
    expect((await writable.ask(page)).text).toContain('remarks.json does not have the expected content');
    expect(await post(writer, form)).toBe(400);
  });
});

describe('what is there', () => {
  test.for([
    '/etc/passwd',
    '/../../etc/passwd',
    '/runs/../results.duckdb',
    '/runs/%2e%2e/results.duckdb',
    '/runs/..%2fresults.duckdb',
    '/runs/RUN/plan.json',
    '/runs/RUN/../results.duckdb',
    '/runs/RUN/report.html',
    '/runs/RUN/events/more',
    '/runs/RUN/stages',
    '/runs/RUN/stages/none',
    '/runs/RUN/parts/none',
    '/runs/RUN/parts/constructor',
    '/styles/none.css',
    '/runs/RUN%00',
    '/runs/',
    '/runs',
    '/runs/cache',
    '/assets/../server.js',
    '/assets/',
    '//elsewhere.example/x',
    '/__proto__',
    '/constructor',
  ])('%s is not', async (path) => {
    const {status, text} = await site.ask(path.replace('RUN', site.ids.done));
    expect([status, text.includes('There is no such page.')]).toEqual([404, true]);
  });

  test('every answer keeps scripts, frames and requests to itself', async () => {
    const {headers} = await site.ask('/');
    expect(headers['content-security-policy']).toMatchInlineSnapshot(
      `"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"`,
    );
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
  });

  test('a report that a run has, apart from the pages; a link to elsewhere is none', async () => {
    const report = join(site.root, site.ids.done, 'report.html');
    const path = `/runs/${site.ids.done}`;
    expect((await site.ask(path)).text).not.toContain('report.html');
    writeFileSync(report, '<p>mine</p>');
    expect((await site.ask(path)).text).toContain(`href="${path}/report.html"`);
    const {status, text, headers} = await site.ask(`${path}/report.html`);
    expect([status, text]).toEqual([200, '<p>mine</p>']);
    expect(headers['content-security-policy']).toMatch(/^sandbox allow-scripts [^;]*; default-src 'none'; /);
    rmSync(report);
    symlinkSync('/etc/hostname', report);
    expect((await site.ask(`${path}/report.html`)).status).toBe(404);
    rmSync(report);
  });
});

describe('pages', () => {
  test('runs, newest first, with their best numbers', async () => {
    const {text} = await site.ask('/');
    expect([...text.matchAll(/<th scope="row"><a href="[^"]*">([^<]*)</g)].map((match) => match[1])).toEqual([
      'live',
      'broken',
      'finished',
    ]);
    expect(text).toContain('auc <strong>91.0</strong> †<small>rotation · oc-svm-rbf, mean of 2 classes</small>');
    const older = await site.ask(`/?before=${site.ids.failed}`);
    expect(older.text).toContain('finished');
    expect(older.text).not.toContain('>broken<');
  });

  test('runs in the store that are not here, newest first, and how to fetch one', async () => {
    const {text} = await site.ask('/');
    const list = text.slice(text.indexOf('In the store, and not here'));
    expect([...list.matchAll(/<li>(\S+) <small>/g)].map((match) => match[1])).toEqual(['latest', 'theirs']);
    expect(list).toContain('<code>pipeline store pull 20260103-090000.000-latest-cd34</code>');
    expect((await site.ask(`/?before=${site.ids.failed}`)).text).not.toContain('In the store');
  });

  test('what failed, and why; what comes from elsewhere is text', async () => {
    const {text} = await site.ask(`/runs/${site.ids.failed}`);
    expect(text).toContain('<pre>out of &lt;b&gt;memory&lt;/b&gt;\nat line 3</pre><p>Try another.</p>');
    expect(text).not.toContain('data-events');
  });

  test("a run's stages by kind, and one of them: what failed, its key, what it reads", async () => {
    const page = `/runs/${site.ids.failed}`;
    const {text} = await site.ask(page);
    expect(
      [...text.matchAll(/<summary>(\S+ × \d+) <span[^>]*>([^<]*)</g)].map(([, kind, states]) => `${kind}: ${states}`),
    ).toEqual([
      'data × 1: 1 computed',
      'learn × 1: 1 computed',
      'embed × 1: 1 computed',
      'score × 1: 1 failed',
      'evaluate × 1: 1 skipped',
    ]);
    expect(text).toContain('xlink:href="#kind-learn"');
    const [, address] = /href="(\/runs\/[^"]*\/stages\/[^"]*)">score /.exec(text)!;
    const stage = (await site.ask(address!)).text;
    expect(stage).toContain('<pre>out of &lt;b&gt;memory&lt;/b&gt;\nat line 3</pre>');
    expect(stage).toMatch(/<li>test: <code>features.arrow<\/code> of <a href="[^"]*">embed test · ship · seed 0<\/a>/);
    expect((await site.ask(`${page}/parts/logs`)).text).toMatch(/\[4\/5\] ✗ score kde · ship · seed 0: out of/);
  });

  test("parts of the run's report, with their styles in a sheet of their own", async () => {
    const {text} = await site.ask(`/runs/${site.ids.done}/parts/numbers`);
    expect(text).toContain('Class by class</h2>');
    expect(text).toMatch(/<p class="answer"><strong>rotation<\/strong> with <strong>oc-svm-rbf<\/strong>/);
    expect(text).not.toContain(' style="');
    const [, sheet] = /href="(\/styles\/\w+\.css)"/.exec(text)!;
    const {headers, text: styles} = await site.ask(sheet!);
    expect(headers['content-type']).toBe('text/css; charset=utf-8');
    for (const [, name] of text.matchAll(/ data-style="([^"]*)"/g))
      expect(styles).toContain(`[data-style="${name}"] {`);
    expect((await site.ask(`/runs/${site.ids.done}/parts/sweep`)).text).toContain('This run varies no option');
  });

  test('comparison: filters and metric', async () => {
    const rowsOf = async (query: string) =>
      [...(await site.ask(`/compare?${query}`)).text.matchAll(/<tr\b[^>]*><th scope="row">/g)].length;
    expect(await rowsOf('')).toBe(5); // one of them failed
    expect(await rowsOf(`run=${site.ids.done}`)).toBe(4);
    expect(await rowsOf(`run=${site.ids.done}&classifier=oc-svm-rbf`)).toBe(2);
    expect(await rowsOf('dataset=cifar10&learner=rotation&metric=auc')).toBe(5);
    expect(await rowsOf('dataset=fashion-mnist')).toBe(0);
    expect((await site.ask('/compare?dataset=%3Cscript%3E')).text).toContain('There are no results to compare.');
  });

  const query = (sql: string) => site.ask(`/query?sql=${encodeURIComponent(sql)}`);

  test('a query', async () => {
    const {text} = await query('select run, outcome from runs order by run limit 1');
    expect(text).toContain(`<td>${site.ids.done}</td><td>done</td>`);
    expect(text).toContain('1 row <a href="/query.csv?sql=select%20run');
    expect((await query('from range(100000)')).text).toContain('The first 1,000 rows; there are more.');
    expect((await query("select '<b>' as a")).text).toContain('<td>&lt;b&gt;</td>');
  });

  test('rows as CSV; every ready question has an answer', async () => {
    const {headers, text} = await site.ask(`/query.csv?sql=${encodeURIComponent("select 1 as a, 'b,c' as d")}`);
    expect([headers['content-type'], text]).toEqual(['text/csv; charset=utf-8', 'a,d\n1,"b,c"\n']);
    expect((await site.ask('/query.csv?sql=selec')).status).toBe(400);
    const results = openResults(site.database);
    for (const [name, sql] of questions) expect([name, (await results.query(sql)).ok]).toEqual([name, true]);
  });

  test.for([
    ['drop table runs', 'but got DROP'],
    ["copy runs to 'x.csv'", 'file system operations are disabled'],
    ["from read_text('/etc/passwd')", 'file system operations are disabled'],
    ["attach 'x.db'", 'but got ATTACH'],
    ['set enable_external_access = true', 'but got SET'],
    ['select 1; select 2', 'but got 2'],
    ['selec', 'syntax error'],
  ] as const)('a query that is refused: %s', async ([sql, message]) => {
    const before = readdirSync(site.root);
    const {text} = await query(sql);
    expect(/role="alert"><pre>([^<]*)</.exec(text)?.[1]).toContain(message);
    expect(readdirSync(site.root)).toEqual(before);
  });
});

describe('live', () => {
  test('a run that has not begun, begins, is torn for a moment, and ends', async () => {
    const texts: string[] = [];
    const [first, second, ...others] = site.lines;
    let step = 0;
    for await (const {summary, results} of site.parts(`/runs/${site.ids.live}/events`)) {
      if (summary) texts.push(summary.replaceAll(/<[^>]*>/g, '').trim());
      if (step === 0) site.tell(`${first}\n${second}\n`);
      // Half a line, whose other half comes with the next look.
      if (step === 1) site.tell(others[0]!.slice(0, 30));
      if (step === 1) site.tell(`${others[0]!.slice(30)}\n`);
      if (step === 2) site.tell(`${others.slice(1).join('\n')}\n`);
      if (results?.includes('77.0')) texts.push('results');
      step++;
    }
    expect(texts[0]).toMatch(/^running not started · 1 task · 0 of \d stages$/);
    expect(texts.at(-2)).toMatch(/^done started 2026-01-03 08:00 UTC · 1 min 03 s · 1 task · (\d) of \1 stages/);
    expect(texts.at(-1)).toBe('results');
    expect(readFileSync(site.liveEvents, 'utf8').trimEnd().split('\n')).toEqual(site.lines);
  });

  test('a run that has ended is told once', async () => {
    const messages = [];
    for await (const parts of site.parts(`/runs/${site.ids.done}/events`)) messages.push(Object.keys(parts));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain('summary');
  });

  test('the list of runs hears of a run that comes later', async () => {
    const {makeRun, auc} = await import('../../rig/runs.ts');
    const seen: (readonly string[])[] = [];
    const later = '20260104-080000-later-aa11';
    for await (const {changed, gone} of site.news<RunsNews>('/events', 'runs')) {
      seen.push([...changed.map(({id, best}) => `${id} ${best?.mean}`), ...gone]);
      // Its files come one after the other.
      if (seen.at(-1)!.includes(`${later} 0.5`)) rmSync(join(site.root, later), {recursive: true});
      else if (seen.length === 1) makeRun(site.root, {id: later, tasks: [{inlier: 'cat', seed: 0, scores: auc(0.5)}]});
      if (seen.at(-1)![0] === later) break;
    }
    expect(seen[0]!.slice(1)).toEqual([`${site.ids.failed} undefined`, `${site.ids.done} 0.91`]);
    expect(seen.at(-1)).toEqual([later]);
  });

  test('a damaged run is listed as damaged, hides no other, and its page says what is wrong', async () => {
    const {makeRun} = await import('../../rig/runs.ts');
    const id = '20260105-080000-strange-aa12';
    writeFileSync(
      join(makeRun(site.root, {id, tasks: []}), 'plan.json'),
      '{"format":1,"tasks":[null],"stages":[null]}',
    );
    const {text} = await site.ask('/');
    expect(text).toContain('<span class="badge damaged">damaged</span>');
    expect(text).toContain('>finished<');
    expect((await site.ask(`/runs/${id}`)).text).toContain('plan.json does not have the expected content');
  });

  test('several runs beside each other: numbers by pairs of seeds, options, and what is refused', async () => {
    const {makeRun} = await import('../../rig/runs.ts');
    const [first, second] = ['20260106-080000.000-twin-aa11', '20260106-090000.000-twin-bb22'] as const;
    for (const [id, epochs, gain] of [
      [first, 10, 0],
      [second, 20, 0.03],
    ] as const)
      makeRun(site.root, {
        id,
        name: 'twin',
        tasks: [0, 1, 2].map((seed) => ({
          inlier: 'cat',
          seed,
          learner: {type: 'rotation', epochs},
          scores: auc(0.8 + seed / 50 + gain + seed / 1000),
        })),
      });
    const {text} = await site.ask(`/compare?run=${first}&run=${second}`);
    const rows = [...text.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
      row!.replaceAll(/<[^>]*>/g, ' ').replaceAll(/ +/g, ' '),
    );
    expect(rows).toContain(' normal class paper twin aa11 twin bb22 Δ twin bb22 ');
    expect(rows.find((row) => row.startsWith(' cat '))).toMatch(
      /82\.1 ± 2\.1 .* 85\.1 ± 2\.1 .* \+3\.0 ± 0\.0 \(3\) $/,
    );
    expect(rows).toContain(' learner.epochs 10 20 ');
    expect(text).not.toContain(' style="');
    // Unasked, the metric that the first run's spec names first.
    const picky = '20260106-100000.000-picky-cc33';
    const scores = {kde: {metrics: {'fpr-at-95': 0.3, auc: 0.8}}};
    makeRun(site.root, {id: picky, name: 'picky', tasks: [{inlier: 'cat', seed: 0, scores}]});
    const metricOf = async (query: string) =>
      /<select name="metric">.*?<option selected>([^<]*)/.exec((await site.ask(`/compare?${query}`)).text)?.[1];
    expect(await metricOf(`run=${picky}&run=${first}`)).toBe('fpr-at-95');
    expect(await metricOf(`run=${first}&run=${picky}`)).toBe('auc');
    expect(await metricOf(`run=${picky}&run=${first}&metric=auc`)).toBe('auc');
    expect(await metricOf(`run=${picky}`)).toBe('fpr-at-95');
    // Of a search, that of its objective.
    const searched = '20260107-100000.000-searched-dd44';
    const {search, tasks} = searchRun({trials: 2, settings: 1, on: 'test'});
    makeRun(site.root, {
      id: searched,
      name: 'searched',
      search: {...search!, objective: {...search!.objective, metric: 'fpr-at-95', better: 'lower'}},
      tasks: tasks.map((task) => ({...task, scores: {'oc-svm': {metrics: {auc: 0.8, 'fpr-at-95': 0.3}}}})),
    });
    expect(await metricOf(`run=${searched}`)).toBe('fpr-at-95');
    expect(await metricOf(`run=${searched}&run=${first}`)).toBe('fpr-at-95');
    const many = Array.from({length: 9}, (_, at) => `run=${at}`).join('&');
    expect((await site.ask(`/compare?${many}`)).text).toContain('8 runs at most can be compared');
    expect((await site.ask('/compare?run=a&run=%3Cb%3E')).text).toContain('there is no run a');
  });

  test('closing ends open connections at once', async () => {
    await using other = await Site.open();
    const listening = (async () => {
      for await (const _ of other.news('/events', 'runs')) await other[Symbol.asyncDispose]();
    })();
    await expect(listening).rejects.toThrow('aborted');
  });
});
