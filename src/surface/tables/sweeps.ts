/** The configurations of a matrix: what its options did to a metric. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {namesOf} from '../../core/base/tell-apart.ts';
import {headMetric, type Task} from '../../pipeline/config/spec.ts';
import {type MetricValue, testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Better} from './best-of.ts';
import {decimalsOf} from './digits.ts';
import {number} from './formats.ts';
import {valueKey, valueTexts} from './matrix-values.ts';
import type {MeanOf} from './means.ts';
import {configurationName} from './names.ts';
import {runNames} from './run-names.ts';

export interface Sweep {
  readonly spec: string;
  readonly metric: string;
  readonly scale: 'rate' | 'number';
  /** undefined: it is not known which values are better. */
  readonly better: 'higher' | 'lower' | undefined;
  /** Those with several values; at least one. The classifier is one where there are several. */
  readonly parameters: readonly SweepParameter[];
  readonly configurations: readonly Configuration[];
  /** Those that are known to have no value, such as after a failure. */
  readonly failed: readonly FailedConfiguration[];
  /** Classes that a whole configuration has numbers of. */
  readonly classes: number;
  /** Of its means in a text: with fewer, different ones would look the same. */
  readonly decimals: number;
}

export interface FailedConfiguration {
  readonly key: string;
  /** Index of the value of each parameter. */
  readonly at: readonly number[];
  readonly reason: string;
}

export interface SweepParameter {
  readonly name: string;
  /** Numbers in their order, others in that of the spec; all texts differ. */
  readonly values: readonly string[];
  /** The same as numbers, where all are. */
  readonly numbers?: readonly number[];
  /** Share of the variance between configurations that its values alone explain, in [0, 1]. */
  readonly share: number;
}

export interface Configuration extends MeanOf {
  /** The same for configurations that share their numbers, because an option has nothing to do with the classifier. */
  readonly key: string;
  /** `rotation epochs=12 · kde`, as everywhere. */
  readonly name: string;
  /** Its method and classifier without options: those that share them are rivals. */
  readonly kind: string;
  /** Index of the value of each parameter. */
  readonly at: readonly number[];
  /** Of the matrix, as the spec has it. */
  readonly point: Task['point'];
  /** Its classifier with all options. */
  readonly reference: string;
  /** Mean over the classes, of each seed. */
  readonly ofSeeds: readonly {readonly seed: number; readonly value: number}[];
  readonly mean: number;
  /** Between the seeds (n − 1); null: one seed. */
  readonly sd: number | null;
}

/** A number that was measured, or could not be. */
type Wanted = MetricValue & {
  readonly of: Task;
  /** Place of its classifier among those of the task; −1: it is none of them, such as a layer of features. */
  readonly slot: number;
  readonly reference: string;
};

type Found = Wanted & {readonly value: number};

/** One a spec that has a matrix, of its first metric. */
export function sweepsOf(record: RunRecord, better: Better): readonly Sweep[] {
  const values = groupBy(
    testMetricsOf(record).filter(({ensemble}) => ensemble === null),
    ({task}) => task,
  );
  const stages = new Map(record.stages.map(({id, node}) => [id, node]));
  const referenceOf = ({stage}: MetricValue): string => {
    const {recipe} = stages.get(stage.node.inputs['scores']?.stage ?? '') ?? {};
    return canonicalJson(((recipe as {readonly classifier?: Json} | undefined)?.classifier ?? null) as Json);
  };
  return [...groupBy(record.tasks, ({spec}) => spec)].flatMap(([spec, tasks]): readonly Sweep[] => {
    const metric = headMetric(tasks);
    const paths = varyingPaths(tasks);
    if (paths.length === 0 || metric === undefined) return [];
    const wanted = tasks.flatMap((of) =>
      (values.get(of.id) ?? [])
        .filter((value) => value.metric === metric)
        .map((one): Wanted => {
          const reference = referenceOf(one);
          const slot = of.classifiers.findIndex((ref) => canonicalJson(ref as Json) === reference);
          return {...one, of, slot, reference};
        }),
    );
    const found = wanted.filter((one): one is Found => one.value !== null && Number.isFinite(one.value));
    if (found.length === 0) return [];
    const {methods, classifier} = runNames(record);
    const names = namesOf(paths);
    const options = [...paths.map((path) => ({name: names.get(path)!, ...optionOf(path, tasks)})), ...slotsOf(wanted)];
    const configurations = [...groupBy(found, configurationOf).values()].map((own): Configuration => {
      const [first] = own as [Found];
      const ofSeeds = [...groupBy(own, ({of}) => of.seed)].map(([seed, same]) => ({
        seed,
        value: meanOf(same.map(({value}) => value)),
      }));
      const mean = meanOf(ofSeeds.map(({value}) => value));
      const squares = ofSeeds.reduce((sum, {value}) => sum + (value - mean) ** 2, 0);
      return {
        key: first.stage.id,
        name: configurationName({
          label: methods.get(first.of.id)!,
          classifier: classifier(first.of.id, first.classifier),
        }),
        kind: `${first.of.compare.row} ${first.classifier.split(' ')[0]}`,
        at: options.map(({place}) => place(first)),
        point: first.of.point,
        reference: first.reference,
        ofSeeds,
        mean,
        sd: ofSeeds.length > 1 ? Math.sqrt(squares / (ofSeeds.length - 1)) : null,
        classes: new Set(own.map(({of}) => problemOf(of))).size,
        seeds: ofSeeds.length,
        n: own.length,
      };
    });
    const measured = new Set(found.map(configurationOf));
    const failed = [...groupBy(wanted, configurationOf)].flatMap(([key, [first]]) =>
      measured.has(key) || first!.reason === null
        ? []
        : [{key: first!.stage.id, at: options.map(({place}) => place(first!)), reason: first!.reason}],
    );
    const parameters = options.map(({name, values: texts, numbers}, i) => ({
      name,
      values: texts,
      ...(numbers && {numbers}),
      share: shareOf(configurations, i),
    }));
    const scale = found[0]!.scale ?? 'rate';
    const classes = Math.max(...configurations.map((one) => one.classes));
    const decimals = decimalsOf(configurations.map(({mean}) => (scale === 'rate' ? 100 * mean : mean)));
    return [{spec, metric, scale, better: better(metric), parameters, configurations, failed, classes, decimals}];
  });
}

