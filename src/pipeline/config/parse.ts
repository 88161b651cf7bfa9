/** YAML text → plain value, and the place of every path in it. */
import type {Document, Node} from 'yaml';
import {isScalar, parseAllDocuments, stringify} from 'yaml';
import {fail, type Result, succeed} from '../../core/base/result.ts';
import type {Path} from '../../core/plugin/check.ts';
import type {Problem, SourceRange} from '../failures.ts';
import {lineEnd, problemsOf} from './syntax.ts';
import {maxDepth, Tree} from './tree.ts';

/** A file that was read: plain JSON-like value (strings, finite or infinite numbers, booleans, null, lists, mappings). */
export interface Source {
  /** As the user named it. */
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
  /** The place of a path, or of its nearest ancestor that is in the file; undefined for the whole file. */
  locate(path: Path, at: 'key' | 'value'): SourceRange | undefined;
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
  if (broken.length > 0) return fail(...problemsOf(broken, text, problem));
  const [document, second] = documents;
  if (!document?.contents || (isScalar(document.contents) && document.contents.value === null))
    return fail(problem('the file is empty', undefined, emptyHint));
  if (second)
    return fail(
      problem(
        'expected one YAML document, but a second one starts here',
        startOf(second),
        'Put each pipeline in its own file.',
      ),
    );

  const tree = new Tree(document, problem);
  const value = tree.value();
  if (tree.problems.length > 0) return fail(...tree.problems);
  return succeed({file, text, value, locate: (path, at) => tree.locate(path, at, range)});
}

/** A value as YAML, written out in full: an anchor may mean parts that are to differ. */
export const yamlText = (value: unknown): string => stringify(value, {aliasDuplicateObjects: false});

/** One YAML value, as given to `--set`; undefined if it is not one. */
export function parseValue(text: string): {readonly value: unknown} | undefined {
  const source = parseSource(`value: ${text}`, '');
  if (!source.ok) return undefined;
  const {value, ...more} = source.value.value as {[key: string]: unknown};
  return Object.keys(more).length > 0 ? undefined : {value};
}

const emptyHint =
  'A pipeline needs at least a dataset, a learner and classifiers; pipelines/quickstart.yaml is an example.';

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

/** Counts lines by their line feeds, because the parser's own counter loses some after a mistake. */
function rangeOf(text: string, start: number, end: number): SourceRange {
  const offset = Math.min(start, text.length);
  const lineStart = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const whole = text.slice(lineStart, lineEnd(text, lineStart)).replace(/\r$/, '');
  const column = Math.min(offset - lineStart, whole.length);
  const written = whole.slice(column, column + Math.max(1, end - start)).trimEnd();
  const line = text.slice(0, lineStart).split('\n').length;
  return {line, column: column + 1, length: Math.max(1, written.length), text: whole};
}
