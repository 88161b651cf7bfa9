/** YAML file → plain value, and the place of every path in it. The only importer of `yaml`. */
import {readdir, readFile, stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import type {Document, Node, YAMLMap} from 'yaml';
import {isAlias, isCollection, isMap, isPair, isScalar, isSeq, parseAllDocuments} from 'yaml';
import type {Result} from '../../core/base/result.ts';
import {fail, succeed} from '../../core/base/result.ts';
import {bytes, count, nearest} from '../../core/base/text.ts';
import type {Path} from '../../core/plugin/check.ts';
import type {Problem, SourceRange} from '../failures.ts';
import {explain, lineEnd, type MakeProblem} from './syntax.ts';

/** A file that was read: plain JSON-like value (strings, finite or infinite numbers, booleans, null, lists, mappings). */
export interface Source {
  /** As the user named it. */
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
  /** The place of a path, or of its nearest ancestor that is in the file; undefined for the whole file. */
  locate(path: Path, at: 'key' | 'value'): SourceRange | undefined;
}

/** Specs are written by hand: what is larger is another file, named by mistake. */
const maxBytes = 1_000_000;
/** Values after aliases are expanded: "billion laughs" stops here. */
const maxValues = 100_000;
const maxDepth = 100;

export async function readSource(file: string): Promise<Result<Source, Problem>> {
  try {
    const info = await stat(file);
    if (info.isDirectory()) return fail(await isDirectory(file));
    if (!info.isFile()) return fail({message: `${file} is not a file`, hint: 'Name a pipeline file (YAML).'});
    if (info.size > maxBytes)
      return fail({
        message: `${file} has ${bytes(info.size)}; a pipeline file has at most ${bytes(maxBytes)}`,
        hint: 'Is it the right file? Pipeline files are short YAML texts, such as pipelines/quickstart.yaml.',
      });
    const content = await readFile(file);
    try {
      return parseSource(new TextDecoder('utf-8', {fatal: true}).decode(content), file);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return fail(notUtf8(content, file));
    }
  } catch (error) {
    return fail(await cannotRead(file, error as NodeJS.ErrnoException));
  }
}

export function parseSource(text: string, file: string): Result<Source, Problem> {
  const range = (offset: number, end: number): SourceRange => rangeOf(text, offset, end);
  const problem = (message: string, at?: readonly [number, number], hint?: string): Problem => ({
    message,
    file,
    ...(at && {range: range(...at)}),
    ...(hint && {hint}),
  });

  if (nests(text)) return fail(problem('the values are nested too deeply'));
  let documents: readonly Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, {
      prettyErrors: false,
      version: '1.2',
      resolveKnownTags: false,
      uniqueKeys: false, // quadratic in the parser; we look ourselves
      stringKeys: false,
      logLevel: 'silent',
    });
    documents = 'empty' in parsed ? [] : parsed;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the parser's stack, not ours
    return fail(problem('the values are nested too deeply'));
  }
  const broken = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  if (broken.length > 0) return fail(...explain(broken, text, problem));
  const [document, second] = documents;
  if (!document?.contents || (isScalar(document.contents) && document.contents.value === null))
    return fail(problem('the file is empty', undefined, emptyHint));
  if (second)
    return fail(
      problem(
        'expected one YAML document, but a second one starts here',
        startOf(second),
        'Put each pipeline in a file of its own.',
      ),
    );

  const tree = new Tree(document, problem);
  const value = tree.value();
  if (tree.problems.length > 0) return fail(...tree.problems);
  return succeed({file, text, value, locate: (path, at) => tree.locate(path, at, range)});
}

/** One YAML value, as given to `--set`; undefined when it is none. */
export function parseValue(text: string): {readonly value: unknown} | undefined {
  const source = parseSource(`value: ${text}`, '');
  if (!source.ok) return undefined;
  const {value, ...more} = source.value.value as {[key: string]: unknown};
  return Object.keys(more).length > 0 ? undefined : {value};
}

const emptyHint =
  'A pipeline needs at least a dataset, a learner and classifiers; pipelines/quickstart.yaml is an example.';

type Entries = Map<string, {key: Node; value: Node | undefined}>;

/** A document's nodes: converts them to plain values (aliases and `<<` resolved) and finds paths in them. */
class Tree {
  readonly problems: Problem[] = [];
  readonly #root: Node;
  readonly #problem: MakeProblem;
  readonly #targets = new Map<Node, Node>();
  readonly #found = new Map<YAMLMap, Entries>();
  #values = 0;

