/** What differs between two runs: first what could be a cause, then the numbers. */
import type {Json} from '../../core/base/canonical.ts';
import {type Difference, differences} from '../../core/base/diff.ts';
import {groupBy} from '../../core/base/group.ts';
import {flowText} from '../../core/base/json.ts';
import {plural} from '../../core/base/text.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import {configurationOf} from '../../pipeline/store/results/rows.ts';
import {metricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';

export interface Why {
  readonly left: string;
  readonly right: string;
  /** Options by dotted path, each with the tasks that it concerns. */
  readonly options: readonly (Difference & {readonly tasks: readonly string[]})[];
  /** Tasks (by normal class, method, …) of only one run. */
  readonly onlyLeft: readonly string[];
  readonly onlyRight: readonly string[];
  /** Tasks whose dataset files (or limit) differ. */
  readonly data: readonly string[];
  /** Recorded facts: package version, git commit, Node, hardware. */
  readonly environment: readonly Difference[];
  readonly engine: readonly Difference[];
  readonly metrics: readonly MetricDifference[];
  /** Numbers that both runs have and that are equal. */
  readonly equalMetrics: number;
}

interface MetricDifference {
  readonly task: string;
  readonly classifier: string;
  readonly metric: string;
  readonly left: number | null;
  readonly right: number | null;
}

export function why(left: RunRecord, right: RunRecord): Why {
  const [ours, theirs] = [sidesOf(left), sidesOf(right)];
  const pairs = pair(ours, theirs);
  const options = pairs.flatMap(([a, b]) =>
    differences(a.settings, b.settings).map((difference) => ({difference, task: a.name})),
  );
  const grouped = groupBy(options, ({difference}) => JSON.stringify(difference));
  const measured = pairs.flatMap(([a, b]) => metricPairs(a, b));
  const paired = new Set(pairs.flat());
  return {
    left: left.id,
    right: right.id,
    options: [...grouped.values()].map((them) => ({...them[0]!.difference, tasks: them.map(({task}) => task)})),
    onlyLeft: ours.filter((side) => !paired.has(side)).map((side) => side.name),
    onlyRight: theirs.filter((side) => !paired.has(side)).map((side) => side.name),
    data: pairs.filter(([a, b]) => a.data !== b.data && a.data && b.data).map(([a]) => a.name),
    environment: differences(left.environment, right.environment).filter(({path}) => path !== 'pid'),
    engine: differences(left.engine as Json | undefined, right.engine as Json | undefined, 'engine'),
    metrics: measured.filter((it) => it.left !== it.right),
    equalMetrics: measured.filter((it) => it.left === it.right).length,
  };
}

interface Side {
  readonly task: Task;
  /** `cifar10 cat · rotation · seed 0`. */
  readonly name: string;
  /** All resolved options, including seed and normal class. */
  readonly settings: Json;
  readonly data: string | undefined;
  /** Classifier and metric, with the part if it is not the test images → value. */
  readonly values: ReadonlyMap<string, number | null>;
}

function sidesOf(record: RunRecord): readonly Side[] {
  const values = groupBy(metricsOf(record), (value) => value.task);
  const ownStages = groupBy(
    record.stages.flatMap((stage) => stage.node.tasks.map((task) => ({task, stage}))),
    ({task}) => task,
  );
  return record.tasks.map((task) => {
    const stages = (ownStages.get(task.id) ?? []).map(({stage}) => stage);
    const nodes = stages.map((stage) => stage.node);
    return {
      task,
      name: `${task.dataset.type} ${task.inlier} · ${task.learner.type} · seed ${task.seed}`,
      settings: {
        ...configurationOf(task, nodes),
        classifiers: keyed(task.classifiers as Json),
        metrics: keyed(task.metrics as Json),
        seed: task.seed,
        inlier: task.inlier,
      },
      data: stages.find((stage) => stage.kind === 'data')?.fingerprint,
      values: new Map(
        (values.get(task.id) ?? []).map((it) => [
          `${it.classifier}\n${it.metric}${it.part === 'test' ? '' : ' (validation)'}`,
          it.value,
        ]),
      ),
    };
  });
}

/** A list of plug-ins by type, so that one more of them is one difference; the second of a type gets a number. */
function keyed(refs: Json): Json {
  const counts = new Map<string, number>();
  return Object.fromEntries(
    (refs as readonly {readonly type: string}[]).map((ref) => {
      const nth = (counts.get(ref.type) ?? 0) + 1;
      counts.set(ref.type, nth);
      return [nth === 1 ? ref.type : `${ref.type}#${nth}`, ref as Json];
    }),
  );
}

/**
 * Tasks that belong together, the most alike first: equal in name and matrix point, then without the point, then without the seed,
 * then without the learner, then only by dataset and position of the normal class.
 */
function pair(left: readonly Side[], right: readonly Side[]): readonly (readonly [Side, Side])[] {
  const pairs: [Side, Side][] = [];
  const keys: ((side: Side) => Json)[] = [
    ({task, name}) => [name, task.point as Json, task.spec],
    ({task, name}) => [name, task.point as Json],
    ({name}) => name,
    ({task}) => [task.dataset.type, task.inlier, task.learner.type],
    ({task}) => [task.dataset.type, task.inlier],
  ];
  let [a, b] = [left, right];
  for (const keyOf of keys) {
    const waiting = groupBy(b, (side) => JSON.stringify(keyOf(side)));
    for (const side of a) {
      const match = waiting.get(JSON.stringify(keyOf(side)))?.shift();
      if (match) pairs.push([side, match]);
    }
    const done = new Set(pairs.flat());
    [a, b] = [a.filter((side) => !done.has(side)), b.filter((side) => !done.has(side))];
  }
  return pairs;
}

function metricPairs(a: Side, b: Side): readonly MetricDifference[] {
  return [...a.values].flatMap(([key, left]) => {
    const right = b.values.get(key);
    const [classifier, metric] = key.split('\n') as [string, string];
    return right === undefined ? [] : [{task: a.name, classifier, metric, left, right}];
  });
}

export function formatWhy(result: Why): string {
  const change = ({path, left, right}: Difference) => `${path}: ${show(left)} → ${show(right)}`;
  const block = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [[title, ...lines.map((line) => `  ${line}`)].join('\n')];
  const causes = [
    ...block(
      'Options:',
      result.options.map((it) => `${change(it)}${it.tasks.length > 1 ? ` (${it.tasks.length} tasks)` : ''}`),
    ),
    ...block('The data differs (other files, or another choice of them) in', result.data),
    ...block(`Only in ${result.left}:`, result.onlyLeft),
    ...block(`Only in ${result.right}:`, result.onlyRight),
    ...block('Engine:', result.engine.map(change)),
    ...block('Environment:', result.environment.map(change)),
  ];
  const points = (value: number | null) => (value === null ? '–' : value.toFixed(4));
  const metrics = result.metrics.map(
    ({task, classifier, metric, left, right}) =>
      `${task} · ${classifier} · ${metric}: ${points(left)} → ${points(right)}`,
  );
  const equal = result.equalMetrics === 0 ? [] : [`${plural(result.equalMetrics, 'number is', 'numbers are')} equal.`];
  const unexplained =
    causes.length === 0 && metrics.length > 0
      ? [
          'The records do not explain the difference: the engine may not be deterministic, or the machine was another one.',
        ]
      : [];
  const nothing = causes.length === 0 && metrics.length === 0 ? ['The records of the two runs do not differ.'] : [];
  return `${[`${result.left} → ${result.right}`, ...causes, ...block('Numbers:', metrics), ...equal, ...unexplained, ...nothing].join('\n\n')}\n`;
}

const show = (value: Json | undefined): string =>
  value === undefined ? '(none)' : typeof value === 'string' ? value : flowText(value);
