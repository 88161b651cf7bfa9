import {groupBy} from '../../core/base/group.ts';
import {unreachable} from '../../core/base/result.ts';
import {paintFor, printable} from '../../core/base/screen.ts';
import {count, duration} from '../../core/base/text.ts';
import {clipTo, columnsOf} from '../../core/base/width.ts';
import {Ending} from '../../pipeline/ending/ending.ts';
import {progressShare, type RunEvent, type StageKind, type StageProgress} from '../../pipeline/events.ts';
import type {Output, Reporter, ShownRun} from './contract.ts';
import {
  endsText,
  engineText,
  failureText,
  fittingProgress,
  queuedText,
  runFinishedText,
  Skips,
  stageFinishedText,
  startedText,
} from './lines.ts';
import {type SettledTask, TaskTree} from './tasks.ts';
import {Warnings} from './warnings.ts';

interface Running {
  readonly kind: StageKind;
  readonly label: string;
  readonly since: number;
  /** Of a cluster. */
  readonly node?: string;
  progress?: StageProgress;
  /** Losses of a training, as far as they were reported. */
  readonly losses: number[];
}

/** What goes on under one head: a task's own stages, or a stage that serves several. */
interface Branch {
  readonly head: string;
  readonly stages: readonly {readonly name: string; readonly stage: Running}[];
}

/** Redrawn no oftener than this: a terminal over ssh must not be flooded. */
const frame = 100;
/** The longest interval during a run, in milliseconds: clocks that stand still look like a hang. */
const tick = 1000;
/** Milliseconds between two guesses when the run ends: it may have thousands of stages. */
const guess = 2000;

/**
 * Live view: what goes on stands at the bottom, by task, with bars, and then one line of totals; what has ended scrolls by:
 * tasks with what they took and measured, and stages that serve several. Rewrites its own last lines only, so what scrolled
 * by stays in the terminal's history.
 */