  constructor(document: Document.Parsed, problem: MakeProblem) {
    this.#root = document.contents as Node;
    this.#problem = problem;
    this.#resolveAliases(this.#root, new Map(), 0);
  }

  value(): unknown {
    return this.problems.length > 0 ? undefined : this.#convert(this.#root, new Set());
  }

  locate(path: Path, at: 'key' | 'value', range: (start: number, end: number) => SourceRange): SourceRange | undefined {
    let node = this.#root;
    let found: Node | undefined;
    for (const [depth, part] of path.entries()) {
      const inside = this.#target(node);
      const entry = isMap(inside)
        ? this.#remembered(inside).get(String(part))
        : isSeq(inside)
          ? {key: undefined, value: inside.items[Number(part)] as Node | undefined}
          : undefined;
      if (!entry?.value) break;
      node = entry.value;
      const last = depth === path.length - 1;
      // An empty value (`epochs:`) has no place of its own, and a mapping's first line says less than its key.
      const keyIsBetter = (last && at === 'key') || isEmpty(node) || (isCollection(node) && !node.flow);
      found = entry.key && keyIsBetter ? entry.key : node;
    }
    const [start, end] = found?.range ?? [];
    return start === undefined || end === undefined ? undefined : range(start, end);
  }

  // Document order matters: an anchor may be defined twice, and an alias means the last one before it.
  #resolveAliases(node: unknown, anchors: Map<string, Node>, depth: number): void {
    if (depth > maxDepth) {
      if (this.problems.length === 0) this.#report('the values are nested too deeply', node as Node);
      return;
    }
    if (isPair(node)) {
      this.#checkKey(node.key as Node);
      this.#resolveAliases(node.key, anchors, depth + 1);
      this.#resolveAliases(node.value, anchors, depth + 1);
    } else if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) this.#targets.set(node, target);
      else {
        const meant = nearest(node.source, anchors.keys());
        const hint = meant ? `Did you mean "*${meant}"?` : 'An anchor (&name) must stand before its aliases (*name).';
        this.#report(`there is no anchor "&${node.source}" before this alias`, node, hint);
      }
    } else if (isCollection(node) || isScalar(node)) {
      if (node.anchor) anchors.set(node.anchor, node);
      if (isMap(node)) this.#checkTwice(node);
      if (isCollection(node)) for (const item of node.items) this.#resolveAliases(item, anchors, depth + 1);
    }
  }

  #checkTwice(map: YAMLMap): void {
    const seen = new Set<string>();
    for (const {key} of map.items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (seen.has(name))
        this.#report(`the key ${JSON.stringify(name)} is here twice`, key as Node, 'Remove one of the two.');
      seen.add(name);
    }
  }

  #checkKey(key: Node): void {
    if (!isScalar(key)) this.#report('expected a key to be a plain text', key);
    else if (['__proto__', 'constructor', 'prototype'].includes(String(key.value)))
      this.#report(`"${key.value}" cannot be a key`, key, 'JavaScript gives this name a meaning of its own.');
  }

  #convert(node: Node | null | undefined, open: Set<Node>): unknown {
    if (!node) return null;
    if (++this.#values > maxValues) {
      if (this.problems.length === 0)
        this.#report(
          `the file's aliases expand to more than ${count(maxValues)} values`,
          [...open].at(-1) ?? node,
          'Aliases of aliases multiply; write fewer of them.',
        );
      return undefined;
    }
    const target = this.#target(node);
    if (isScalar(target)) {
      if (typeof target.value === 'number' && !Number.isFinite(target.value))
        this.#report('expected a finite number', node, 'Options are kept as JSON, which has no .inf and no .nan.');
      return target.value;
    }
    if (open.has(target)) {
      this.#report('this alias contains itself', node);
      return undefined;
    }
    open.add(target);
    let value: unknown;
    if (isSeq(target)) value = target.items.map((item) => this.#convert(item as Node, open));
    else {
      const entries = [...this.#entries(target as YAMLMap, true)];
      value = Object.fromEntries(entries.map(([key, entry]) => [key, this.#convert(entry.value, open)]));
    }
    open.delete(target);
    return value;
  }

  /** A mapping's entries with those that `<<` brings in; what is written here wins, then the earlier of the merged. */
  #entries(map: YAMLMap, report = false, open: readonly Node[] = []): Entries {
    const own: Entries = new Map();
    const merged: Entries = new Map();
    for (const {key, value} of map.items as {key: Node; value: Node | undefined}[]) {
      const name = isScalar(key) ? String(key.value) : '';
      if (name !== '<<') {
        own.set(name, {key, value});
        continue;
      }
      const source = value && this.#target(value);
      for (const item of isSeq(source) ? (source.items as Node[]) : [value]) {
        const from = item && this.#target(item);
        if (isMap(from) && !open.includes(from) && from !== map) {
          for (const [inner, entry] of this.#entries(from, report, [...open, map]))
            if (!merged.has(inner)) merged.set(inner, entry);
        } else if (report) {
          const message = isMap(from) ? 'this alias contains itself' : 'expected "<<" to be an alias of a mapping';
          this.#report(message, item ?? key);
        }
      }
    }
    for (const [name, entry] of merged) if (!own.has(name)) own.set(name, entry);
    return own;
  }

  /** A file with many problems asks for the same mappings again and again. */
  #remembered(map: YAMLMap): Entries {
    const entries = this.#found.get(map) ?? this.#entries(map);
    this.#found.set(map, entries);
    return entries;
  }

  #target(node: Node): Node {
    return this.#targets.get(node) ?? node;
  }

  #report(message: string, node: Node, hint?: string): void {
    const [start, end] = node?.range ?? [];
    const at = start === undefined || end === undefined ? undefined : ([start, end] as const);
    this.problems.push(this.#problem(message, at, hint));
  }
}

const isEmpty = (node: Node): boolean => isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1];

