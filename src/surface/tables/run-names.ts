/** What the tasks and numbers of one run are called: as in its table of results. */
import type {Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {rowsOf} from '../../pipeline/store/results/rows.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import {labelsOf, type Named, namesOf} from './names.ts';

export interface RunNames {
  /** Task id → its method: `rotation epochs=12`. */
  readonly methods: ReadonlyMap<string, string>;
  /** Task id → its method, and its classifiers where other tasks of the method have others: `rotation · oc-svm-rbf nu=0.1`. */
  readonly tasks: ReadonlyMap<string, string>;
  /** Task id → all that its numbers depend on before the classifier. */
  readonly options: ReadonlyMap<string, Named['options']>;
  /** `column`: as a task calls a classifier; `oc-svm-rbf` may be `oc-svm-rbf nu=0.1` beside other tasks. */
  readonly classifier: (task: string, column: string) => string;
}

const known = new WeakMap<RunRecord, RunNames>();

export function runNames(record: RunRecord): RunNames {
  const before = known.get(record);
  if (before) return before;
  const rows = rowsOf(record);
  const parsed = new Map<string, Named['options']>();
  // Thousands of tasks have few configurations.
  const optionsIn = (text: unknown): Named['options'] => {
    const key = text as string;
    const own = parsed.get(key) ?? (JSON.parse(key) as Named['options']);
    parsed.set(key, own);
    return own;
  };
  const options = new Map(rows.tasks.map(({task, options: text}) => [task as string, optionsIn(text)]));
  const labels = labelsOf(
    record.tasks.map(({id, dataset, compare}) => ({
      dataset: dataset.type,
      paperRow: compare.row,
      options: options.get(id)!,
    })),
  );
  const methods = new Map(record.tasks.map(({id}, i) => [id, labels[i]!]));
  const tasks = new Map(record.tasks.map((task) => [task.id, task]));
  const numbers = rows.metrics
    .filter(({part}) => part === 'test')
    .map((row) => {
      const {dataset, compare} = tasks.get(row['task'] as string)!;
      const seeds = row['ensemble'] as readonly number[] | null;
      return {
        task: row['task'] as string,
        dataset: dataset.type,
        paperRow: compare.row,
        options: options.get(row['task'] as string)!,
        classifier: row['classifier'] as string,
        paperClassifier: row['paper_classifier'] as string,
        classifierOptions: JSON.parse(row['classifier_options'] as string) as Json,
        definitionOptions: JSON.parse(row['definition_options'] as string) as Json,
        metric: row['metric'] as string,
        ensemble: seeds?.length ?? null,
      };
    });
  const called = namesOf(numbers);
  const classifiers = new Map(numbers.map((one) => [keyOf(one.task, one.classifier), called.get(one)!.classifier]));
  const names: RunNames = {
    methods,
    options,
    tasks: withClassifiers(
      methods,
      groupBy(
        numbers.filter(({ensemble}) => ensemble === null),
        ({task}) => task,
      ),
      (one) => called.get(one)!.classifier,
    ),
    classifier: (task, column) => classifiers.get(keyOf(task, column)) ?? column,
  };
  known.set(record, names);
  return names;
}

const keyOf = (task: string, column: string): string => `${task}\n${column}`;

/** A task without numbers has its method's name alone. */
function withClassifiers<N extends Named>(
  methods: ReadonlyMap<string, string>,
  numbers: ReadonlyMap<string, readonly N[]>,
  nameOf: (one: N) => string,
): ReadonlyMap<string, string> {
  const found = [...methods].map(([task, method]) => {
    const own = numbers.get(task) ?? [];
    return {task, method, kind: `${own[0]?.dataset} ${method}`, names: [...new Set(own.map(nameOf))]};
  });
  const names = new Map(found.map(({task, method}) => [task, method]));
  const measured = found.filter((one) => one.names.length > 0);
  for (const rivals of groupBy(measured, ({kind}) => kind).values())
    for (const {task, method, names: own} of rivals) {
      const telling = own.filter((name) => !rivals.every((other) => other.names.includes(name)));
      names.set(task, [method, ...(telling.length > 0 ? [telling.join(' + ')] : [])].join(' · '));
    }
  return names;
}
