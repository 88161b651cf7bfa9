/** What a plan's trainings cost: operations, and where it was measured, time. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {count, duration, plural} from '../../core/base/text.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {flopOf, type Training} from '../../pipeline/plan/estimate.ts';
import {stepReporter} from './progress.ts';
import {type EngineOptions, err} from './session.ts';

interface Estimate {
  readonly trainings: number;
  /** 10^15 operations, of those whose work is known. */
  readonly pflop: number;
  /** Labels of trainings whose work is not known. */
  readonly unknown: readonly string[];
  /** One after the other on this machine; absent: not measured. */
  readonly seconds?: number;
}

/** Key of a speed → network inputs a second. */
type Speeds = ReadonlyMap<string, number>;

/** Trainings of one key go at one speed: neither class nor seed matters. */
const speedKey = ({recipe, shape}: Training): string => {
  const {learner, augment, distribution_augmentation: copies = []} = recipe;
  return canonicalJson({learner, augment, copies, shape} as unknown as Json);
};

export async function measure(
  trainings: readonly Training[],
  plugins: Plugins,
  {engine: choice, threads}: EngineOptions,
): Promise<Speeds> {
  const different = new Map(trainings.filter(({work}) => work).map((training) => [speedKey(training), training]));
  const speeds = new Map<string, number>();
  if (different.size === 0) return speeds;
  const {resolveEngine} = await import('../../core/engine/install/resolve.ts');
  const {startEngine} = await import('../../core/engine/engine.ts');
  const {measureSpeed} = await import('../../pipeline/execute/measure.ts');
  const engine = await startEngine(await resolveEngine(choice, {provision: true, threads, report: stepReporter(err)}));
  err(`engine ${engine.name} ${engine.version} on ${engine.device}, ${plural(engine.threads, 'thread')}`);
  for (const [key, training] of different) {
    const speed = await measureSpeed(training, plugins);
    speeds.set(key, speed);
    err(`${training.label}: ${Math.round(speed)} images/s`);
  }
  return speeds;
}

export function sumUp(trainings: readonly Training[], speeds: Speeds | undefined): Estimate {
  const known = trainings.filter(({work}) => work);
  return {
    trainings: trainings.length,
    pflop: known.reduce((sum, {work}) => sum + flopOf(work!), 0) / 1e15,
    unknown: trainings.filter(({work}) => !work).map(({label}) => label),
    ...(speeds && {
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

/** Three digits that count: `6,840 PFLOP`, `0.0214 PFLOP`, `1.3 TFLOP`. */
function operations(pflop: number): string {
  const [value, unit] = pflop >= 0.001 ? [pflop, 'PFLOP'] : [1000 * pflop, 'TFLOP'];
  return `${value >= 100 ? count(Math.round(value)) : Number(value.toPrecision(3))} ${unit}`;
}
