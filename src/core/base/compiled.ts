/**
 * The compiled twin of a source module's URL: worker processes and threads are started with it. Under vitest the sources run as
 * TypeScript, which Node 20 cannot start by itself; `bin/build.js` keeps `dist/` fresh.
 */
export function compiledUrl(url: string): URL {
  return new URL(url.replace(/\/src\/(?!.*\/src\/)(.*)\.ts$/, '/dist/$1.js'));
}
