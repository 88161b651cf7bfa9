/**
 * Entry of a worker process, which runs one stage at a time on one engine. It may be killed at any moment, because it commits
 * nothing: it knows neither the cache nor the plan.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {endWithParent} from '../../core/base/parent.ts';
import {ExpectedError, systemProblem} from '../../core/base/system-error.ts';
import {choice} from '../../core/base/text.ts';
import {isError, messageOf} from '../../core/base/thrown.ts';
import type {KernelChecks} from '../../core/engine/check/findings.ts';
import type {Precision} from '../../core/engine/contract.ts';
import type {Profile} from '../../core/engine/profile.ts';
import {loadPlugins, type Plugins} from '../../core/plugin/registry.ts';
import type {StageProgress} from '../events.ts';
import type {RunStage} from '../stages/stage.ts';
import type {FromWorker, Job, ToWorker} from './protocol.ts';

/** Milliseconds between two reports of progress: people need no more. */
const reportEvery = 100;

let plugins: Plugins;
let runStage: RunStage;
let aborting: AbortController | undefined;
let job: Job | undefined;
let profile: Profile | undefined;
let takeChecks: () => KernelChecks | undefined = () => undefined;
let computeIn: (precision: Precision) => void = () => undefined;

// Ctrl-C in a terminal, and a scheduler's SIGTERM, reach every process of the group: the main process decides what becomes of us.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(1));
endWithParent(Number(process.argv[2]));

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'start':
      void answer(() => start(message));
      break;
    case 'run':
      void answer(() => run(message.job));
      break;
    case 'abort':
      aborting?.abort();
      break;
  }
});

async function start(message: ToWorker & {type: 'start'}): Promise<FromWorker> {
  plugins = await loadPlugins(message.plugins);
  ({runStage} = (await import(message.stages)) as {runStage: RunStage});
  if (!message.engine) return {type: 'ready'};
  const door = await import('../../core/engine/engine.ts');
  const engine = await door.startEngine(message.engine);
  computeIn = door.computeIn;
  takeChecks = (await import('../../core/engine/check/findings.ts')).takeKernelChecks;
  if (message.profile) profile = (await import('../../core/engine/profile.ts')).profileKernels();
  return {type: 'ready', engine};
}

async function run(wanted: Job): Promise<FromWorker> {
  job = wanted;
  const controller = new AbortController();
  aborting = controller;
  const peak = watchMemory();
  // What a stage that failed has left.
  profile?.take();
  takeChecks();
  computeIn(wanted.precision ?? 'float32');
  let last = Number.NEGATIVE_INFINITY;
  let held: StageProgress | undefined;
  const summary = await runStage({
    ...wanted,
    plugins,
    signal: controller.signal,
    report(progress) {
      held = progress;
      if (performance.now() - last < reportEvery) return;
      last = performance.now();
      held = undefined;
      send({type: 'progress', progress});
    },
    warn: (text) => send({type: 'warning', message: text}),
    note: (text) => send({type: 'note', message: text}),
  });
  if (held) send({type: 'progress', progress: held});
  const checks = takeChecks();
  return {
    type: 'done',
    summary,
    peakMemory: peak(),
    ...(profile && {kernels: profile.take()}),
    ...(checks && {checks}),
  };
}

async function answer(work: () => Promise<FromWorker>): Promise<void> {
  try {
    send(await work());
  } catch (error) {
    send(failure(error));
  }
}

/** The message of a failure. One of ours says what to do; any other says where it was thrown, or which plug-ins may have thrown it. */
function failure(error: unknown): FromWorker {
  if (!isError(error)) {
    const names = ownPlugins(job?.recipe);
    const by = names.length > 0 ? ` by ${choice(names)}` : '';
    return {
      type: 'failed',
      message: messageOf(error).replace('was thrown', `was thrown${by}`),
      hint: "Throw an Error: throw new Error('what is wrong').",
    };
  }
  if ('hint' in error && typeof error.hint === 'string')
    return {type: 'failed', message: error.message, hint: error.hint};
  const system = systemProblem(error) ?? systemProblem(error.cause);
  if (system) return {type: 'failed', ...system};
  if (error instanceof ExpectedError) return {type: 'failed', message: error.message};
  const place = /^ +at (.*)$/m.exec(error.stack ?? '')?.[1];
  return {
    type: 'failed',
    message: messageOf(error),
    ...(place && !isMeant(error, place) ? {hint: `Thrown at ${place}.`} : {}),
  };
}

/** The files of this program. */
const ours = new URL('../../', import.meta.url).href;

/** Our own code threw it to say something to the user: no place in the code adds to that. */
const isMeant = (error: Error, place: string): boolean =>
  !slips.some((kind) => error instanceof kind) && place.includes(ours) && !error.message.startsWith('Internal error');

/** What JavaScript throws of itself. */
const slips = [TypeError, RangeError, ReferenceError, SyntaxError];

/** The user's own plug-ins in a recipe: `classifier "mine"`. */
function ownPlugins(recipe: unknown): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const {type} = value as {readonly type?: unknown};
    for (const definition of plugins.definitions())
      if (definition.name === type && plugins.codeOf(definition).length > 0)
        found.add(`${definition.kind} "${definition.name}"`);
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(recipe);
  return [...found];
}

function send(message: FromWorker): void {
  // If the parent is gone, nobody listens, and `disconnect` ends this process.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
}

/** Measures peak memory in bytes: from now on if Linux lets us reset its mark, otherwise since the process began. */
function watchMemory(): () => number {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    return () => process.resourceUsage().maxRSS * 1024;
  }
  return () => {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes ? Number(kilobytes) * 1024 : process.resourceUsage().maxRSS * 1024;
  };
}
