/**
 * Lets a user's modules say `import … from 'one-class-pipeline'` wherever they lie: it is the copy that runs, whatever is installed
 * beside them. Node starts this file a second time, as the loader's hooks, where it has no `registerHooks`: it imports nothing of ours.
 */
import * as module from 'node:module';

type Next = (specifier: string, context: unknown) => unknown;

let urls: {readonly [specifier: string]: string} = {};
let registered = false;

/** `entries`: what the package's own names stand for, as URLs of modules. Counts for all that is imported from then on. */
export function resolveOwnPackage(entries: {readonly [specifier: string]: string}, hooks: URL): void {
  if (registered) return;
  registered = true;
  urls = entries;
  const {registerHooks} = module as {registerHooks?: (hooks: {resolve: typeof resolve}) => void};
  if (registerHooks) registerHooks({resolve});
  else module.register(hooks, {data: entries});
}

/** Called by Node in the thread of the loader. */
export function initialize(entries: {readonly [specifier: string]: string}): void {
  urls = entries;
}

export function resolve(specifier: string, context: unknown, next: Next): unknown {
  const url = Object.hasOwn(urls, specifier) ? urls[specifier] : undefined;
  return url === undefined ? next(specifier, context) : {url, format: 'module', shortCircuit: true};
}