const startOf = (document: Document.Parsed): readonly [number, number] => {
  const start = (document.contents as Node | null)?.range?.[0] ?? document.range[0];
  return [start, start + 1];
};

/**
 * Thousands of open brackets (or of dashes on one line) overflow the parser's stack, at worst within the regular expression
 * engine, which ends the process. Brackets in texts count too; no text has so many that are never closed.
 */
function nests(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (depth > 10 * maxDepth) return true;
  }
  return new RegExp(`^ *(?:[-?:] +){${maxDepth}}`, 'm').test(text);
}

/** Lines by their line feeds: the parser's own counter loses some after a mistake. */
function rangeOf(text: string, start: number, end: number): SourceRange {
  const offset = Math.min(start, text.length);
  const lineStart = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const whole = text.slice(lineStart, lineEnd(text, lineStart)).replace(/\r$/, '');
  const column = Math.min(offset - lineStart, whole.length);
  const written = whole.slice(column, column + Math.max(1, end - start)).trimEnd();
  const line = text.slice(0, lineStart).split('\n').length;
  return {line, column: column + 1, length: Math.max(1, written.length), text: whole};
}

function notUtf8(bytes: Buffer, file: string): Problem {
  const hint = 'Save the file as UTF-8.';
  const text = bytes.toString('utf8');
  const offset = text.indexOf('\uFFFD');
  if (offset < 0 || text.includes('\0')) return {message: `${file} is not UTF-8 text`, hint};
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const whole = text.slice(lineStart, lineEnd(text, offset)).replace(/\r$/, '');
  const line = before.split('\n').length;
  const range = {line, column: offset - lineStart + 1, length: 1, text: whole};
  return {message: 'this character is not UTF-8', file, range, hint};
}

async function isDirectory(file: string): Promise<Problem> {
  const specs = await specsIn(file);
  const hint =
    specs.length > 0
      ? `It holds ${specs
          .slice(0, 8)
          .map((name) => join(file, name))
          .join(', ')}.`
      : 'It holds no *.yaml file.';
  return {message: `${file} is a folder, expected a pipeline file`, hint};
}

async function cannotRead(file: string, error: NodeJS.ErrnoException): Promise<Problem> {
  if (error.code === 'EACCES')
    return {message: `${file} may not be read (permission denied)`, hint: 'Check its permissions.'};
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')
    return {message: `${file} cannot be read: ${error.code ?? error.message}`};
  const folder = dirname(file);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    return {message: `there is no file ${file}`, hint: `There is no folder ${folder}.`};
  const specs = await specsIn(folder);
  const meant = nearest(basename(file), specs) ?? nearest(`${basename(file)}.yaml`, specs);
  const hint = meant
    ? `Did you mean ${join(folder, meant)}?`
    : specs.length > 0
      ? `${folder === '.' ? 'This folder' : folder} holds ${specs.slice(0, 12).join(', ')}.`
      : undefined;
  return {message: `there is no file ${file}`, ...(hint && {hint})};
}

async function specsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /\.ya?ml$/.test(name)).sort();
}
