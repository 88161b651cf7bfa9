import {unreachable} from '../../core/base/result.ts';
import {printable} from '../../core/base/screen.ts';
import type {RunEvent} from '../../pipeline/events.ts';
import type {Output, Reporter} from './contract.ts';
import {
  engineText,
  failureText,
  progressText,
  runFinishedText,
  Skips,
  stageFinishedText,
  startedText,
  warningText,
} from './lines.ts';

/** Seconds between two progress lines of one stage: a log of a night's run stays readable. */
const quietFor = 15;

/** One line an event, for CI and pipes. Cached stages are only counted: a thousand hits are one number at the end. */
export function plainReporter(output: Output): Reporter {
  let stages = 0;
  let settled = 0;
  const lastProgress = new Map<string, number>();
  const labels = new Map<string, string>();
  const skips = new Skips();
  const line = (text: string) => output.write(`${text}\n`);
  const counter = () => `[${String(settled).padStart(String(stages).length)}/${stages}]`;

  return {
    event(event: RunEvent): void {
      const skipped = event.type === 'stage-skipped' ? skips.add(event) : skips.take();
      if (skipped !== undefined) line(`${counter()} – ${skipped}`);
      switch (event.type) {
        case 'run-started':
          stages = event.stages;
          line(`${printable(event.spec)}: ${startedText(event)}`);
          return;
        case 'engine-started':
          line(engineText(event));
          if (event.engine.remark) line(`note: ${printable(event.engine.remark)}`);
          return;
        case 'stage-started':
          labels.set(event.stage, printable(event.label));
          lastProgress.set(event.stage, Date.parse(event.at));
          return;
        case 'stage-progress': {
          const now = Date.parse(event.at);
          if (now - (lastProgress.get(event.stage) ?? Number.NEGATIVE_INFINITY) < quietFor * 1000) return;
          lastProgress.set(event.stage, now);
          line(`${counter()} … ${printable(event.label)}: ${progressText(event.progress)}`);
          return;
        }
        case 'stage-finished':
          settled++;
          if (event.how === 'computed') line(`${counter()} ✓ ${printable(event.label)}: ${stageFinishedText(event)}`);
          return;
        case 'stage-failed':
          settled++;
          line(`${counter()} ✗ ${printable(event.label)}: ${failureText(event)}`);
          return;
        case 'stage-skipped':
          settled++;
          return;
        case 'note':
          line(printable(event.message));
          return;
        case 'warning':
          line(`warning: ${printable(warningText(event, event.stage && labels.get(event.stage)))}`);
          return;
        case 'run-finished':
          line(runFinishedText(event));
          return;
        default:
          unreachable(event);
      }
    },
    close: () => {},
  };
}
