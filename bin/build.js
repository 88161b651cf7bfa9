/** Compiles src/ to dist/ when a source is newer than the last build; a clone then runs without a build step. */
import {spawnSync} from 'node:child_process';
import {cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'dist', '.stamp');

/** Names, sizes and times of all sources: two equal pictures mean that nothing was edited. */
function picture() {
  const lines = [];
  const visit = (folder) => {
    for (const entry of readdirSync(folder, {withFileTypes: true})) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else {
        const {size, mtimeMs} = statSync(path);
        lines.push(`${path.slice(root.length)} ${size} ${mtimeMs}`);
      }
    }
  };
  visit(join(root, 'src'));
  return lines.sort().join('\n');
}

/** The program of a development dependency. */
function tool(name, ...path) {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), ...path);
  } catch {
    process.stderr.write(`pipeline: src/ must be compiled, and ${name} is not installed: run "npm ci" in ${root}\n`);
    process.exit(70);
  }
}

/** Runs a tool to its end. Returns what it has written if it failed. */
function failureOf(program, ...args) {
  const {status, stdout, stderr} = spawnSync(process.execPath, [program, ...args], {cwd: root, encoding: 'utf8'});
  return status === 0 ? undefined : `${stdout}${stderr}`;
}

function compile(fresh) {
  tool('rolldown');
  return failureOf(join(root, 'bin', 'bundle.js'), fresh);
}

/** One file of all that a kind of pages runs in the browser: reports, and the pages of `pipeline ui`. */
const bundle = (from, to) =>
  failureOf(
    tool('rolldown', 'bin', 'cli.mjs'),
    join(root, 'src', 'surface', 'client', from),
    ...['--platform', 'browser', '--format', 'iife', '--minify', '--file', to],
  );

/** Builds when needed. Emits into a folder of its own and renames it, so that a second process never sees half a build. */
export function ensureBuilt() {
  if (!existsSync(join(root, 'src'))) return; // an installed package carries dist/ only
  const now = picture();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  const fresh = join(root, `.dist-${process.pid}`);
  const failure =
    compile(fresh) ??
    bundle('main.ts', join(fresh, 'surface', 'client.js')) ??
    bundle('ui.ts', join(fresh, 'surface', 'ui.js'));
  if (failure !== undefined) {
    rmSync(fresh, {recursive: true, force: true});
    process.stderr.write(`pipeline: compiling src/ failed\n${failure}`);
    process.exit(70);
  }
  // What the browser, and a C++ compiler, get as it is.
  for (const folder of [join('surface', 'web', 'assets'), join('core', 'engine', 'torch', 'native')])
    cpSync(join(root, 'src', folder), join(fresh, folder), {recursive: true});
  writeFileSync(join(fresh, '.stamp'), now);
  const old = join(root, `.dist-old-${process.pid}`);
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
  try {
    renameSync(fresh, join(root, 'dist'));
  } catch {
    rmSync(fresh, {recursive: true, force: true}); // another process was first, with the same sources
  }
  rmSync(old, {recursive: true, force: true});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureBuilt();
