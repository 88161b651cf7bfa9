/** What both reporters say in the same words. */

import {unreachable} from '../../core/result.ts';
import {printable} from '../../core/screen.ts';
import {bytes, count, duration, plural} from '../../core/text.ts';
import type {RunEvent, StageProgress} from '../../pipeline/events.ts';

type Event<T extends RunEvent['type']> = Extract<RunEvent, {type: T}>;

/** `4 tasks, 37 stages, run 20261124-031500-quickstart-ab12`. */
export const startedText = ({tasks, stages, run}: Event<'run-started'>): string =>
  `${plural(tasks, 'task')}, ${plural(stages, 'stage')}, run ${run}`;

/** `engine wasm 4.22.0 on cpu, 1 thread`. */
export const engineText = ({engine}: Event<'engine-started'>): string =>
  `engine ${engine.name} ${engine.version} on ${engine.device}, ${plural(engine.threads, 'thread')}`;

/** `epoch 4/20 · loss 0.812 · accuracy 71.4 % · 1240 images/s · 1 min 10 s left`. */
export function progressText(progress: StageProgress): string {
  switch (progress.of) {
    case 'training':
      return [
        `epoch ${progress.epoch + 1}/${progress.epochs}`,
        `loss ${progress.loss.toFixed(3)}`,
        ...(progress.accuracy === undefined ? [] : [`accuracy ${(100 * progress.accuracy).toFixed(1)} %`]),
        `${count(Math.round(progress.imagesPerSecond))} images/s`,
        `${duration(progress.secondsLeft)} left`,
      ].join(' · ');
    case 'items':
      return [
        `${count(progress.done)}${progress.total === undefined ? '' : `/${count(progress.total)}`} ${progress.unit}`,
        ...(progress.perSecond === undefined ? [] : [`${count(Math.round(progress.perSecond))} ${progress.unit}/s`]),
      ].join(' · ');
    default:
      return unreachable(progress);
  }
}

/** Share done in [0, 1]; undefined when the end is not known. */
export function progressShare(progress: StageProgress): number | undefined {
  if (progress.of === 'training') return (progress.epoch + (progress.step + 1) / progress.steps) / progress.epochs;
  return progress.total ? progress.done / progress.total : undefined;
}

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

/** A warning says which stage it is about, for several of them may say the same. */
export const warningText = ({message}: Event<'warning'>, label: string | undefined): string =>
  label === undefined ? message : `${label}: ${message}`;

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
