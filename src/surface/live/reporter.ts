import {printable} from '../../core/base/screen.ts';
import type {Output, Reporter, ShownRun} from './contract.ts';
import {failureText} from './lines.ts';
import {plainReporter} from './plain.ts';
import {prettyReporter} from './pretty.ts';

export type ReporterKind = 'auto' | 'plain' | 'json' | 'quiet';

/**
 * `auto` draws a live view in a terminal that can move its cursor, and writes plain lines elsewhere. `quiet` only writes failures, and
 * whom the run waits for, to `errors`. `run`: for a view by task.
 */
export function createReporter(
  kind: ReporterKind,
  output: Output,
  errors: Output,
  run: ShownRun = {graph: []},
): Reporter {
  switch (kind) {
    case 'json':
      return {event: (event) => output.write(`${JSON.stringify(event)}\n`), close: () => {}};
    case 'quiet':
      return {
        event: (event) => {
          if (event.type === 'stage-failed') errors.write(`✗ ${printable(event.label)}: ${failureText(event)}\n`);
          else if (event.type === 'warning' && event.wait) errors.write(`${printable(event.message)}\n`);
        },
        close: () => {},
      };
    case 'plain':
      return plainReporter(output, run);
    case 'auto':
      return output.isTTY && process.env['TERM'] !== 'dumb' ? prettyReporter(output, run) : plainReporter(output, run);
  }
}
