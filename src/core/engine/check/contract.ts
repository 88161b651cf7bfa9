/** What the parts of the check say to each other: the checker, its thread, the process in which kernels are tried. Loads nothing. */
import type {MessagePort} from 'node:worker_threads';
import type {Tensor} from '@tensorflow/tfjs';
import type {ResolvedEngine} from '../contract.ts';
import type {KernelCall} from './call.ts';

/** Random inputs of a kernel, and how far its results on them are from right. */
export interface Reference {
  readonly inputs: {readonly [name: string]: Float32Array | Tensor};
  /** The largest difference, relative to what such values are as a rule: rounding is below 1e-4, an error near 1. */
  error(outputs: readonly Tensor[]): number;
}

export interface Trial {
  readonly call: KernelCall;
  readonly way: string;
  /** Whether its time is wanted; else few runs are made. */
  readonly timed: boolean;
}

export type TrialResult =
  /** `error` as of `Reference`; null for one without end. `milliseconds` of the fastest run. */
  | {readonly how: 'computed'; readonly error: number | null; readonly milliseconds: number}
  /** Nothing here knows what is right. */
  | {readonly how: 'unknown'}
  /** `distrusted`: not run at all. */
  | {readonly how: 'failed' | 'crashed' | 'hung' | 'distrusted'; readonly message: string};

/** The first message to the process. */
export interface StartTrials {
  readonly engine: ResolvedEngine;
  /** Module that exports `plant(backend)`: faults of a test. */
  readonly faults?: string;
}

export interface ThreadData {
  readonly port: MessagePort;
  /** Its first number is set to 1, and notified, when an answer lies in the port. */
  readonly bell: Int32Array;
  readonly start: StartTrials;
  /** Milliseconds after which a trial hangs. */
  readonly limit: number;
  /** The process is started at once, not when the first trial comes. */
  readonly ahead: boolean;
}

/** What comes back. `fresh`: the process had tried nothing before. */
export type Answer = {readonly result: TrialResult; readonly fresh: boolean} | {readonly broken: string};
