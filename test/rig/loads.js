/**
 * Writes the names of all packages that a process loads, one a line, into `$LOADS`: `node --import ./loads.js …`. ES modules
 * and what they import are told by a hook, in its own thread; what CommonJS requires stands in its cache at the end.
 */
import {appendFileSync} from 'node:fs';
import {createRequire, register} from 'node:module';

const note = (/** @type {string} */ place) => {
  const found = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(place);
  if (found) appendFileSync(process.env.LOADS, `${found[1]}\n`);
};

export async function load(url, context, next) {
  note(url);
  return next(url, context);
}

// The hook's thread loads this file too, without the parent's environment to itself.
if (process.execArgv.includes('--import') && !process.env.LOADS_HOOKED) {
  process.env.LOADS_HOOKED = '1';
  register(import.meta.url);
  const {cache} = createRequire(import.meta.url);
  process.on('exit', () => Object.keys(cache).forEach(note));
}
