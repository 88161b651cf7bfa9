import {unreachable} from '../../core/base/result.ts';
import {printable} from '../../core/base/screen.ts';
import {Ending} from '../../pipeline/ending/ending.ts';
import type {RunEvent} from '../../pipeline/events.ts';
import type {Output, Reporter, ShownRun} from './contract.ts';
import {
  endsText,
  engineText,
  failureText,
  progressText,
  runFinishedText,
  Skips,
  stageFinishedText,
  startedText,
} from './lines.ts';
import {Warnings} from './warnings.ts';

/** Seconds between two progress lines of one stage: a log of a night's run stays readable. */
const quietFor = 15;

/** One line an event, for CI and pipes. Cached stages are only counted: a thousand hits are one number at the end. */
/** `run`: for when it may end. */
export function plainReporter(output: Output, run?: ShownRun): Reporter {
  const ending = run && new Ending(run.graph, run.search);
  let stages = 0;
  let settled = 0;
  const lastProgress = new Map<string, number>();
  const begun = new Map<string, {readonly kind: string; readonly label: string}>();
  const warnings = new Warnings();
  const skips = new Skips();
  const line = (text: string) => output.write(`${text}\n`);
  const counter = () => `[${String(settled).padStart(String(stages).length)}/${stages}]`;

  return {
    event(event: RunEvent): void {
      ending?.hear(event);
      const skipped = event.type === 'stage-skipped' ? skips.add(event) : skips.take();
      if (skipped !== undefined) line(`${counter()} – ${skipped}`);
      switch (event.type) {
        case 'run-started':
          stages = event.stages;
          line(`${printable(event.spec)}: ${startedText(event)}`);
          return;
        case 'plan-grown':
          stages += event.stages.length;
          return;
        case 'engine-started':
          line(engineText(event));
          if (event.engine.remark) line(`note: ${printable(event.engine.remark)}`);
          return;
        case 'stage-queued':
          return;
        case 'stage-started':
          if (begun.size === 0) void run?.past?.().then((stages) => ending?.learn(stages));
          begun.set(event.stage, {kind: event.kind, label: event.label});
          lastProgress.set(event.stage, Date.parse(event.at));
          return;
        case 'stage-progress': {
          const now = Date.parse(event.at);
          if (now - (lastProgress.get(event.stage) ?? Number.NEGATIVE_INFINITY) < quietFor * 1000) return;
          lastProgress.set(event.stage, now);
          const left = ending?.secondsLeft(now);
          const ends = left === undefined ? '' : ` · the run ${endsText(left)}`;
          line(`${counter()} … ${printable(event.label)}: ${progressText(event.progress)}${ends}`);
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
        case 'warning': {
          const said = warnings.add({message: event.message, stage: begun.get(event.stage ?? '')});
          if (said !== undefined) line(`warning: ${printable(said)}`);
          return;
        }
        case 'run-finished':
          for (const said of warnings.rest((kind) => [...begun.values()].filter((one) => one.kind === kind).length))
            line(`warning: ${printable(said)}`);
          line(runFinishedText(event));
          return;
        default:
          unreachable(event);
      }
    },
    close: () => {},
  };
}
