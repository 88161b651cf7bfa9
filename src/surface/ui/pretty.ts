import {unreachable} from '../../core/result.ts';
import {clipTo, columnsOf, paintFor, printable} from '../../core/screen.ts';
import {count, duration} from '../../core/text.ts';
import type {RunEvent, StageProgress} from '../../pipeline/events.ts';
import {
  engineText,
  failureText,
  progressShare,
  progressText,
  runFinishedText,
  Skips,
  stageFinishedText,
  startedText,
  warningText,
} from './lines.ts';
import type {Output, Reporter} from './reporter.ts';

interface Running {
  readonly label: string;
  readonly since: number;
  progress?: StageProgress;
}

/** Redrawn no oftener than this: a terminal over ssh must not be flooded. */
const frame = 100;
/** And no rarer than this while the run lasts: clocks that stand still look like a hang. Milliseconds. */
const tick = 1000;

/**
 * Live view: finished stages scroll by, running ones stay at the bottom with a bar, then one line of totals. Rewrites its
 * own last lines only, so what scrolled by stays in the terminal's history.
 */
export function prettyReporter(output: Output): Reporter {
  const running = new Map<string, Running>();
  const skips = new Skips();
  const tally = {computed: 0, cached: 0, failed: 0, skipped: 0};
  let stages = 0;
  let started = 0;
  let now = 0;
  let lastDraw = 0;
  let drawn: readonly string[] = [];
  let clock: NodeJS.Timeout | undefined;

  const paint = paintFor(output);
  const width = () => output.columns || 80;
  const bar = (share: number) => meter(share, width() < 60 ? 8 : 16);

  /** The running stages in as many rows as there are: two lines each, or one, or one for those that have no room. */
  const runningLines = (room: number): readonly string[] => {
    const all = [...running.values()];
    const mark = spinner(now);
    const texts = all.map(({label, since, progress}) => {
      const share = progress && progressShare(progress);
      const done = share === undefined ? '' : `${bar(share)} `;
      return {head: `${mark} ${label}`, detail: progress ? `${done}${progressText(progress)}` : clockOf(since)};
    });
    const two = texts.flatMap(({head, detail}, i) =>
      all[i]!.progress ? [head, `  ${detail}`] : [`${head}  ${detail}`],
    );
    if (two.length <= room) return two;
    const one = texts.map(({head, detail}) => `${head}  ${detail}`);
    if (one.length <= room) return one;
    const shown = Math.max(0, room - 1);
    return [...one.slice(0, shown), `  … and ${count(one.length - shown)} more running`];
  };

  const clockOf = (since: number) => duration(Math.max(0, now - since) / 1000);

  const live = (): readonly string[] => {
    if (stages === 0) return [];
    const {computed, cached, failed, skipped} = tally;
    const settled = computed + cached + failed + skipped;
    const totals = [
      `${count(settled)}/${count(stages)} stages`,
      ...(cached > 0 ? [`${count(cached)} cached`] : []),
      ...(failed > 0 ? [`${count(failed)} failed`] : []),
      ...(skipped > 0 ? [`${count(skipped)} skipped`] : []),
      clockOf(started),
    ].join(' · ');
    // One row stays free for the cursor, and one for a line above: what is higher than the screen can't be erased.
    const room = Math.max(1, (output.rows || 24) - 3);
    const lines = [...runningLines(room), `${bar(settled / stages)} ${totals}`];
    return lines.map((line) => clipTo(line, width() - 1));
  };

  /** From wherever the cursor is in its row (the terminal itself may have written `^C`) to above the live lines. */
  const erase = (): string => {
    if (drawn.length === 0) return '';
    // A terminal that was made narrower since has broken the lines.
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(columnsOf(line) / width())), 0);
    return `\r\u001b[${rows}A\u001b[0J`;
  };

  /** Writes `above` for good and redraws the live lines below it. */
  const draw = (above: readonly string[] = []): void => {
    const gone = erase();
    drawn = live();
    output.write(`${gone}${[...above, ...drawn].map((line) => `${line}\n`).join('')}`);
    lastDraw = now;
  };

  /** Ends the live view, whatever was running. */
  const end = (last: readonly string[] = []): void => {
    clearInterval(clock);
    stages = 0;
    if (drawn.length + last.length > 0) draw(last);
  };

  return {
    event(event: RunEvent): void {
      now = Date.parse(event.at);
      const skipped = event.type === 'stage-skipped' ? skips.add(event) : skips.take();
      if (skipped !== undefined) draw([paint('dim', `– ${skipped}`)]);
      switch (event.type) {
        case 'run-started':
          stages = event.stages;
          started = now;
          draw([`${paint('bold', printable(event.spec))}  ${startedText(event)}`]);
          clock = setInterval(() => {
            now = Date.now();
            draw();
          }, tick).unref();
          return;
        case 'engine-started': {
          const {remark} = event.engine;
          draw([engineText(event), ...(remark ? [paint('yellow', `note: ${printable(remark)}`)] : [])]);
          return;
        }
        case 'stage-started':
          running.set(event.stage, {label: printable(event.label), since: now});
          draw();
          return;
        case 'stage-progress': {
          const stage = running.get(event.stage);
          if (stage) stage.progress = event.progress;
          if (now - lastDraw >= frame) draw();
          return;
        }
        case 'stage-finished':
          running.delete(event.stage);
          tally[event.how]++;
          if (event.how === 'computed')
            draw([`${paint('green', '✓')} ${printable(event.label)}  ${paint('dim', stageFinishedText(event))}`]);
          else if (now - lastDraw >= frame) draw();
          return;
        case 'stage-failed':
          running.delete(event.stage);
          tally.failed++;
          draw([`${paint('red', '✗')} ${printable(event.label)}: ${failureText(event)}`]);
          return;
        case 'stage-skipped':
          tally.skipped++;
          return;
        case 'note':
          draw([paint('dim', printable(event.message))]);
          return;
        case 'warning': {
          const label = event.stage === undefined ? undefined : running.get(event.stage)?.label;
          draw([`${paint('yellow', '!')} ${printable(warningText(event, label))}`]);
          return;
        }
        case 'run-finished':
          end([runFinishedText(event)]);
          return;
        default:
          unreachable(event);
      }
    },
    close: () => end(),
  };
}

const meter = (share: number, width: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
};

const spinner = (now: number): string => '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'[Math.floor(now / 120) % 10]!;
