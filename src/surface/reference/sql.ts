/** `docs/reference/sql.md`: tables and views of the results database. The compiler holds that every column is described. */
import {type TableName, tables} from '../../pipeline/store/results/schema.ts';
import {code, page, table} from './markdown.ts';

type Columns = {readonly [T in TableName]: {readonly [C in keyof (typeof tables)[T]]: string}};

const json = 'canonical JSON';

const columns: Columns = {
  runs: {
    run: 'Id of the run, which is the name of its folder.',
    name: 'Name of the spec or suite.',
    started: 'ISO 8601, UTC.',
    finished: 'ISO 8601, UTC; null while it runs, or if it was killed.',
    outcome: '`done`, `failed`, `interrupted`, `unfinished`, or `damaged`: its record has lost how it ended.',
    seconds: 'From start to end.',
    engine: 'Name and version of the engine; null if nothing was computed.',
    tasks: 'Number of tasks.',
    stages: 'Number of stages.',
    computed: 'Number of stages that were computed.',
    cached: 'Number of stages found in the cache.',
    failed: 'Number of stages that failed.',
    skipped: 'Number of stages skipped because of a failure before them.',
    environment: `Versions, machine and code of the run; ${json}.`,
    damage: 'What the record of the run has lost, in a sentence; null: nothing.',
    record:
      'Sizes and times of the files of its record when it was filed; a run whose record has changed since is filed again.',
    first_metric:
      'The metric that the spec names first, by which the best configuration is chosen; null: filed by an older version.',
  },
  tasks: {
    run: 'Id of the run.',
    task: 'Id of the task, such as `quickstart/bag/rotation/seed=0`.',
    spec: 'Name of the spec.',
    dataset: 'Name of the dataset.',
    inlier: 'The normal class.',
    learner: 'Name of the learner.',
    seed: 'Seed of the task.',
    options: `All options that determine the result; ${json}.`,
    point: `Point of the matrix, dotted path to value; ${json}.`,
    classifiers: `Classifiers with their options; ${json}.`,
    config: 'SHA-256 of `options`: tasks with the same value differ only in class and seed.',
    data: "Fingerprint of the task's `data` stage: the dataset's files, options and limit.",
    paper_table: "The paper's table to compare with.",
    paper_row: "That table's row.",
    problems: 'How many one-class problems the dataset has; null: recorded by an older version.',
  },
  stages: {
    run: 'Id of the run.',
    stage: 'Id of the stage.',
    kind: '`data`, `hold-out`, `learn`, `embed`, `score`, `validate`, `ensemble`, `evaluate`, `measure`, `pretext`, `agree` or `localize`.',
    label: 'What the stage does, for people.',
    status: 'How it ended.',
    cached: 'Whether it was found in the cache.',
    fingerprint: "The stage's cache key.",
    seconds: 'Seconds that it took.',
    peak_memory: 'Bytes: the largest resident memory of its process.',
    engine: 'The engine that computed it.',
    message: 'Why it failed or was skipped.',
    tasks: 'Ids of the tasks that need it.',
  },
  metrics: {
    run: 'Id of the run.',
    task: 'Id of the task.',
    classifier:
      'Name of the classifier; for a metric of features, the layer in brackets; for one of the learner’s own task, `(learner)`.',
    paper_classifier: "The classifier's name in the papers' tables.",
    classifier_options: `The classifier's options; ${json}.`,
    definition: 'SHA-256 of classifier, layer and metric with their versions and options.',
    metric: 'Name of the metric.',
    value: 'Its value; a rate is in [0, 1]. Null: undefined, or not computed; it may be infinite.',
    normal: 'Number of normal images of its part.',
    anomalous: 'Number of anomalous images of its part.',
    scale: '`rate` (printed × 100) or `number`.',
    test_labels: 'How the metric uses the test labels beyond evaluation; null: not at all.',
    ensemble: 'Seeds whose scores are combined; null: one seed.',
    engines: 'What computed the stages that it comes from, such as `wasm` or `tensorflow with 2 threads`.',
    other_engine: 'A sentence if that is not the engine that the run asked for; null: it is.',
    reason: 'Why `value` is null or infinite, or what it leaves out.',
    vouched:
      'Whether the value is that of a manifest in the cache; false: the run’s record alone has it; null: there is no value to vouch for.',
    definition_options: `Classifier, layer and metric with their versions and options; ${json}.`,
    part: 'The images that the value is of: `test` or `validation`.',
  },
  kinds: {
    run: 'Id of the run.',
    task: 'Id of the task.',
    classifier: 'As in `metrics`.',
    metric: 'Name of the metric, of scores or of pixels.',
    part: 'The images that the value is of: `test` or `validation`.',
    ensemble: 'Seeds whose scores are combined; null: one seed.',
    kind: 'The kind: a class that is not the normal one, such as `logical_anomalies`.',
    images: 'Number of images of this kind.',
    value: 'The metric of these images and all normal ones. Null: undefined.',
  },
  baselines: {
    rank: 'If several tables have a number, that of the lowest rank is taken.',
    table: 'Id of the table, such as `iclr-table-7`.',
    method: 'Row of the table.',
    classifier: 'Classifier, by its name in the papers.',
    dataset: 'Name of the dataset.',
    class: 'The normal class, or `mean`.',
    metric: 'Name of the metric.',
    value: 'As printed, 0 to 100.',
    spread: 'Printed after ±.',
    spread_kind: '`sd` or `se`: standard deviation (ICLR) or standard error (CutPaste) over seeds.',
    source: 'Where the number is from.',
  },
  paper_tasks: {dataset: 'Name of the dataset.', tasks: 'Number of its classes in the papers.'},
};

