/**
 * The code of a user's own plug-ins: which files a module is made of, and what they contained when this process loaded them. A
 * process loads a module once and keeps it, whatever happens to its files: whoever names the code by its content must mean the
 * content that was loaded.
 */
import {existsSync, readFileSync, realpathSync, statSync} from 'node:fs';
import {hostname} from 'node:os';
import {dirname, extname, relative} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {type Digest, sha256} from '../base/canonical.ts';
import {compiledUrl} from '../base/compiled.ts';
import {stateOf} from '../base/files.ts';
import {messageOf} from '../base/thrown.ts';
import type {SourceFile} from '../contracts/dataset.ts';
import {resolveOwnPackage} from './own-package.ts';

export interface CodeFile extends SourceFile {
  readonly sha256: Digest;
  /** Its state (`stateOf`) when it was loaded, where it may be read later, at any moment of a stage: `import()`, `require`, `new URL`. */
  readonly late?: string;
}

/** A module of plug-ins, and the code that it must have; absent: it is ours, whose plug-ins have a `version` instead. */
export interface ModuleRef {
  readonly url: string;
  readonly code?: readonly CodeFile[];
}

/** A file of code is not the one that was loaded, or that the run began with. */
export class CodeChangedError extends Error {
  readonly hint =
    'Run it again: it then works with the code as it is, and takes from the cache what does not depend on it.';
}

/** What this process has loaded: path → content at that time. */
const loaded = new Map<string, Digest>();

/** A user's modules find this package by its name wherever they lie: the copy that runs. */
const ownEntries = {'one-class-pipeline': new URL('../../index.js', compiledUrl(import.meta.url)).href};
const hooks = new URL('./own-package.js', compiledUrl(import.meta.url));

/** A module that Node can't load, and what to do. */
export class ModuleError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

async function imported(url: string): Promise<unknown> {
  // Node 22.18 and later take the types out by themselves.
  if (/\.[cm]?ts$/.test(url) && !(process.features as {typescript?: unknown}).typescript)
    throw new ModuleError(
      `Node ${process.versions.node} does not load TypeScript`,
      'Use Node 22.18 or later, or compile the module and name the .js file.',
    );
  resolveOwnPackage(ownEntries, hooks);
  try {
    // A link is the file that it points to, whatever the loader makes of it.
    return await import(pathToFileURL(realpathSync(fileURLToPath(url))).href);
  } catch (error) {
    const hint = hintOf(messageOf(error));
    if (hint === undefined) throw error;
    throw new ModuleError(messageOf(error), hint);
  }
}

/** What to do about an error of Node's loader. */
function hintOf(message: string): string | undefined {
  const missing = /^Cannot find package '([^']+)'/.exec(message)?.[1];
  if (missing === 'pipeline') return "This package is called one-class-pipeline: import … from 'one-class-pipeline'.";
  if (missing !== undefined) return `Install it beside the module: npm install ${missing}.`;
  if (/^Cannot use import statement outside a module|^Unexpected token 'export'/.test(message))
    return 'Node takes the file for CommonJS: write "type": "module" into the package.json above it, or end its name with .mjs (.mts).';
  if (/strip-only mode/.test(message))
    return 'Node only takes types away: write without enum, namespace and parameter properties, or compile the file to JavaScript.';
  return undefined;
}

/** Imports a module and says what it is made of. Throws a `CodeChangedError` where that is not what lies on the disk. */
export async function loadModule(
  url: string,
): Promise<{readonly exports: unknown; readonly code: readonly CodeFile[]}> {
  const before = readCode(url);
  for (const {path, sha256} of before.files) {
    const had = loaded.get(path);
    if (had !== undefined && had !== sha256) throw new CodeChangedError(`${path} changed after it was loaded`);
  }
  const exports = await imported(url);
  const after = readCode(url);
  if (after.states !== before.states) {
    const other = before.files.find(
      ({path, sha256}, i) => after.files[i]?.path !== path || after.files[i].sha256 !== sha256,
    );
    throw new CodeChangedError(`${(other ?? before.files[0]!).path} changed while it was loaded`);
  }
  for (const {path, sha256} of before.files) loaded.set(path, sha256);
  return {exports, code: before.files};
}

/** Imports a module that must have this code. Throws a `CodeChangedError` where it has other code, a `ModuleError` where it is not. */
export async function loadSameModule({url, code}: ModuleRef): Promise<unknown> {
  if (!code) return await import(url);
  const path = fileURLToPath(url);
  if (!existsSync(path))
    throw new ModuleError(
      `${path}, a module of plug-ins, is not on ${hostname()}`,
      'Every host that computes stages must see it under the same path, such as on a shared file system.',
    );
  const {exports, code: found} = await loadModule(url);
  const changed = changedFile(code, found);
  if (changed !== undefined) throw new CodeChangedError(`${changed} changed after the run began`);
  return exports;
}

/** The path of the first file that differs; undefined: none does. */
function changedFile(expected: readonly CodeFile[], found: readonly CodeFile[]): string | undefined {
  const digests = new Map(found.map(({path, sha256}) => [path, sha256]));
  const other = expected.find(({path, sha256}) => digests.get(path) !== sha256);
  return (other ?? found.find(({path}) => expected.every((file) => file.path !== path)))?.path;
}

const modules = ['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx'];
const quotedPath = `(['"\`])((?:\\.{1,2}/|/|file:///)[^'"\`$]+)\\1`;
/** What is loaded with the module itself. */
const early = new RegExp(`\\b(?:from|import)\\s*${quotedPath}`, 'g');
/** What may be read when the code runs. */
const late = new RegExp(`\\b(?:import|require|new\\s+URL)\\s*\\(\\s*${quotedPath}`, 'g');

/**
 * A module and all that it names by a path, relative or absolute: code that it imports and files that it reads beside itself
 * (`new URL('./table.json', import.meta.url)`). Packages are not followed. Named relative to the module. `states` tells whether
 * one was written to, even if it was put back.
 */
function readCode(url: string): {readonly files: readonly CodeFile[]; readonly states: string} {
  const found = new Map<string, {readonly sha256: Digest; readonly state: string; late: boolean}>();
  const visit = (given: string, isLate: boolean): void => {
    if (!existsSync(given) || !statSync(given).isFile()) return;
    const path = realpathSync(given); // as Node does: what it imports lies beside the file, not beside a link to it
    const known = found.get(path);
    if (known && (!known.late || isLate)) return;
    const bytes = readFileSync(path);
    found.set(path, {sha256: sha256(bytes), state: stateOf(path).state, late: isLate});
    if (!modules.includes(extname(path))) return;
    const text = bytes.toString('utf8');
    const named = (pattern: RegExp): readonly string[] =>
      [...text.matchAll(pattern)].map(([, , to]) => fileURLToPath(new URL(to!, pathToFileURL(path))));
    for (const to of named(early)) visit(to, isLate);
    for (const to of named(late)) visit(to, true);
  };
  const entry = fileURLToPath(url);
  visit(entry, false);
  const folder = dirname(existsSync(entry) ? realpathSync(entry) : entry);
  return {
    files: [...found].map(([path, {sha256, state, late}]) => ({
      name: relative(folder, path).replaceAll('\\', '/'),
      path,
      sha256,
      ...(late && {late: state}),
    })),
    states: [...found].map(([path, {state}]) => `${path} ${state}`).join('\n'),
  };
}
