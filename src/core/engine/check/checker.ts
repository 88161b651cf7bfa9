/** Finds out, once a machine, which kernels of the library are right, and how those are computed that are not. */
import {fileURLToPath} from 'node:url';
import {MessageChannel, type MessagePort, receiveMessageOnPort, Worker} from 'node:worker_threads';
import type * as TF from '@tensorflow/tfjs';
import {compiledUrl} from '../../base/compiled.ts';
import {describeCall, type KernelCall} from './call.ts';
import type {Answer, StartTrials, ThreadData, Trial, TrialResult} from './contract.ts';
import {noteUnkept, noteVerdict} from './findings.ts';
import {suspicionOf} from './suspects.ts';
import {isRefused, type Verdict, type VerdictFile} from './verdicts.ts';
import {ITSELF, waysOf} from './ways.ts';

/** Rounding of the slowest sum and of Winograd's convolutions stays below a tenth of it; faults seen so far begin at 0.1. */
const tolerance = 1e-3;
/**
 * A way that is preferred gives way to one that is so many times as fast: times of small shapes on a busy machine differ by less, and
 * two machines of a kind are to take the same way, and so compute the same bytes.
 */
const margin = 1.5;

export interface CheckerOptions extends StartTrials {
  readonly file: VerdictFile;
  /** Milliseconds after which a kernel hangs. */
  readonly limit?: number;
}

export class Checker {
  readonly #options: CheckerOptions;
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));
  #port: MessagePort | undefined;

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /** Starts the process beside what else a first run does, if nothing is known on this machine yet. */
  prepare(): void {
    const {file} = this.#options;
    if (file.all.length === 0 && file.problem === undefined) this.#port ??= this.#startThread({ahead: true});
  }

  /** What is known of a kernel; it is tried when nothing is. */
  verdict(tf: typeof TF, key: string, call: KernelCall): Verdict {
    const {file} = this.#options;
    const known = file.get(key);
    if (known !== undefined) return known;
    const judged: Verdict = {key, kernel: call.kernel, shapes: describeCall(call), ...this.#judge(tf, call)};
    if (isRefused(judged)) return judged;
    const found = file.publish(judged);
    noteVerdict(found);
    if (file.problem !== undefined) noteUnkept(`${file.path}: ${file.problem}`);
    return found;
  }

  #judge(tf: typeof TF, call: KernelCall): Pick<Verdict, 'verdict' | 'error' | 'note' | 'way'> {
    const suspicion = suspicionOf(call);
    const result: TrialResult =
      suspicion === undefined ? this.#try({call, way: ITSELF, timed: false}) : {how: 'distrusted', message: suspicion};
    if (result.how === 'unknown') return {verdict: 'unchecked', way: ITSELF};
    if (isRight(result)) return {verdict: 'right', error: result.error, way: ITSELF};
    const way = this.#anotherWay(tf, call, result.how !== 'hung' && this.#options.file.problem === undefined);
    const found = way === undefined ? {} : {way};
    if (result.how === 'computed') return {verdict: 'wrong', error: result.error, ...found};
    const verdict = ({failed: 'fails', crashed: 'crashes', hung: 'hangs', distrusted: 'distrusted'} as const)[
      result.how
    ];
    return {verdict, note: result.message, ...found};
  }

  /**
   * Of those that are right the preferred one, or one that is much faster. `kept`: whether other processes will read of it; else they
   * must choose the same by themselves.
   */
  #anotherWay(tf: typeof TF, call: KernelCall, kept: boolean): string | undefined {
    let best: {readonly way: string; readonly milliseconds: number} | undefined;
    for (const way of waysOf(tf, call).keys()) {
      const result = this.#try({call, way, timed: true});
      if (result.how !== 'computed' || !isRight(result)) continue;
      if (best === undefined || margin * result.milliseconds <= best.milliseconds)
        best = {way, milliseconds: result.milliseconds};
      if (!kept) break;
    }
    return best?.way;
  }

  #try(trial: Trial): TrialResult {
    const {result, fresh} = this.#ask(trial);
    // What another kernel did to the process before may be what ended it.
    return result.how === 'crashed' && !fresh ? this.#ask(trial).result : result;
  }

  #ask(trial: Trial): Extract<Answer, {readonly fresh: boolean}> {
    this.#port ??= this.#startThread({ahead: false});
    Atomics.store(this.#bell, 0, 0);
    this.#port.postMessage(trial);
    Atomics.wait(this.#bell, 0, 0);
    const answer = receiveMessageOnPort(this.#port)!.message as Answer;
    if ('broken' in answer)
      throw new Error(
        `the kernels of the engine ${this.#options.engine.name} cannot be checked on this machine, because the checking process did not start (${answer.broken}). --engine wasm computes without them.`,
      );
    return answer;
  }

  #startThread({ahead}: {readonly ahead: boolean}): MessagePort {
    const {file: _, limit = 60_000, ...start} = this.#options;
    const {port1, port2} = new MessageChannel();
    const workerData: ThreadData = {port: port2, bell: this.#bell, start, limit, ahead};
    const entry = fileURLToPath(new URL('./thread.js', compiledUrl(import.meta.url)));
    new Worker(entry, {workerData, transferList: [port2], execArgv: []}).unref();
    port1.unref();
    return port1;
  }
}

const isRight = (result: TrialResult): result is TrialResult & {how: 'computed'; error: number} =>
  result.how === 'computed' && result.error !== null && result.error <= tolerance;
