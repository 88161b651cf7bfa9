import {createHash} from 'node:crypto';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, beforeEach, expect, test} from 'vitest';
import {fetchFile, type RemoteFile} from '../../../../src/domain/datasets/readers/fetch.ts';
import {locateFiles} from '../../../../src/domain/datasets/readers/locate.ts';

const content = Buffer.from(Array.from({length: 300_000}, (_, i) => (i * i) % 251));
const file: RemoteFile = {
  name: 'images.gz',
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};

let server: Server;
let base: string;
let folder: string;
let asked: string[];
let told: string[];
let serve: (request: IncomingMessage, response: ServerResponse) => void;
/** Cuts the line once all that was sent has arrived: once that many kilobytes are told of. */
let cut: {readonly at: string; do(): void} | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.range ?? 'all'}`);
    serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.close();
});
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'fetch-')), 'data');
  asked = [];
  told = [];
  cut = undefined;
});
afterEach(() => {
  rmSync(join(folder, '..'), {recursive: true});
});

/** Sends what was asked for, or all where `ranges` are not understood; cuts the line after `cutAfter` bytes. */
const send =
  (body: Buffer, {cutAfter = Number.POSITIVE_INFINITY, ranges = true} = {}) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const from = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    const part = body.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': part.length,
      ...(from > 0 && {'content-range': `bytes ${from}-${body.length - 1}/${body.length}`}),
    });
    if (part.length <= cutAfter) response.end(part);
    else {
      cut = {at: `images.gz: ${(from + cutAfter) / 1000} kB of`, do: () => response.destroy()};
      response.write(part.subarray(0, cutAfter));
    }
  };

const get = (urls: readonly string[] = [base]) =>
  fetchFile({
    file,
    urls,
    folder,
    report(message) {
      told.push(message);
      if (cut && message.startsWith(cut.at)) cut.do();
    },
  });

/** Results with the server's port and the temporary folder named, to be snapshots. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll(base, 'http://server/').replaceAll(folder, '/data'));

test('a file is fetched completely, with progress in tenths, and leaves no other file', async () => {
  serve = send(content);
  expect(await get()).toEqual({ok: true, value: join(folder, 'images.gz')});
  expect(readFileSync(join(folder, 'images.gz')).equals(content)).toBe(true);
  expect(readdirSync(folder)).toEqual(['images.gz']);
  expect(asked).toEqual(['/images.gz all']);
  expect(told.length).toBeGreaterThan(1);
  expect(told.length).toBeLessThanOrEqual(10);
  expect(told.at(-1)).toBe('images.gz: 300 kB of 300 kB fetched');
});

test('an existing file is not fetched again', async () => {
  serve = send(content);
  await get();
  expect(await get()).toEqual({ok: true, value: join(folder, 'images.gz')});
  expect(asked.length).toBe(1);
});

test('after an interruption the download continues', async () => {
  serve = send(content, {cutAfter: 120_000});
  expect((await get()).ok).toBe(true);
  expect(readFileSync(join(folder, 'images.gz')).equals(content)).toBe(true);
  expect(asked).toEqual(['/images.gz all', '/images.gz bytes=120000-', '/images.gz bytes=240000-']);
});

test('a partial download of an earlier call is used, also from another address', async () => {
  let calls = 0;
  serve = (request, response) => {
    if (calls++ === 0) send(content, {cutAfter: 120_000})(request, response);
    else response.writeHead(503).end();
  };
  expect(plain(await get())).toMatchInlineSnapshot(`
    {
      "failures": [
        "http://server/images.gz: the server answers 503 Service Unavailable",
      ],
      "ok": false,
    }
  `);
  expect(readdirSync(folder)).toEqual(['images.gz.part']);
  serve = send(content);
  expect((await get([`${base}mirror/`])).ok).toBe(true);
  expect(asked.at(-1)).toBe('/mirror/images.gz bytes=120000-');
  expect(readFileSync(join(folder, 'images.gz')).equals(content)).toBe(true);
});

test('a server without ranges sends everything again', async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'images.gz.part'), content.subarray(0, 1000));
  serve = send(content, {ranges: false});
  expect((await get()).ok).toBe(true);
  expect(readFileSync(join(folder, 'images.gz')).equals(content)).toBe(true);
});

test('a wrong or too long partial download is discarded', async () => {
  serve = send(content);
  for (const left of [Buffer.alloc(1000, 7), Buffer.alloc(content.length, 7), Buffer.alloc(content.length + 1, 7)]) {
    mkdirSync(folder, {recursive: true});
    writeFileSync(join(folder, 'images.gz.part'), left);
    expect((await get()).ok).toBe(true);
    expect(asked.at(-1)).toBe('/images.gz all');
    expect(readdirSync(folder)).toEqual(['images.gz']);
    rmSync(join(folder, 'images.gz'));
  }
});

test('other content is refused, with any length, and removed', async () => {
  serve = send(Buffer.alloc(content.length));
  expect(plain(await get())).toMatchInlineSnapshot(`
    {
      "failures": [
        "http://server/images.gz: expected a file with SHA-256 fa7deae4b0504401a056ca3b1e6007902a7e681efda07fd7ca8819760caeff95, but got 886715e4051e827f4fe215df3053af3f85ad0d352db2c829c7487af6d78efe30",
      ],
      "ok": false,
    }
  `);
  serve = send(content.subarray(1));
  expect(plain(await get())).toMatchInlineSnapshot(`
    {
      "failures": [
        "http://server/images.gz: expected 300000 bytes, but the server has 299999",
      ],
      "ok": false,
    }
  `);
  serve = (_, response) => {
    response.writeHead(200).end('Please log in.'); // chunked: no length is said
  };
  expect(plain(await get())).toMatchInlineSnapshot(`
    {
      "failures": [
        "http://server/images.gz: expected 300000 bytes, but only 14 came",
      ],
      "ok": false,
    }
  `);
  serve = (_, response) => {
    response.writeHead(200);
    response.end(Buffer.concat([content, content]));
  };
  expect(plain(await get())).toMatchInlineSnapshot(`
    {
      "failures": [
        "http://server/images.gz: expected 300000 bytes, but more come",
      ],
      "ok": false,
    }
  `);
  serve = send(content);
  expect((await get()).ok).toBe(true);
});

test('each address is tried in turn, and each failure is reported', async () => {
  serve = (request, response) => {
    if (request.url?.startsWith('/good/')) send(content)(request, response);
    else response.writeHead(404).end('no');
  };
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const closed = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/`;
  await new Promise((resolve) => gone.close(resolve));
  expect((await get([`${base}bad/`, closed, `${base}good/`])).ok).toBe(true);
  rmSync(folder, {recursive: true});
  expect(await get([`${base}bad/`, closed])).toEqual({
    ok: false,
    failures: [
      `${base}bad/images.gz: the server answers 404 Not Found`,
      `${closed}images.gz: connect ECONNREFUSED ${closed.slice('http://'.length, -1)}`,
    ],
  });
});

