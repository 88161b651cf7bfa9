/** Parts of reports, drawn in a process of their own: charts and pictures take seconds, in which the server would answer nobody. */
import {fork} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {compiledUrl} from '../../core/base/compiled.ts';
import {fail, type Result} from '../../core/base/result.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {ReportParts} from '../report/page.ts';

export interface PartsQuestion {
  /** `runs/`, absolute. */
  readonly runs: string;
  /** Its id. */
  readonly run: string;
  /** Whether tasks are looked at closely, which takes most of the time. */
  readonly closely: boolean;
}

/** Ends the process when the signal is aborted. */
export function drawApart(question: PartsQuestion, signal: AbortSignal): Promise<Result<ReportParts, Problem>> {
  const entry = fileURLToPath(new URL('./parts-process.js', compiledUrl(import.meta.url)));
  const child = fork(entry, {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    signal,
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  return new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as Result<ReportParts, Problem>));
    child.once('error', ({message}) => resolve(fail({message})));
    child.once('exit', () =>
      resolve(fail({message: said.trim() || 'drawing has ended without a word', hint: 'Try "pipeline report".'})),
    );
    child.send(question);
  });
}
