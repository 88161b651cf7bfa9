/** The configurations of a matrix: what its options did to a metric. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {namesOf, textsOf} from '../../core/base/tell-apart.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {type MetricValue, testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Better} from '../tables/best-of.ts';
import {number} from '../tables/formats.ts';

export interface Sweep {
  readonly spec: string;
  readonly metric: string;
  readonly scale: 'rate' | 'number';
  /** undefined: it is not known which values are better. */
  readonly better: 'higher' | 'lower' | undefined;
  /** Those with several values; at least one. The classifier is one where there are several. */
  readonly parameters: readonly SweepParameter[];
  readonly configurations: readonly Configuration[];
  /** Classes that a whole configuration has numbers of. */
  readonly classes: number;
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

export interface Configuration {
  /** The same for configurations that share their numbers, because an option has nothing to do with the classifier. */
  readonly key: string;
  /** Index of the value of each parameter. */
  readonly at: readonly number[];
  readonly classifier: string;
  /** Of the matrix, as the spec has it. */
  readonly point: Task['point'];
  /** Its classifier with all options. */
  readonly reference: string;
  /** Mean over the classes, of each seed. */
  readonly seeds: readonly {readonly seed: number; readonly value: number}[];
  readonly mean: number;
  /** Between the seeds (n − 1); null: one seed. */
  readonly sd: number | null;
  /** Numbers that it is the mean of: classes times seeds. */
  readonly n: number;
}

type Found = MetricValue & {
  readonly value: number;
  readonly of: Task;
  /** Place of its classifier among those of the task; −1: it is none of them, such as a layer of features. */
  readonly slot: number;
  readonly reference: string;
};

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
    const metric = tasks[0]?.metrics[0]?.type;
    const paths = varyingPaths(tasks);
    if (paths.length === 0 || metric === undefined) return [];
    const found = tasks.flatMap((of) =>
      (values.get(of.id) ?? [])
        .filter((value) => value.metric === metric)
        .flatMap((one): readonly Found[] => {
          const {value} = one;
          if (value === null || !Number.isFinite(value)) return [];
          const reference = referenceOf(one);
          const slot = of.classifiers.findIndex((ref) => canonicalJson(ref as Json) === reference);
          return [{...one, value, of, slot, reference}];
        }),
    );
    if (found.length === 0) return [];
    const names = namesOf(paths);
    const options = [...paths.map((path) => ({name: names.get(path)!, ...optionOf(path, tasks)})), ...slotsOf(found)];
    const classes = Math.max(
      ...[...groupBy(found, configurationOf).values()].map((own) => new Set(own.map(({of}) => problemOf(of))).size),
    );
    const configurations = [...groupBy(found, configurationOf).values()].map((own): Configuration => {
      const [first] = own as [Found];
      const seeds = [...groupBy(own, ({of}) => of.seed)].map(([seed, same]) => ({
        seed,
        value: meanOf(same.map(({value}) => value)),
      }));
      const mean = meanOf(seeds.map(({value}) => value));
      const squares = seeds.reduce((sum, {value}) => sum + (value - mean) ** 2, 0);
      return {
        key: first.stage.id,
        at: options.map(({place}) => place(first)),
        classifier: first.classifier,
        point: first.of.point,
        reference: first.reference,
        seeds,
        mean,
        sd: seeds.length > 1 ? Math.sqrt(squares / (seeds.length - 1)) : null,
        n: own.length,
      };
    });
    const parameters = options.map(({name, values: texts, numbers}, i) => ({
      name,
      values: texts,
      ...(numbers && {numbers}),
      share: shareOf(configurations, i),
    }));
    const scale = found[0]!.scale ?? 'rate';
    return [{spec, metric, scale, better: better(metric), parameters, configurations, classes}];
  });
}

const configurationOf = ({of, slot}: Pick<Found, 'of' | 'slot'>): string =>
  `${canonicalJson(of.point as Json)} ${slot}`;

const problemOf = ({dataset, inlier}: Task): string => `${dataset.type} ${inlier}`;

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Paths of the matrix that have several values in these tasks; of those that vary together, one. */
function varyingPaths(tasks: readonly Task[]): readonly string[] {
  const paths = [...new Set(tasks.flatMap(({point}) => Object.keys(point)))];
  const count = (...some: readonly string[]): number =>
    new Set(tasks.map(({point}) => some.map((path) => keyOf(point[path])).join('\n'))).size;
  return paths
    .filter((path) => count(path) > 1)
    .filter(
      (path, at, varying) =>
        !varying.slice(0, at).some((before) => count(path, before) === count(path) && count(before) === count(path)),
    );
}

function optionOf(path: string, tasks: readonly Task[]) {
  const found = [...new Map(tasks.map(({point}) => [keyOf(point[path]), point[path]])).values()];
  const isNumeric = found.every((value) => typeof value === 'number');
  const values = isNumeric ? found.toSorted((a, b) => (a as number) - (b as number)) : found;
  const texts = textsOf(values as readonly (Json | undefined)[]);
  const keys = values.map(keyOf);
  return {
    values: keys.map((key) => texts.get(key) ?? 'default'),
    ...(isNumeric && {numbers: values as readonly number[]}),
    place: ({of}: Found): number => keys.indexOf(keyOf(of.point[path])),
  };
}

/** The classifiers of a task, as one more option: a name that an option changes (`5-nn`) is that of its type. */
function slotsOf(found: readonly Found[]) {
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
      place: ({slot}: Found) => slots.findIndex(([one]) => one === slot),
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

const keyOf = (value: unknown): string => (value === undefined ? 'default' : canonicalJson(value as Json));

export const valueText = ({scale}: Sweep, mean: number, sd: number | null = null): string =>
  number(mean, sd, scale === 'rate');

/** `learning_rate 0.005, nu 0.5, classifier kde`. */
export const settingText = ({parameters}: Sweep, {at}: Pick<Configuration, 'at'>): string =>
  parameters.map(({name, values}, i) => `${name} ${values[at[i]!]}`).join(', ');

/** The best of those that have all classes, by its mean; undefined where it is not known what is better, or there is one. */
export function bestOfSweep({better, configurations}: Sweep): Configuration | undefined {
  if (better === undefined || configurations.length < 2) return undefined;
  const sign = better === 'higher' ? 1 : -1;
  return wholeOf(configurations).reduce((a, b) => (sign * b.mean > sign * a.mean ? b : a));
}

/** A mean over fewer classes or seeds is of another problem. */
export function wholeOf(configurations: readonly Configuration[]): readonly Configuration[] {
  const most = Math.max(...configurations.map(({n}) => n));
  return configurations.filter(({n}) => n === most);
}
