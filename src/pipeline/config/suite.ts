/** A pipeline file, or a suite and all that it names → the spec files to run, each once. */
import {realpath} from 'node:fs/promises';
import {basename, dirname, isAbsolute, join} from 'node:path';
import type {Issue} from '../../core/plugin/check.ts';
import {checkValue} from '../../core/plugin/check.ts';
import {type Schema, show} from '../../core/plugin/describe.ts';
import type {Problem} from '../failures.ts';
import {tableIssues} from './papers.ts';
import type {Source} from './parse.ts';
import {readSource} from './read.ts';
import {suiteShape} from './schema.ts';

/** A spec's file; `value` is its mapping. */
export interface SpecFile {
  readonly source: Source;
  readonly value: {readonly [key: string]: unknown};
  /** Table of the suite that it came from. */
  readonly table?: string;
}

export interface Opened {
  readonly name: string;
  readonly description?: string;
  readonly text: string;
  readonly specs: readonly SpecFile[];
  readonly warnings: readonly string[];
  readonly problems: readonly Problem[];
}

/** The specs that could be read, and the problems of the others: each spec of a suite is checked separately. */
export async function openFile(file: string): Promise<Opened> {
  const found: Found = {specs: new Map(), problems: [], warnings: []};
  const root = await readSource(file);
  if (!root.ok) return {name: stem(file), text: '', specs: [], warnings: [], problems: root.failures};
  await open(root.value, undefined, [await trueName(file)], found);
  const {name, description} = {...(root.value.value as object)} as {name?: unknown; description?: unknown};
  return {
    name: typeof name === 'string' ? name : stem(file),
    ...(typeof description === 'string' && {description}),
    text: root.value.text,
    specs: [...found.specs.values()],
    warnings: found.warnings,
    problems: found.problems,
  };
}

interface Found {
  /** By real path. */
  readonly specs: Map<string, SpecFile>;
  readonly problems: Problem[];
  readonly warnings: string[];
}

/** `chain` has the real paths from the root to this file: if a file appears again, it is a cycle. */
async function open(source: Source, table: string | undefined, chain: readonly string[], found: Found): Promise<void> {
  const {value} = source;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    found.problems.push({
      message: `expected a mapping such as "dataset: …", but got ${show(value)}`,
      file: source.file,
      ...withRange(source, {path: [], at: 'value', message: ''}),
    });
    return;
  }
  const mapping = value as {readonly [key: string]: unknown};
  if (!Object.hasOwn(mapping, 'suite')) {
    const file = chain.at(-1)!;
    if (found.specs.has(file)) found.warnings.push(`${source.file} is listed twice; it runs only once`);
    else found.specs.set(file, {source, value: mapping, ...(table !== undefined && {table})});
    return;
  }
  const checked = checkValue<{suite: readonly string[]; compare: {table?: string}}>(
    suiteShape as unknown as Schema,
    mapping,
    {path: [], noun: 'key', subject: 'a suite'},
  );
  const issues = [...checked.issues, ...tableIssues(checked.value.compare ?? {})];
  found.problems.push(...issues.map((issue) => toProblem(source, issue)));
  if (checked.issues.length > 0) return;
  const {suite, compare} = checked.value;
  for (const [i, entry] of suite.entries()) {
    const file = isAbsolute(entry) ? entry : join(dirname(source.file), entry);
    const inner = await readSource(file);
    const here: Issue = {path: ['suite', i], at: 'value', message: ''};
    if (!inner.ok) {
      // A problem without a place concerns the whole file; then the line of the suite is the place to change.
      for (const problem of inner.failures)
        found.problems.push(problem.file ? problem : {...problem, file: source.file, ...withRange(source, here)});
      continue;
    }
    const real = await trueName(file);
    if (chain.includes(real)) {
      const way = [...chain.slice(chain.indexOf(real)), real].map((step) => basename(step)).join(' → ');
      found.problems.push(toProblem(source, {...here, message: `this suite contains itself: ${way}`}));
      continue;
    }
    await open(inner.value, compare.table ?? table, [...chain, real], found);
  }
}

/** The name of a file without folder and `.yaml`, fit for ids. */
export const stem = (file: string): string =>
  basename(file)
    .replace(/\.ya?ml$/, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '') || 'pipeline';

export const toProblem = (source: Source, issue: Issue): Problem => ({
  message: issue.message,
  file: source.file,
  ...withRange(source, issue),
  ...(issue.hint && {hint: issue.hint}),
});

function withRange(source: Source, {path, at}: Issue): Pick<Problem, 'range'> {
  const range = source.locate(path, at);
  return range ? {range} : {};
}

const trueName = (file: string): Promise<string> => realpath(file).catch(() => file);