const configurationOf = ({of, slot}: Wanted): string => `${canonicalJson(of.point as Json)} ${slot}`;

const problemOf = ({dataset, inlier}: Task): string => `${dataset.type} ${inlier}`;

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Paths of the matrix that have several values in these tasks; of those that vary together, one. */
function varyingPaths(tasks: readonly Task[]): readonly string[] {
  const paths = [...new Set(tasks.flatMap(({point}) => Object.keys(point)))];
  const count = (...some: readonly string[]): number =>
    new Set(tasks.map(({point}) => some.map((path) => valueKey(point[path])).join('\n'))).size;
  return paths
    .filter((path) => count(path) > 1)
    .filter(
      (path, at, varying) =>
        !varying.slice(0, at).some((before) => count(path, before) === count(path) && count(before) === count(path)),
    );
}

function optionOf(path: string, tasks: readonly Task[]) {
  const found = [...new Map(tasks.map(({point}) => [valueKey(point[path]), point])).values()];
  const numbers = found.map((point) => point[path]).filter((value) => typeof value === 'number');
  const isNumeric = numbers.length === found.length;
  const points = isNumeric ? found.toSorted((a, b) => (a[path] as number) - (b[path] as number)) : found;
  const text = valueTexts(
    path,
    tasks.map(({point, compare}) => ({point, paperRow: compare.row})),
  );
  const keys = points.map((point) => valueKey(point[path]));
  return {
    values: points.map((point) => text({point})),
    ...(isNumeric && {numbers: numbers.toSorted((a, b) => a - b)}),
    place: ({of}: Wanted): number => keys.indexOf(valueKey(of.point[path])),
  };
}

/** The classifiers of a task, as one more option: a name that an option changes (`5-nn`) is that of its type. */
function slotsOf(found: readonly Wanted[]) {
  const slots = [...groupBy(found, ({slot}) => slot)].toSorted(([a], [b]) => a - b);
  if (slots.length < 2) return [];
  const names = slots.map(([slot, own]) => {
    const columns = new Set(own.map(({classifier}) => classifier));
    const types = new Set(own.map(({of}) => of.classifiers[slot]?.type));
    const [type] = types;
    return columns.size === 1 ? own[0]!.classifier : types.size === 1 && type !== undefined ? type : `no. ${slot + 1}`;
  });
  const values = names.map((name, i) => (names.indexOf(name) === i ? name : `${name} (${i + 1})`));
  return [
    {
      name: 'classifier',
      values,
      numbers: undefined,
      place: ({slot}: Wanted) => slots.findIndex(([one]) => one === slot),
    },
  ];
}

/** Between the means of its values, of the variance of all. */
function shareOf(configurations: readonly Configuration[], parameter: number): number {
  const middle = meanOf(configurations.map(({mean}) => mean));
  const whole = configurations.reduce((sum, {mean}) => sum + (mean - middle) ** 2, 0);
  const between = [...groupBy(configurations, ({at}) => at[parameter]!).values()].reduce(
    (sum, own) => sum + own.length * (meanOf(own.map(({mean}) => mean)) - middle) ** 2,
    0,
  );
  return whole > 0 ? between / whole : 0;
}

export const valueText = ({scale, decimals}: Sweep, mean: number, sd: number | null = null): string =>
  number(mean, sd, scale === 'rate', decimals);

/** `learning_rate 0.005, nu 0.5, classifier kde`. */
export const settingText = ({parameters}: Sweep, {at}: Pick<Configuration, 'at'>): string =>
  parameters.map(({name, values}, i) => `${name} ${values[at[i]!]}`).join(', ');

/** The best of those that have all classes, by its mean; undefined where it is not known what is better, or there is one. */
export function bestOfSweep({better, configurations}: Sweep): Configuration | undefined {
  if (better === undefined || configurations.length < 2) return undefined;
  const sign = better === 'higher' ? 1 : -1;
  return wholeOf(configurations).reduce((a, b) => (sign * b.mean > sign * a.mean ? b : a));
}

/** The sizes of the sets of rivals, of which each has a best one. */
export const rivalCounts = (configurations: readonly Configuration[]): readonly number[] =>
  [...groupBy(configurations, ({kind}) => kind).values()].map(({length}) => length);

/** A mean over fewer classes or seeds is of another problem. */
export function wholeOf(configurations: readonly Configuration[]): readonly Configuration[] {
  const most = Math.max(...configurations.map(({n}) => n));
  return configurations.filter(({n}) => n === most);
}
