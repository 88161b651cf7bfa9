/** What both reporters say in the same words. */

import {unreachable} from '../../core/base/result.ts';
import {printable} from '../../core/base/screen.ts';
import {bytes, count, duration, plural, roughly} from '../../core/base/text.ts';
import {columnsOf} from '../../core/base/width.ts';
import type {RunEvent, StageProgress} from '../../pipeline/events.ts';
import {sparkline} from './sparkline.ts';

type Event<T extends RunEvent['type']> = Extract<RunEvent, {type: T}>;

/** `4 tasks, 37 stages, networks in bf16, run 20261124-031500.123-quickstart-ab12`. */
export const startedText = ({tasks, stages, precisions, run}: Event<'run-started'>): string =>
  [
    // A search has none as it begins.
    ...(tasks === 0 ? [] : [plural(tasks, 'task'), plural(stages, 'stage')]),
    ...(precisions ? [`networks in ${precisions.join(' and ')}`] : []),
    `run ${run}`,
  ].join(', ');

/** `engine wasm 4.22.0 on cpu, 1 thread`. */
export const engineText = ({engine}: Event<'engine-started'>): string =>
  `engine ${engine.name} ${engine.version} on ${engine.device}, ${plural(engine.threads, 'thread')}`;

/** A part of a progress report; if there is no room for all, those of the highest rank are left out first. */
interface ProgressPart {
  readonly text: string;
  readonly rank: number;
}

/** `losses`: of a training, for a curve. */
function progressParts(progress: StageProgress, losses: readonly number[] = []): readonly ProgressPart[] {
  switch (progress.of) {
    case 'training': {
      const {epoch, epochs, loss, accuracy, imagesPerSecond, secondsLeft} = progress;
      return [
        {text: `epoch ${epoch + 1}/${epochs}`, rank: 0},
        {text: `loss ${loss.toFixed(3)}`, rank: 1},
        ...(losses.length > 2 ? [{text: sparkline(losses, 8), rank: 3}] : []),
        ...(accuracy === undefined ? [] : [{text: `accuracy ${(100 * accuracy).toFixed(1)} %`, rank: 4}]),
        {text: `${count(Math.round(imagesPerSecond))} images/s`, rank: 5},
        ...(secondsLeft === undefined ? [] : [{text: `${duration(secondsLeft)} left`, rank: 2}]),
      ];
    }
    case 'items': {
      const {done, total, unit, perSecond} = progress;
      return [
        {text: `${count(done)}${total === undefined ? '' : `/${count(total)}`} ${unit}`, rank: 0},
        ...(perSecond === undefined ? [] : [{text: `${count(Math.round(perSecond))} ${unit}/s`, rank: 1}]),
      ];
    }
    default:
      return unreachable(progress);
  }
}

const joined = (parts: readonly ProgressPart[]): string => parts.map(({text}) => text).join(' · ');

/** `epoch 4/20 · loss 0.812 · accuracy 71.4 % · 1,240 images/s · 1 min 10 s left`. */
export const progressText = (progress: StageProgress): string => joined(progressParts(progress));

/** As much of it, with a curve of the losses, as goes into `room` columns. */
export function fittingProgress(progress: StageProgress, losses: readonly number[], room: number): string {
  let parts = progressParts(progress, losses);
  while (parts.length > 1 && columnsOf(joined(parts)) > room) {
    const highest = Math.max(...parts.map(({rank}) => rank));
    parts = parts.filter(({rank}) => rank < highest);
  }
  return joined(parts);
}

/** `12 queued (Resources, Priority)`. */
export function queuedText(reasons: Iterable<string | undefined>): string {
  const all = [...reasons];
  const words = [...new Set(all.filter((reason) => reason !== undefined))];
  return `${count(all.length)} queued${words.length > 0 ? ` (${printable(words.join(', '))})` : ''}`;
}

/** `ends in about 12 min`. */
export const endsText = (seconds: number): string => `ends in ${roughly(seconds)}`;

export const stageFinishedText = (event: Event<'stage-finished'>): string =>
  event.how === 'cached' ? 'cached' : stageTook(event);

/** `20 s · 178 MB peak`. */
export const stageTook = ({
  seconds,
  peakMemory,
}: {
  readonly seconds: number;
  readonly peakMemory?: number | undefined;
}) => `${duration(seconds)}${peakMemory === undefined ? '' : ` · ${bytes(peakMemory)} peak`}`;

export function runFinishedText(event: Event<'run-finished'>): string {
  const parts = [
    `${count(event.computed)} computed`,
    `${count(event.cached)} cached`,
    ...(event.failed > 0 ? [`${count(event.failed)} failed`] : []),
    ...(event.skipped > 0 ? [`${count(event.skipped)} skipped`] : []),
  ];
  const verb = {done: 'Done', failed: 'Failed', interrupted: 'Interrupted'}[event.outcome];
  return `${verb} in ${duration(event.seconds)}: ${parts.join(', ')}.`;
}

/** A failure's message may have many lines (the tail of a worker's log): all but the first are set in. */
export function failureText(event: {readonly message: string; readonly hint?: string}): string {
  const lines = [...printable(event.message).trimEnd().split('\n'), ...(event.hint ? [printable(event.hint)] : [])];
  return lines.map((line, index) => (index === 0 ? line : `    ${line}`)).join('\n');
}

/** One failure may skip hundreds of stages: those that follow each other for one reason become one line. */
export class Skips {
  #held: Event<'stage-skipped'>[] = [];

  /** Holds the event back; what was held for another reason comes out. */
  add(event: Event<'stage-skipped'>): string | undefined {
    const out = this.#held[0] && this.#held[0].because !== event.because ? this.take() : undefined;
    this.#held.push(event);
    return out;
  }

  /** What to say of those held back; undefined when there are none. */
  take(): string | undefined {
    const [first, ...others] = this.#held;
    this.#held = [];
    if (!first) return undefined;
    return others.length === 0
      ? `${printable(first.label)}: skipped, ${printable(first.because)}`
      : `${plural(others.length + 1, 'stage')} skipped, ${printable(first.because)}`;
  }
}
