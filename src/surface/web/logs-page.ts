/** What a run has said: the lines that `--plain` prints, and the logs of its jobs and of a detached run. */
import {closeSync, fstatSync, readSync} from 'node:fs';
import {basename} from 'node:path';
import {openToRead} from '../../core/base/files.ts';
import {linesOf} from '../../core/base/follow.ts';
import {printable} from '../../core/base/screen.ts';
import {count} from '../../core/base/text.ts';
import {type Log, logsOf} from '../../pipeline/cluster/logs.ts';
import {eventsFile} from '../../pipeline/store/runs/run-record.ts';
import {eventOf} from '../../pipeline/store/runs/shape.ts';
import {html, type Markup} from '../html.ts';
import {plainReporter} from '../live/plain.ts';
import type {Page} from './page.ts';

/** Lines of the run, and logs, that are shown. */
const most = {lines: 400, logs: 200};
/** Of the end of a log, in bytes. */
const tail = 64 * 1024;

export async function logsPage(folder: string): Promise<Page> {
  const lines: string[] = [];
  const reporter = plainReporter({write: (text) => lines.push(text)});
  for await (const line of linesOf(eventsFile(folder))) {
    const event = line.includes('"type":"stage-progress"') ? undefined : eventOf(line);
    if (event) reporter.event(event);
  }
  const left = lines.length - most.lines;
  const logs = logsOf(folder, undefined);
  const run = basename(folder);
  return {
    title: 'Logs',
    body: html`<h1>Logs</h1><p><a href="/runs/${run}">Run ${run}</a></p>
<div id="part"><h3>What the run has said</h3>
${left > 0 && html`<p class="muted">The last ${count(most.lines)} of ${count(lines.length)} lines; <code>events.ndjson</code> has all.</p>`}
<pre tabindex="0">${lines.slice(-most.lines).join('') || 'Nothing yet.'}</pre>
${logs.length > 0 && html`<h3>Logs of its jobs</h3>${logs.slice(0, most.logs).map(logView)}`}
${logs.length > most.logs && html`<p>… and ${count(logs.length - most.logs)} more: <code>pipeline logs ${run}</code></p>`}</div>`,
  };
}

/** Its end, folded. */
export function logView({path, title}: Log): Markup {
  return html`<details><summary>${title}</summary><pre>${printable(endOf(path)) || 'It is empty.'}</pre></details>`;
}

function endOf(path: string): string {
  try {
    const file = openToRead(path);
    try {
      const {size} = fstatSync(file);
      const text = Buffer.alloc(Math.min(size, tail));
      const read = readSync(file, text, 0, text.length, size - text.length);
      return `${size > tail ? '…\n' : ''}${text.toString('utf8', 0, read)}`;
    } finally {
      closeSync(file);
    }
  } catch {
    return 'It cannot be read.';
  }
}