test('a folder that cannot be made is a failure as well', async () => {
  writeFileSync(folder, 'a file');
  expect(plain(await get())).toMatchInlineSnapshot(`
    {
      "failures": [
        "/data/images.gz: EEXIST: file already exists, mkdir '/data'",
      ],
      "ok": false,
    }
  `);
  expect(asked).toEqual([]);
});

const publication = () => ({
  folder: 'fashion',
  files: [file, {...file, name: 'labels.gz'}],
  system: [],
  urls: [base],
  remedy: 'run "apt install fashion"',
});

test('a dataset is taken from the first folder that has all of it', async () => {
  const put = (path: string, ...names: string[]) => {
    mkdirSync(join(folder, path), {recursive: true});
    for (const name of names) writeFileSync(join(folder, path, name), '');
  };
  put('partly/fashion', 'images.gz');
  put('flat', 'images.gz', 'labels.gz');
  put('nested/fashion', 'images.gz', 'labels.gz');
  put('system', 'images.gz', 'labels.gz');
  const locate = async (...roots: string[]) => {
    const found = await locateFiles(
      {folders: roots.map((root) => join(folder, root))},
      {...publication(), system: [join(folder, 'system')]},
    );
    return plain(found);
  };
  const at = (place: string) => ({
    ok: true,
    value: [
      {name: 'images.gz', path: `/data/${place}/images.gz`},
      {name: 'labels.gz', path: `/data/${place}/labels.gz`},
    ],
  });
  expect(await locate('partly', 'flat', 'nested')).toEqual(at('flat'));
  expect(await locate('none', 'nested', 'flat')).toEqual(at('nested/fashion'));
  expect(await locate('partly', 'none')).toEqual(at('system'));
  expect(asked).toEqual([]);
});

test('only missing files are fetched', async () => {
  serve = send(content);
  mkdirSync(join(folder, 'fashion'), {recursive: true});
  writeFileSync(join(folder, 'fashion', 'images.gz'), content);
  const found = await locateFiles({folders: [folder], fetchInto: folder}, publication());
  expect(plain(found)).toEqual({
    ok: true,
    value: [
      {name: 'images.gz', path: '/data/fashion/images.gz'},
      {name: 'labels.gz', path: '/data/fashion/labels.gz'},
    ],
  });
  expect(asked).toEqual(['/labels.gz all']);
});

test('a dataset that is not available is one problem, which says where it was searched for and what to do', async () => {
  serve = (_, response) => void response.writeHead(403).end();
  mkdirSync(folder);
  writeFileSync(join(folder, 'labels.gz'), '');
  const roots = {folders: [folder, '/else']};
  expect(plain(await locateFiles(roots, publication()))).toMatchInlineSnapshot(`
    {
      "failures": [
        {
          "hint": "run "apt install fashion", or put the files into /data/fashion",
          "message": "not found: looked for images.gz, labels.gz in /data/fashion, /data, /else/fashion or /else; /data lacks images.gz",
        },
      ],
      "ok": false,
    }
  `);
  expect(plain(await locateFiles({...roots, fetchInto: folder}, publication()))).toMatchInlineSnapshot(`
    {
      "failures": [
        {
          "hint": "run "apt install fashion", or put the files into /data/fashion",
          "message": "not found: looked for images.gz, labels.gz in /data/fashion, /data, /else/fashion or /else; /data lacks images.gz; fetching failed: http://server/images.gz: the server answers 403 Forbidden",
        },
      ],
      "ok": false,
    }
  `);
});
