import {readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Result} from '../../core/base/result.ts';
import {paintFor, printable} from '../../core/base/screen.ts';
import {shellWord} from '../../core/base/text.ts';
import type {DataRoots} from '../../core/contracts/dataset.ts';
import type {EngineChoice} from '../../core/engine/engines.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {renderProblems} from '../live/diagnostic.ts';
import type {Screen} from '../tables/table.ts';
import {exitCodes} from './exit-codes.ts';
import {eraseSign} from './sign-of-life.ts';

/** The package's own folder: its `package.json`, `schemas/`, `data/`. */
export const packageFolder = fileURLToPath(new URL('../../../', import.meta.url));

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {version: string}).version;

/** Options before or after any command. */
export interface Globals {
  readonly runs: string;
  readonly data?: string;
  readonly json: boolean;
  /** Address of a store that others share. */
  readonly store?: string;
}

/** What computes tensors, by how many threads an operation. */
export interface EngineOptions {
  readonly engine: EngineChoice;
  readonly threads: number;
}

/** The folders of a session. */
export const folders = (globals: Globals) => {
  const runs = resolve(globals.runs);
  return {runs, cache: join(runs, 'cache'), results: join(runs, 'results.duckdb')};
};

/** Where datasets are looked for, best first; fetched ones go into the first. */
export const dataRoots = (globals: Globals, report?: (message: string) => void): DataRoots => {
  const own = globals.data === undefined ? [] : [resolve(globals.data)];
  return {
    folders: [...own, resolve('data')],
    fetchInto: own[0] ?? resolve('data'),
    ...(report ? {report: (message) => report(printable(message))} : {}),
  };
};

/** How a user starts this command, for lines that are there to be copied. */
export const commandName = (): string => (process.env['npm_lifecycle_event'] === 'npx' ? 'npx pipeline' : 'pipeline');

export const out = (text: string): void => {
  eraseSign();
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};

export const err = (text: string): void => {
  eraseSign();
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
};

/** Of standard output: how wide it is and whether it has colours; empty if it is not a terminal. */
export const screen = (): Screen =>
  process.stdout.isTTY ? {columns: process.stdout.columns || 80, paint: paintFor(process.stdout)} : {};

/** Prints what is wrong with the user's input, and what did not happen because of it (`so`); the exit status for it. */
export function refuse(problems: readonly Problem[], so?: string): number {
  const {isTTY, columns} = process.stderr;
  const colour = isTTY === true && process.stderr.hasColors();
  err(renderProblems(problems, {colour, ...(columns && {width: columns}), ...(so && {so})}));
  return exitCodes.wrongInput;
}

/** Goes on with the value, or prints the problems. */
export const orRefuse = async <T>(
  result: Result<T, Problem>,
  next: (value: T) => number | Promise<number>,
  so?: string,
): Promise<number> => (result.ok ? next(result.value) : refuse(result.failures, so));

/** What a command about a run has to end with, to find it: ` --runs elsewhere`, if this one was told so. */
export const whereRunsAre = ({runs}: Globals): string =>
  process.argv.some((word) => /^--runs(=|$)/.test(word)) ? ` --runs ${shellWord(runs)}` : '';