export function prettyReporter(output: Output, {graph, search, past}: ShownRun): Reporter {
  const tree = new TaskTree(graph);
  const ending = new Ending(graph, search);
  let left: {readonly at: number; readonly seconds: number | undefined} | undefined;
  const running = new Map<string, Running>();
  /** Stages that wait for a place on a cluster, and why. */
  const queued = new Map<string, string | undefined>();
  const skips = new Skips();
  const warnings = new Warnings();
  /** Every stage that was begun. */
  const begun = new Map<string, {readonly kind: StageKind; readonly label: string}>();
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

  const branches = (): readonly Branch[] => {
    const groups = groupBy(running, ([stage]) => tree.ownerOf(stage) ?? stage);
    return [...groups].map(([key, members]) => {
      const [stage, first] = members[0]!;
      if (tree.ownerOf(stage) === undefined) return {head: first.label, stages: [{name: '', stage: first}]};
      const kinds = tree
        .kindsOf(key)
        .map(({kind, state}) => `${state === 'running' ? spinner(now) : glyphs[state]} ${kind}`);
      return {
        head: `${tree.nameOf(key)}  ${kinds.join('  ')}`,
        // What follows in a label is the task's, and so is a training's learner.
        stages: members.map(([, own]) => {
          const name = own.kind === 'learn' ? own.kind : own.label.split(' · ')[0];
          return {name: `${name} `, stage: own};
        }),
      };
    });
  };

  /** What goes on in as many rows as there are: in full, or a line a branch, or a line for those that have no room. */
  const runningLines = (room: number): readonly string[] => {
    const texts = branches().map(({head, stages}) => ({
      head: `${spinner(now)} ${head}`,
      details: stages.map(({name, stage}) => `${name}${detailOf(stage, width() - 3 - columnsOf(name))}`),
      progress: stages.some(({stage}) => stage.progress),
    }));
    const full = texts.flatMap(({head, details, progress}) => {
      // A clock does not need a separate line.
      const line = `${head}  ${details[0]}`;
      const brief = details.length === 1 && !progress && columnsOf(line) < width();
      return brief ? [line] : [head, ...details.map((detail) => `  ${detail}`)];
    });
    if (full.length <= room) return full;
    const one = texts.map(({head, details}) => `${head}  ${details.join(', ')}`);
    if (one.length <= room) return one;
    const shown = Math.max(0, room - 1);
    return [...one.slice(0, shown), `  … and ${count(one.length - shown)} more running`];
  };

  const detailOf = ({since, node, progress, losses}: Running, room: number): string => {
    const place = node === undefined ? '' : ` on ${node}`;
    if (!progress) return `${clockOf(since)}${place}`;
    const share = progressShare(progress);
    const done = share === undefined ? '' : `${bar(share)} `;
    return `${done}${fittingProgress(progress, losses, room - columnsOf(done) - columnsOf(place))}${place}`;
  };

  const clockOf = (since: number) => duration(Math.max(0, now - since) / 1000);

  const endText = (): readonly string[] => {
    if (!left || Math.abs(now - left.at) >= guess) left = {at: now, seconds: ending.secondsLeft(now)};
    return left.seconds === undefined ? [] : [endsText(left.seconds)];
  };

  const live = (): readonly string[] => {
    if (stages === 0) return [];
    const {computed, cached, failed, skipped} = tally;
    const settled = computed + cached + failed + skipped;
    const totals = [
      `${count(settled)}/${count(stages)} stages`,
      ...(queued.size > 0 ? [queuedText(queued.values())] : []),
      ...(cached > 0 ? [`${count(cached)} cached`] : []),
      ...(failed > 0 ? [`${count(failed)} failed`] : []),
      ...(skipped > 0 ? [`${count(skipped)} skipped`] : []),
      clockOf(started),
      ...endText(),
    ].join(' · ');
    // One row stays free for the cursor, and one for a line above: lines above the screen cannot be erased.
    const room = Math.max(1, (output.rows || 24) - 3);
    const lines = [...runningLines(room), `${bar(settled / stages)} ${totals}`];
    return lines.map((line) => clipTo(line, width() - 1));
  };

  /** After the line was cut to the width, because colours take no room in it. */
  const coloured = (line: string): string =>
    line
      .replaceAll('✓', paint('green', '✓'))
      .replaceAll('✗', paint('red', '✗'))
      .replaceAll(/█+/g, (full) => paint('cyan', full))
      .replaceAll(/░+/g, (empty) => paint('dim', empty));

  /** From wherever the cursor is in its row (the terminal itself may have written `^C`) to above the live lines. */
  const erase = (): string => {
    if (drawn.length === 0) return '';
    // If the terminal was made narrower, it has wrapped the lines.
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(columnsOf(line) / width())), 0);
    return `\r\u001b[${rows}A\u001b[0J`;
  };

  /** Writes `above` permanently and redraws the live lines below it. */
  const draw = (above: readonly string[] = []): void => {
    const gone = erase();
    drawn = live();
    output.write(`${gone}${[...above, ...drawn.map(coloured)].map((line) => `${line}\n`).join('')}`);
    lastDraw = now;
  };

  const taskLines = (settled: readonly SettledTask[]): readonly string[] =>
    settled.flatMap(({outcome, lines: [head, ...numbers]}) => [
      `${coloured(glyphs[outcome])} ${head}`,
      ...numbers.map((line) => `    ${line}`),
    ]);

  /** Ends the live view, even if stages are running. */
  const end = (last: readonly string[] = []): void => {
    clearInterval(clock);
    stages = 0;
    if (drawn.length + last.length > 0) draw(last);
  };

  return {
    event(event: RunEvent): void {
      now = Date.parse(event.at);
      ending.hear(event);
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
        case 'plan-grown':
          stages += event.stages.length;
          tree.grow(event);
          return;
        case 'engine-started': {
          const {remark} = event.engine;
          draw([engineText(event), ...(remark ? [paint('yellow', `note: ${printable(remark)}`)] : [])]);
          return;
        }
        case 'stage-queued':
          running.delete(event.stage); // of a job that was submitted again
          queued.set(event.stage, event.because);
          if (now - lastDraw >= frame) draw();
          return;
        case 'stage-started':
          if (begun.size === 0) void past?.().then((stages) => ending.learn(stages));
          begun.set(event.stage, {kind: event.kind, label: event.label});
          queued.delete(event.stage);
          running.set(event.stage, {
            kind: event.kind,
            label: printable(event.label),
            since: now,
            losses: [],
            ...(event.where && {node: printable(event.where.node)}),
          });
          tree.started(event.stage);
          draw();
          return;
        case 'stage-progress': {
          const stage = running.get(event.stage);
          if (!stage) return;
          stage.progress = event.progress;
          if (event.progress.of === 'training') stage.losses.push(event.progress.loss);
          if (now - lastDraw >= frame) draw();
          return;
        }
        case 'stage-finished': {
          running.delete(event.stage);
          queued.delete(event.stage);
          tally[event.how]++;
          const tasks = taskLines(tree.settled(event));
          const own = event.how === 'computed' && tree.ownerOf(event.stage) === undefined;
          const line = `${paint('green', '✓')} ${printable(event.label)}  ${paint('dim', stageFinishedText(event))}`;
          if (own || tasks.length > 0) draw([...(own ? [line] : []), ...tasks]);
          else if (now - lastDraw >= frame) draw();
          return;
        }
        case 'stage-failed': {
          running.delete(event.stage);
          queued.delete(event.stage);
          tally.failed++;
          const failed = `${paint('red', '✗')} ${printable(event.label)}: ${failureText(event)}`;
          draw([failed, ...taskLines(tree.settled(event))]);
          return;
        }
        case 'stage-skipped': {
          tally.skipped++;
          queued.delete(event.stage);
          const tasks = taskLines(tree.settled(event));
          if (tasks.length > 0) draw(tasks);
          return;
        }
        case 'note':
          draw([paint('dim', printable(event.message))]);
          return;
        case 'warning': {
          const said = warnings.add({message: event.message, stage: begun.get(event.stage ?? '')});
          if (said !== undefined) draw([`${paint('yellow', '!')} ${printable(said)}`]);
          return;
        }
        case 'run-finished': {
          const rest = warnings.rest((kind) => [...begun.values()].filter((one) => one.kind === kind).length);
          end([...rest.map((said) => `${paint('yellow', '!')} ${printable(said)}`), runFinishedText(event)]);
          return;
        }
        default:
          unreachable(event);
      }
    },
    close: () => end(),
  };
}

/** Of a kind of stages; those that run turn. */
const glyphs = {waiting: '·', done: '✓', failed: '✗', skipped: '–'} as const;

const meter = (share: number, width: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
};

const spinner = (now: number): string => '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'[Math.floor(now / 120) % 10]!;
