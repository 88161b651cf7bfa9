/**
 * Runs a user's query in a separate process, which can be killed: DuckDB ignores an interrupt while it computes one function
 * (`repeat('x', 3000000000)`), and until then this process could not answer anything else.
 */
import {fork} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {compiledUrl} from '../../../core/base/compiled.ts';
import {fail, type Result} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';
import type {ResultsOptions} from './database.ts';
import type {QueryLimits, QueryResult} from './select.ts';

export interface ApartLimits extends QueryLimits {
  /** Counted from when the statement begins; absent: no limit. */
  readonly seconds?: number;
}

export interface Question {
  readonly file: string;
  readonly sql: string;
  readonly limits: QueryLimits;
  readonly waitSeconds?: number;
}

export type Told =
  | {readonly type: 'report'; readonly message: string}
  /** The file is up to date and the statement begins: `seconds` count from now. */
  | {readonly type: 'begun'}
  | {readonly type: 'answer'; readonly answer: Result<QueryResult, Problem>}
  | {readonly type: 'thrown'; readonly message: string};

/** Bytes of memory that the process may use; checked only on systems with `/proc`. */
export const memoryLimit = 3e9;

/** Does what `Results.query` does, with the results in `file`. */
export function queryApart(
  file: string,
  sql: string,
  {seconds, ...limits}: ApartLimits,
  {waitSeconds, report}: ResultsOptions = {},
): Promise<Result<QueryResult, Problem>> {
  const entry = fileURLToPath(new URL('./apart-worker.js', compiledUrl(import.meta.url)));
  const child = fork(entry, [String(process.pid)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const end = (answer: Result<QueryResult, Problem>): void => {
      clearTimeout(timer);
      clearInterval(watch);
      child.kill('SIGKILL');
      resolve(answer);
    };
    const stopped = (why: string): void =>
      end(fail({message: `the query took more than ${why} and was stopped`, hint: 'Ask for less.'}));
    const watch = setInterval(() => {
      if (memoryOf(child.pid) > memoryLimit) stopped(`${memoryLimit / 1e9} GB of memory`);
    }, 50);
    child.on('message', (told: Told) => {
      switch (told.type) {
        case 'report':
          report?.(told.message);
          break;
        case 'begun':
          if (seconds !== undefined) timer ??= setTimeout(() => stopped(`${seconds} s`), 1000 * seconds);
          break;
        case 'answer':
          end(told.answer);
          break;
        case 'thrown':
          reject(new Error(told.message));
          end(fail({message: told.message}));
          break;
      }
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      end(fail({message: `the query ended the process that it ran in (${signal ?? `status ${code}`})`})),
    );
    child.send({file, sql, limits, ...(waitSeconds !== undefined && {waitSeconds})} satisfies Question);
  });
}

function memoryOf(pid: number | undefined): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return 1024 * Number(kilobytes ?? 0);
  } catch {
    return 0;
  }
}
