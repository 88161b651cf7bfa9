/** Answers, each with the headers that keep it to itself; and forms that are sent. */
import {createReadStream, lstatSync} from 'node:fs';
import type {IncomingMessage, OutgoingHttpHeaders, ServerResponse} from 'node:http';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';

export const plainText = 'text/plain; charset=utf-8';
export const htmlText = 'text/html; charset=utf-8';
export const cssText = 'text/css; charset=utf-8';

/** Nothing from elsewhere, no script but ours, in nobody's frame. */
const ownPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** A report is one file with its scripts in it: they run apart from these pages, and reach nothing. */
const reportPolicy =
  "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

export const ownHeaders: OutgoingHttpHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': ownPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Not `no-referrer`: browsers then hide from where a form is sent, which `guard.ts` asks.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {...ownHeaders, 'content-type': type, ...headers});
  response.end(body);
}

const reportOf = (folder: string): string => join(folder, 'report.html');

/** A file of the run's own: a link could lead anywhere. */
export const hasReport = (folder: string): boolean =>
  lstatSync(reportOf(folder), {throwIfNoEntry: false})?.isFile() ?? false;

export async function sendReport(folder: string, response: ServerResponse): Promise<void> {
  response.writeHead(200, {...ownHeaders, 'content-type': htmlText, 'content-security-policy': reportPolicy});
  await pipeline(createReadStream(reportOf(folder)), response);
}

/** Bytes of a form, at most. */
const longestForm = 64 * 1024;

/** The fields of a form that was sent; undefined: it is too long. */
export async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= longestForm) parts.push(part);
  }
  return bytes > longestForm ? undefined : new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}
