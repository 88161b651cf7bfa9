/** The outcome of a stage, and the event that reports it. */
import {systemProblem} from '../../core/base/system-error.ts';
import {messageOf} from '../../core/base/thrown.ts';
import type {KernelTime} from '../../core/engine/profile.ts';
import type {CheckedKernels, Emit, Killed} from '../events.ts';
import type {Maker} from '../maker.ts';
import {StageError} from '../stages/shared.ts';
import type {StageNode} from '../stages/stage.ts';
import type {Entry} from '../store/cache/cache.ts';

/** The outcome of a stage. */
export type StageOutcome =
  | {readonly status: 'computed' | 'cached'; readonly entry: Entry}
  | {readonly status: 'failed'; readonly message: string; readonly hint?: string; readonly killed?: Killed}
  /** Nothing was wrong with it. */
  | {readonly status: 'skipped'; readonly because: string}
  | {readonly status: 'interrupted'};

/** Thrown if a stage can't run for a reason that another stage has already reported. */
export class Skip extends Error {}

export function asOutcome(error: unknown, signal: AbortSignal): StageOutcome {
  if (error instanceof Skip) return {status: 'skipped', because: error.message};
  if (signal.aborted) return {status: 'interrupted'};
  return {
    status: 'failed',
    ...(systemProblem(error) ?? {message: messageOf(error), ...(error instanceof StageError && {hint: error.hint})}),
  };
}

export function tell({id, kind, label}: StageNode, outcome: StageOutcome, seconds: number, emit: Emit): void {
  const stage = {stage: id, kind, label};
  if (outcome.status === 'failed') {
    const {message, hint, killed} = outcome;
    emit({
      type: 'stage-failed',
      ...stage,
      message,
      ...(hint === undefined ? {} : {hint}),
      ...(killed && {killed}),
    });
  } else if (outcome.status === 'computed' || outcome.status === 'cached') {
    const {fingerprint, summary, provenance} = outcome.entry.manifest;
    const made = provenance as unknown as {
      seconds: number;
      peakMemory?: number;
      kernels?: readonly KernelTime[];
      checked?: CheckedKernels;
    };
    const {peakMemory, kernels, checked} = made;
    const engine = makerOf(outcome.entry);
    emit({
      type: 'stage-finished',
      ...stage,
      how: outcome.status,
      ...(outcome.entry.fetched && {fetched: true}),
      fingerprint,
      seconds: outcome.status === 'computed' ? made.seconds : seconds, // its own work, not its wait in the lane
      ...(outcome.status === 'computed' && peakMemory !== undefined ? {peakMemory} : {}),
      ...(outcome.status === 'computed' && kernels ? {kernels} : {}),
      ...(checked && {checked}),
      ...(engine ? {engine: engine.name} : {}),
      ...(engine?.threads === undefined ? {} : {threads: engine.threads}),
      summary,
    });
  }
}

/** The engine that computed an entry; undefined if it has no tensors. */
export const makerOf = ({manifest}: Entry): Maker | undefined =>
  (manifest.provenance as {readonly engine?: Maker | null}).engine ?? undefined;
