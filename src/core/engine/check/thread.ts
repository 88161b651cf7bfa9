/**
 * Entry of the thread that keeps the process in which kernels are tried: the main thread waits for each answer without turning its
 * event loop, and this one hears of the process meanwhile. The process is started when needed, and ended when nobody has asked for a while.
 */
import {type ChildProcess, fork} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {workerData} from 'node:worker_threads';
import {withLargePages} from '../../base/large-pages.ts';
import type {Answer, ThreadData, Trial, TrialResult} from './contract.ts';

const {port, bell, start, limit, ahead} = workerData as ThreadData;
const entry = fileURLToPath(new URL('./process.js', import.meta.url));
/** Milliseconds that the process is kept: it holds a gigabyte after large kernels. */
const idle = 10_000;
/** Milliseconds that it waits for the first trial if it was started ahead. */
const idleAhead = 60_000;
/** Milliseconds for loading the library. */
const starting = 120_000;

let child: ChildProcess | undefined;
/** Of the process that is there or starts; what it says is as of `begin`. */
let begun: Promise<string | undefined> | undefined;
let used = false;
let rest: NodeJS.Timeout | undefined;

port.on('message', (trial: Trial) => void answer(trial));
if (ahead) {
  begun = begin();
  rest = setTimeout(end, idleAhead);
}

async function answer(trial: Trial): Promise<void> {
  clearTimeout(rest);
  port.postMessage(await ask(trial));
  Atomics.store(bell, 0, 1);
  Atomics.notify(bell, 0);
  rest = setTimeout(end, idle);
}

async function ask(trial: Trial): Promise<Answer> {
  begun ??= begin();
  const broken = await begun;
  if (broken !== undefined) return {broken};
  const fresh = !used;
  used = true;
  const result = await reply(() => child!.send(trial), limit);
  if (typeof result === 'object') return {result, fresh};
  end();
  return {result: {how: result === 'late' ? 'hung' : 'crashed', message: result}, fresh};
}

/** Undefined when it has begun, else what became of it. */
async function begin(): Promise<string | undefined> {
  child = fork(entry, [String(process.pid)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: withLargePages({
      ...process.env,
      // The C library then looks at the ends of a block of memory when it is freed, and ends the process where something has been
      // written; all blocks are to be its own. Where it has no such part the loader only says so.
      LD_PRELOAD: [process.env['LD_PRELOAD'], 'libc_malloc_debug.so.0'].filter(Boolean).join(':'),
      MALLOC_CHECK_: '3',
      TF_ONEDNN_USE_SYSTEM_ALLOCATOR: '1',
      // Freed memory is kept for the next tensor: fresh memory costs more than what is computed in it.
      MALLOC_MMAP_THRESHOLD_: String(2 ** 40),
      MALLOC_TRIM_THRESHOLD_: String(2 ** 40),
    }),
  });
  used = false;
  const first = await reply(() => child!.send(start), starting);
  if (first === 'ready') return undefined;
  end();
  return typeof first === 'string' ? first : 'an unknown answer';
}

/** The process's next message; or how it ended, or `late`. */
function reply(send: () => void, patience: number): Promise<TrialResult | string> {
  const {promise, resolve} = withResolvers<TrialResult | string>();
  const process = child!;
  const timer = setTimeout(() => resolve('late'), patience);
  const exit = (code: number | null, signal: string | null) => resolve(signal ?? `ended with status ${code}`);
  const fail = (error: Error) => resolve(error.message);
  process.once('message', resolve as (message: unknown) => void);
  process.once('exit', exit);
  process.once('error', fail);
  send();
  return promise.finally(() => {
    clearTimeout(timer);
    process.removeAllListeners();
    process.on('error', () => undefined);
    // While nobody asks: the next trial is for another one.
    process.on('exit', () => child === process && end());
  });
}

function withResolvers<T>(): {readonly promise: Promise<T>; readonly resolve: (value: T) => void} {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return {promise, resolve};
}

function end(): void {
  child?.kill('SIGKILL');
  child = undefined;
  begun = undefined;
}
