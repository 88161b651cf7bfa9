/**
 * Who may see the pages. The server listens on this machine only, but every program and every web page in its browser can
 * reach that: what lets one in is the token, in the address that `pipeline ui` prints and then in a cookie; and a page
 * elsewhere whose name was made to point here (DNS rebinding) is told by the name that it asks for. To write, a token of its own is needed,
 * and a page of this server from which the request comes.
 */
import {createHash, timingSafeEqual} from 'node:crypto';
import type {IncomingMessage} from 'node:http';

export interface Doorkeeper {
  readonly token: string;
  readonly port: number;
  /** What lets in those who may also write; absent: nobody may. */
  readonly writeToken?: string;
}

export type Admission =
  | {readonly verdict: 'admitted'; readonly mayWrite: boolean}
  /** The address has the token: the browser is given the cookies, and sent to the address without it. */
  | {readonly verdict: 'welcome'; readonly cookies: readonly string[]}
  | {readonly verdict: 'refused'; readonly status: 403 | 405; readonly message: string};

// Any port: a tunnel (`ssh -L`) may have another one at its other end.
const ours = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

export function admit({method, headers}: IncomingMessage, url: URL, {token, port, writeToken}: Doorkeeper): Admission {
  const {host = '', origin, cookie = ''} = headers;
  if (!ours.test(host)) return refused(403, 'This server answers only to the names 127.0.0.1 and localhost.');
  if (method !== 'GET' && (method !== 'POST' || writeToken === undefined))
    return refused(405, 'This server only answers GET requests; nothing can be changed here.');
  // Cookies do not know ports: without it two servers would throw each other's users out.
  const name = `pipeline-${port}`;
  const words = [
    {name, key: 'token', word: token},
    ...(writeToken === undefined ? [] : [{name: `${name}-write`, key: 'write', word: writeToken}]),
  ];
  const has = ({name, word}: (typeof words)[number]): boolean => {
    const given = cookie
      .split(/; */)
      .find((pair) => pair.startsWith(`${name}=`))
      ?.slice(name.length + 1);
    return given !== undefined && equal(given, word);
  };
  const given = method === 'GET' ? words.filter(({key, word}) => equal(url.searchParams.get(key) ?? '', word)) : [];
  if (given[0]?.key === 'token')
    return {
      verdict: 'welcome',
      cookies: given.map(({name, word}) => `${name}=${word}; Path=/; HttpOnly; SameSite=Strict`),
    };
  const [reader, writer] = words.map(has);
  if (!reader) return refused(403, 'Open the address that "pipeline ui" printed; it contains the required token.');
  if (method === 'POST' && !(writer && origin === `http://${host}`))
    return refused(
      403,
      'Nothing was changed. To change something, open the second address that "pipeline ui --write" printed, and send it again.',
    );
  return {verdict: 'admitted', mayWrite: writer ?? false};
}

const refused = (status: 403 | 405, message: string): Admission => ({verdict: 'refused', status, message});

/** In the same time whatever is wrong. */
const equal = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
