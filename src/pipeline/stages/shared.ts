/** What stages have in common when they run: failures with a hint, plug-ins of the planned version, progress by items. */
import {setImmediate} from 'node:timers/promises';
import type {PluginRef} from '../../core/contracts/definition.ts';
import {firstNonFinite} from '../../core/linalg/matrix.ts';
import {type Created, type Definitions, pathOptions} from '../../core/plugin/registry.ts';
import type {EvaluateSummary, MeasuredValue, ResultRef, StageContext} from './stage.ts';

/** A stage cannot continue, for a reason that its user can change. */
export class StageError extends Error {
  override readonly name = 'StageError';
  /** What to do. */
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** Path of an input's file. Throws if there is none, which is a bug of ours. */
export function inputOf({inputs, kind}: StageContext, role: string): string {
  const path = inputs[role];
  if (path === undefined) throw new Error(`a ${kind} stage was started without its input "${role}"`);
  return path;
}

/**
 * Creates a plug-in. Throws a `StageError` if it or a plug-in that it uses has another version than the stage's key: the program may
 * have been updated since the run was planned. `versions`: `learner rotation` → version. Recipes do not have the options that name
 * files, so these come from the stage's sources.
 */
export function createPlanned<K extends keyof Definitions>(
  {plugins, sources}: Pick<StageContext, 'plugins' | 'sources'>,
  kind: K,
  ref: PluginRef,
  versions: {readonly [plugin: string]: number},
): Created[K] {
  for (const [plugin, planned] of Object.entries(versions)) {
    const [of, name] = plugin.split(' ') as [keyof Definitions, string];
    const {version} = plugins.get(of, name);
    if (version === planned) continue;
    throw new StageError(
      `the run was planned with version ${planned} of ${of} "${name}", but version ${version} is installed now`,
      'The program changed in the meantime. Run the command again.',
    );
  }
  const files = pathOptions(plugins.get(kind, ref.type)).map((option) => {
    const file = sources.find(({name}) => name === option);
    return [option, file?.path ?? ref[option]];
  });
  return plugins.create(kind, {...ref, ...Object.fromEntries(files)});
}

/** The scores of `rows` images. Throws if a classifier gave another number of them, or one that is not finite. */
export function finiteScores({type}: PluginRef, scores: Float64Array, rows: number): Float64Array {
  if (scores.length !== rows) throw new Error(`classifier "${type}" gave ${scores.length} scores for ${rows} images`);
  const bad = firstNonFinite(scores);
  if (bad >= 0)
    throw new StageError(
      `classifier "${type}" gave image ${bad} the score ${scores[bad]}`,
      'Probably training has diverged or collapsed, so that features are too large or too equal. Lower the learning rate.',
    );
  return scores;
}

/** What tables need to know about metrics besides their values. The test labels play no part in validation. */
export function aboutMetrics(
  {plugins}: StageContext,
  refs: readonly PluginRef[],
  part: ResultRef['part'],
): Pick<EvaluateSummary, 'numbers' | 'testLabels'> {
  const definitions = refs.map(({type}) => plugins.get('metric', type));
  const numbers = definitions.filter(({scale}) => scale === 'number').map(({name}) => name);
  const marks = definitions.flatMap(({name, testLabels}) =>
    testLabels === undefined || part ? [] : [[name, testLabels]],
  );
  return {
    ...(numbers.length > 0 && {numbers}),
    ...(marks.length > 0 && {testLabels: Object.fromEntries(marks) as {readonly [metric: string]: string}}),
  };
}

/**
 * Turns what metrics returned into values for a summary: JSON has neither NaN nor infinities. `undefinedBecause` says why a metric may
 * be NaN, if that is known. Warns about every value that is not a finite number.
 */
export function measuredValues(
  {warn}: Pick<StageContext, 'warn'>,
  given: ReadonlyMap<string, unknown>,
  undefinedBecause: (metric: string) => string | undefined,
): Pick<EvaluateSummary, 'metrics' | 'reasons'> & {readonly numbers: ReadonlyMap<string, number>} {
  const metrics: {[metric: string]: MeasuredValue} = {};
  const reasons: {[metric: string]: string} = {};
  for (const [name, value] of given) {
    if (typeof value === 'number' && Number.isFinite(value)) {
      metrics[name] = value;
      continue;
    }
    metrics[name] = measuredValue(value);
    const isInfinite = metrics[name] !== null;
    const what = typeof value === 'number' ? String(value) : `${typeof value} instead of a number`;
    reasons[name] = (Number.isNaN(value) && undefinedBecause(name)) || `the metric gave ${what}`;
    warn(`metric "${name}" ${isInfinite ? 'is infinite' : 'is undefined'}: ${reasons[name]}`);
  }
  const numbers = new Map([...given].map(([name, value]) => [name, typeof value === 'number' ? value : Number.NaN]));
  return {metrics, ...(Object.keys(reasons).length > 0 && {reasons}), numbers};
}

/** A metric's value for a summary. */
export function measuredValue(value: unknown): MeasuredValue {
  if (typeof value !== 'number' || Number.isNaN(value)) return null;
  return Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity';
}

/** Why metrics that need both classes are undefined; undefined if both are there. */
export function oneClassOnly(normal: number, anomalous: number, what = 'test images'): string | undefined {
  const all = normal + anomalous;
  if (all === 0) return `there are no ${what}`;
  return normal === 0 || anomalous === 0
    ? `all ${all} ${what} are ${normal === 0 ? 'anomalous' : 'normal'}`
    : undefined;
}

/** Reports how many items are done and how fast. Throws between items if the stage was aborted. */
export class ItemProgress {
  readonly #context: StageContext;
  readonly #unit: string;
  readonly #total: number | undefined;
  readonly #started = performance.now();
  #done = 0;

  constructor(context: StageContext, unit: string, total?: number) {
    this.#context = context;
    this.#unit = unit;
    this.#total = total;
  }

  async add(items: number): Promise<void> {
    this.#done += items;
    const seconds = (performance.now() - this.#started) / 1000;
    this.#context.report({
      of: 'items',
      done: this.#done,
      unit: this.#unit,
      ...(this.#total !== undefined && {total: this.#total}),
      ...(seconds > 0 && {perSecond: this.#done / seconds}),
    });
    await setImmediate();
    this.#context.signal.throwIfAborted();
  }
}
