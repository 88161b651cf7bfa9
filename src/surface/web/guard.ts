/**
 * Who may see the pages. The server listens on this machine only, but every program and every web page in its browser can
 * reach that: what lets one in is the token, in the address that `pipeline ui` prints and then in a cookie; and a page
 * elsewhere whose name was made to point here (DNS rebinding) is told by the name that it asks for.
 */
import {createHash, timingSafeEqual} from 'node:crypto';
import type {IncomingMessage} from 'node:http';

export interface Doorkeeper {
  readonly token: string;
  readonly port: number;
}

export type Admission =
  | {readonly verdict: 'admitted'}
  /** The address has the token: the browser is given the cookie, and sent to the address without it. */
  | {readonly verdict: 'welcome'; readonly cookie: string}
  | {readonly verdict: 'refused'; readonly status: 403 | 405; readonly message: string};

// Any port: a tunnel (`ssh -L`) may have another one at its other end.
const ours = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

export function admit({method, headers}: IncomingMessage, url: URL, {token, port}: Doorkeeper): Admission {
  if (!ours.test(headers.host ?? ''))
    return refused(403, 'This server answers only to the names 127.0.0.1 and localhost.');
  if (method !== 'GET') return refused(405, 'This server only answers GET requests; nothing can be changed here.');
  // Cookies do not know ports: without it two servers would throw each other's users out.
  const name = `pipeline-${port}`;
  const given = url.searchParams.get('token');
  if (given !== null && equal(given, token))
    return {verdict: 'welcome', cookie: `${name}=${token}; Path=/; HttpOnly; SameSite=Strict`};
  const cookie = (headers.cookie ?? '')
    .split(/; */)
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);
  if (cookie !== undefined && equal(cookie, token)) return {verdict: 'admitted'};
  return refused(403, 'Open the address that "pipeline ui" printed; it contains the required token.');
}

const refused = (status: 403 | 405, message: string): Admission => ({verdict: 'refused', status, message});

/** In the same time whatever is wrong. */
const equal = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