const aboutTables: {readonly [T in TableName]: string} = {
  runs: 'One row for each run.',
  tasks: 'One row for each task of a run: one dataset, normal class, learner, matrix point and seed.',
  stages: 'One row for each stage of a run.',
  metrics: 'One row for each value.',
  kinds:
    'One row for each value of one kind of anomaly, where there are several. Results that an older version has computed have none.',
  baselines: "The papers' numbers, from `data/baselines`.",
  paper_tasks: 'How many classes the papers average over.',
};

/** Columns of the views `comparison` and `comparison_mean`, in their order. */
export const viewColumns: {readonly [column: string]: string} = {
  config: 'As in `tasks`.',
  paper_row: "Row of the paper's table; with `-ensemble` at its end for an ensemble.",
  definition: 'As in `metrics`.',
  metric: 'Name of the metric.',
  dataset: 'Name of the dataset.',
  inlier: 'The normal class; `mean` in `comparison_mean`.',
  learner: 'Name of the learner.',
  data: 'As in `tasks`; null for a mean over different data.',
  ours: 'Mean over the seeds, on the test images; null: none has a value.',
  sd: 'Standard deviation over the seeds; for a mean, the average of the classes’ standard deviations.',
  n: 'Number of seeds; for a mean, the smallest of its classes.',
  n_most: 'The largest of its classes.',
  validation: 'The same on the validation images; null: no image is held out, or none of the seeds has a value.',
  validation_sd: 'Standard deviation of `validation` over the seeds.',
  validation_n: 'Number of seeds with a value on the validation images.',
  seeds: 'The seeds.',
  runs: 'Ids of the runs that the values are from.',
  paper_classifier: "The classifier's name in the papers' tables.",
  ensemble: 'Seeds whose scores are combined; null: each seed by itself.',
  scale: 'As in `metrics`.',
  test_labels: 'As in `metrics`.',
  normal: 'As in `metrics`: the fewest of its seeds.',
  anomalous: 'As in `metrics`: the fewest of its seeds.',
  is_only: 'Whether the dataset has one class alone.',
  error: 'Standard error of `ours`: over seeds; of one seed, what the number of test images alone allows.',
  reasons: 'The reasons of its values, as in `metrics`.',
  vouched: 'Whether all its values are vouched for, as in `metrics`.',
  definition_options: 'As in `metrics`.',
  engines: 'As in `metrics`: of all its values.',
  other_engines: 'The sentences of `other_engine` in `metrics`.',
  spec: 'Name of the spec.',
  classifier: 'Name of the classifier.',
  point: 'As in `tasks`.',
  options: 'As in `tasks`.',
  classifier_options: 'As in `metrics`.',
  paper_table: "The paper's table that was asked for.",
  planned: 'Number of seeds that the spec asks for.',
  paper: "The paper's value, divided by 100.",
  paper_spread: 'As printed, 0 to 100.',
  paper_spread_kind: '`sd` or `se`.',
  paper_source_table: 'Id of the table that the number is from.',
  paper_source: 'Where it is from.',
  difference: '`ours` minus `paper`.',
  verdict: 'Whether ours matches the paper’s.',
};

export interface ViewColumn {
  readonly name: string;
  readonly type: string;
}

/** `view`: the columns of `comparison` as the database describes them. */
export function sqlPage(view: readonly ViewColumn[]): string {
  return page(
    '# Tables of the results database',
    '`pipeline query "<sql>"` reads `results.duckdb` in the folder of runs. The database is an index: a damaged or missing one is ' +
      "made anew from the runs by itself, and `pipeline db rebuild` does so when asked. Rates are in [0, 1]; only `baselines` keeps the papers' numbers as printed. The SQL is DuckDB's. A statement can read " +
      'this database alone, neither other files nor the network.',
    ...Object.entries(tables).flatMap(([name, of]) => [
      `## ${name}`,
      aboutTables[name as TableName],
      columnTable(
        Object.entries<string>(of).map(([column, type]) => ({name: column, type})),
        columns[name as TableName],
      ),
    ]),
    '## comparison and comparison_mean',
    'Views: our numbers beside the papers’. `comparison` has one row for each configuration, classifier, metric and normal class, ' +
      '`comparison_mean` one for each mean over all classes of a dataset that has several. Of several runs with the same seed, the latest counts.',
    columnTable(view, viewColumns),
  );
}

const columnTable = (of: readonly ViewColumn[], meanings: {readonly [column: string]: string}): string =>
  table(
    ['column', 'type', 'meaning'],
    of.map(({name, type}) => {
      const meaning = meanings[name];
      if (meaning === undefined) throw new Error(`column "${name}" is not described in src/surface/reference/sql.ts`);
      return [code(name), type, meaning];
    }),
  );
