/** What a plan's trainings cost: operations, and where it was measured, time. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {compiledUrl} from '../../core/base/compiled.ts';
import {count, duration, plural} from '../../core/base/text.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {flopOf, type Training} from '../../pipeline/plan/estimate.ts';
import type {StageNode} from '../../pipeline/stages/stage.ts';
import {stepReporter} from './progress.ts';
import {type EngineOptions, err} from './session.ts';

interface Estimate {
  readonly trainings: number;
  /** 10^15 operations, of those whose work is known. */
  readonly pflop: number;
  /** Labels of trainings whose work is not known. */
  readonly unknown: readonly string[];
  /** One after the other on this machine; absent: not measured, or not all. */
  readonly seconds?: number;
}

/** Key of a speed → network inputs a second. */
type Speeds = ReadonlyMap<string, number>;

/** Trainings of one key go at one speed: neither class nor seed matters. */
const speedKey = ({recipe, shape}: Training): string => {
  const {learner, augment, distribution_augmentation: copies = []} = recipe;
  return canonicalJson({learner, augment, copies, shape} as unknown as Json);
};

/** In a worker process, as trainings of a run are: what a library prints stays there, and a crash is an error of one training. */
export async function measure(
  trainings: readonly Training[],
  plugins: Plugins,
  {engine: choice, threads}: EngineOptions,
): Promise<Speeds> {
  const different = new Map(trainings.filter(({work}) => work).map((training) => [speedKey(training), training]));
  const speeds = new Map<string, number>();
  if (different.size === 0) return speeds;
  const [{resolveEngine}, {WorkerPool}] = await Promise.all([
    import('../../core/engine/install/resolve.ts'),
    import('../../pipeline/execute/pool.ts'),
  ]);
  const engine = await resolveEngine(choice, {provision: true, threads, report: stepReporter(err)});
  const pool = new WorkerPool({
    plugins: plugins.modules,
    stages: new URL('../../pipeline/execute/speed.js', compiledUrl(import.meta.url)),
    grace: 0,
  });
  try {
    for (const [key, training] of different) {
      const result = await pool.run(
        {
          kind: 'learn',
          recipe: training as unknown as StageNode['recipe'],
          inputs: {},
          sources: [],
          out: '',
          scratch: '',
          checkpointEvery: 0,
        },
        {
          engine,
          signal: new AbortController().signal,
          onWarning: (message) => err(`warning: ${message}`),
          onNote: () => undefined,
          onProgress: () => undefined,
          onEngine: ({name, version, device, threads: used}) =>
            err(`engine ${name} ${version} on ${device}, ${plural(used, 'thread')}`),
        },
      );
      if (result.status !== 'done') {
        const [message, hint] = result.status === 'failed' ? [result.message, result.hint] : ['it was stopped', ''];
        err(`✗ ${training.label}: ${message}${hint ? `\n    ${hint}` : ''}`);
        continue;
      }
      const speed = result.summary as number;
      speeds.set(key, speed);
      err(`${training.label}: ${Math.round(speed)} images/s`);
    }
  } finally {
    await pool.close();
  }
  return speeds;
}

export function sumUp(trainings: readonly Training[], speeds: Speeds | undefined): Estimate {
  const known = trainings.filter(({work}) => work);
  const measured = speeds && known.every((one) => speeds.has(speedKey(one)));
  return {
    trainings: trainings.length,
    pflop: known.reduce((sum, {work}) => sum + flopOf(work!), 0) / 1e15,
    unknown: trainings.filter(({work}) => !work).map(({label}) => label),
    ...(measured && {
      seconds: known.reduce((sum, one) => sum + (one.work!.steps * one.work!.inputs) / speeds.get(speedKey(one))!, 0),
    }),
  };
}

export function estimateLines({trainings, pflop, unknown, seconds}: Estimate): readonly string[] {
  if (trainings === 0) return [];
  const known = trainings - unknown.length;
  const time = seconds === undefined ? '' : `, ${duration(seconds)} on this machine, one after the other`;
  return [
    ...(known > 0 ? [`${plural(known, 'training')} to run: ${operations(pflop)}${time}`] : []),
    ...(unknown.length > 0
      ? [
          `${plural(unknown.length, 'training')} of unknown size, such as ${unknown[0]} (their data was not read yet, or the learner does not report its size)`,
        ]
      : []),
  ];
}

/** Three digits that count: `6,840 PFLOP`, `0.0214 PFLOP`, `1.3 TFLOP`, `0.049 GFLOP`. */
function operations(pflop: number): string {
  const [value, unit] =
    pflop >= 1e-3 ? [pflop, 'PFLOP'] : pflop >= 1e-6 ? [1e3 * pflop, 'TFLOP'] : [1e6 * pflop, 'GFLOP'];
  return `${value >= 100 ? count(Math.round(value)) : Number(value.toPrecision(3))} ${unit}`;
}
