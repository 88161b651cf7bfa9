/**
 * The tables of the results database, and the views that compare. Rates are in [0, 1]; only `baselines` keeps what the papers
 * print (0 to 100). A released migration is never edited; a change is a new one at the end.
 */
import {verdictMacros} from './verdict.ts';

export type Cell = null | boolean | number | string | readonly string[] | readonly number[];
export interface Row {
  readonly [column: string]: Cell;
}

/** Columns of each table, in order, with DuckDB's types. */
export const tables = {
  runs: {
    run: 'VARCHAR',
    name: 'VARCHAR',
    /** ISO 8601, UTC. */
    started: 'VARCHAR',
    finished: 'VARCHAR',
    outcome: 'VARCHAR',
    seconds: 'DOUBLE',
    engine: 'VARCHAR',
    tasks: 'INTEGER',
    stages: 'INTEGER',
    computed: 'INTEGER',
    cached: 'INTEGER',
    failed: 'INTEGER',
    skipped: 'INTEGER',
    environment: 'VARCHAR',
    /** A sentence about what the run's record has lost; null: nothing. */
    damage: 'VARCHAR',
    /** Sizes and times of its files when it was filed; null: not known (filed by an older version). */
    record: 'VARCHAR',
    /** The metric that its spec names first; null: not known (filed by an older version). */
    first_metric: 'VARCHAR',
  },
  tasks: {
    run: 'VARCHAR',
    task: 'VARCHAR',
    spec: 'VARCHAR',
    dataset: 'VARCHAR',
    inlier: 'VARCHAR',
    learner: 'VARCHAR',
    seed: 'BIGINT',
    /** Canonical JSON of all that `config` digests. */
    options: 'VARCHAR',
    point: 'VARCHAR',
    classifiers: 'VARCHAR',
    config: 'VARCHAR',
    /** Fingerprint of the task's `data` stage: dataset files, options, limit. */
    data: 'VARCHAR',
    paper_table: 'VARCHAR',
    paper_row: 'VARCHAR',
    /** Number of one-class problems in the dataset; null: not known (filed by an older version). */
    problems: 'INTEGER',
  },
  stages: {
    run: 'VARCHAR',
    stage: 'VARCHAR',
    kind: 'VARCHAR',
    label: 'VARCHAR',
    status: 'VARCHAR',
    cached: 'BOOLEAN',
    fingerprint: 'VARCHAR',
    seconds: 'DOUBLE',
    peak_memory: 'BIGINT',
    engine: 'VARCHAR',
    message: 'VARCHAR',
    tasks: 'VARCHAR[]',
  },
  metrics: {
    run: 'VARCHAR',
    task: 'VARCHAR',
    classifier: 'VARCHAR',
    paper_classifier: 'VARCHAR',
    classifier_options: 'VARCHAR',
    /** Digest of classifier, layer and metric with their versions and options. */
    definition: 'VARCHAR',
    metric: 'VARCHAR',
    value: 'DOUBLE',
    normal: 'INTEGER',
    anomalous: 'INTEGER',
    /** `rate` or `number`; null (older runs, or not computed): readers take it for a rate if it looks like one. */
    scale: 'VARCHAR',
    /** A sentence on how the metric uses the test labels, besides judging the scores. */
    test_labels: 'VARCHAR',
    /** Seeds whose scores are combined; null: no ensemble. */
    ensemble: 'BIGINT[]',
    /** The engines that computed it and the stages before it, such as `wasm` or `tensorflow with 2 threads`. */
    engines: 'VARCHAR[]',
    /** A sentence if the run asked for another engine; else null. */
    other_engine: 'VARCHAR',
    /** Why `value` is null or infinite. */
    reason: 'VARCHAR',
    /**
     * true: a manifest in the cache had the value when it was filed. false: only the run's record had it. null: there is no result, or
     * it is not known (filed by an older version).
     */
    vouched: 'BOOLEAN',
    /** Canonical JSON of all that `definition` digests. */
    definition_options: 'VARCHAR',
    /** The images that the value is of: `test` or `validation`. */
    part: 'VARCHAR',
  },
  kinds: {
    run: 'VARCHAR',
    task: 'VARCHAR',
    classifier: 'VARCHAR',
    metric: 'VARCHAR',
    part: 'VARCHAR',
    ensemble: 'BIGINT[]',
    /** An anomalous class. */
    kind: 'VARCHAR',
    images: 'INTEGER',
    value: 'DOUBLE',
  },
  baselines: {
    /** Precedence: if several tables have a number, the one with the lowest rank counts. */
    rank: 'INTEGER',
    table: 'VARCHAR',
    method: 'VARCHAR',
    classifier: 'VARCHAR',
    dataset: 'VARCHAR',
    class: 'VARCHAR',
    metric: 'VARCHAR',
    value: 'DOUBLE',
    spread: 'DOUBLE',
    spread_kind: 'VARCHAR',
    source: 'VARCHAR',
  },
  paper_tasks: {dataset: 'VARCHAR', tasks: 'INTEGER'},
} as const satisfies Record<string, Record<string, string>>;

export type TableName = keyof typeof tables;

const createTables = Object.entries(tables).map(
  ([name, columns]) =>
    `create table if not exists ${name} (${Object.entries(columns)
      .map(([column, type]) => `"${column}" ${type}`)
      .join(', ')});`,
);

/**
 * One value for each configuration, inlier, seed, classifier, metric and part of the images, so that no seed counts twice: that of the latest run that has
 * one, or null if none has. (Ids sort in the order in which runs began, whatever clocks said.) If the run names several rows of a
 * paper, there is one value for each row: the default of every sweep of a table is the same configuration. Values from other data
 * than the latest run's (another edition of the files under the same options) are left out.
 * Arguments: ids of runs, and the name of a spec or run; null means all.
 */
const values = `
create or replace macro values_of(run_ids, spec_name) as table (
  -- Thousands of runs have the same few configurations, so rows are chosen by a few columns, and only then are whole rows fetched.
  with latest as (
    select metrics.rowid as metrics_row, tasks.rowid as tasks_row, config, inlier, definition, metric, part, data, value,
      case when metrics.ensemble is null then paper_row else paper_row || '-ensemble' end as paper_row,
      concat(runs.run, ' ', tasks.task) as moment
    from metrics join tasks using (run, task) join runs using (run)
    where (run_ids is null or list_contains(run_ids, run))
      and (spec_name is null or tasks.spec = spec_name or runs.name = spec_name)
    qualify rank() over (
        partition by config, inlier, seed, definition, metric, part
        order by value is null, runs.run desc) = 1
      and row_number() over (
        partition by config, inlier, seed, definition, metric, part, paper_row order by moment desc) = 1
  ), chosen as (
    from latest qualify data is not distinct from first_value(data) over (
      partition by config, inlier, definition, metric, paper_row order by value is null, moment desc)
  )
  select tasks.* replace (chosen.paper_row as paper_row), metrics.* exclude (run, task), chosen.moment
  from chosen join tasks on tasks.rowid = tasks_row join metrics on metrics.rowid = metrics_row
);`;

/**
 * Our numbers beside the papers': one for each class, and their mean if all classes of the dataset are there. `ours` is of the test
 * images alone; the mean of the validation images has columns of its own, and is never compared with a paper.
 */
const comparisons = `
create or replace macro comparison_of(run_ids, spec_name, table_name) as table (
  with planned as (
    select config, dataset, inlier, count(distinct seed) as planned, any_value(problems) as problems
    from tasks join runs using (run)
    where (run_ids is null or list_contains(run_ids, run))
      and (spec_name is null or tasks.spec = spec_name or runs.name = spec_name)
    group by all
  ), parts as materialized (
    select config, paper_row, definition, metric, part, dataset, inlier, learner, data,
      max_by(struct_pack(spec, classifier, point, options, classifier_options, definition_options,
        paper_table := coalesce(table_name, paper_table)), moment) as last,
      avg(value order by seed) as ours,
      -- infinite numbers have no deviation
      case when bool_and(isfinite(value)) then stddev_samp(case when isfinite(value) then value end order by seed) end as sd,
      count(value) as n, count(value) as n_most,
      min(normal) as normal, min(anomalous) as anomalous,
      coalesce(any_value(ensemble), list(seed order by seed) filter (value is not null), []) as seeds, list_sort(list_distinct(list(run))) as runs,
      any_value(paper_classifier) as paper_classifier,
      any_value(ensemble) as ensemble, any_value(scale) as scale, any_value(test_labels) as test_labels,
      list_sort(list_distinct(flatten(list(engines)))) as engines,
      list_sort(list_distinct(list(other_engine))) as other_engines,
      list_sort(list_distinct(list(reason))) as reasons, bool_and(vouched) as vouched
    from values_of(run_ids, spec_name)
    group by config, paper_row, definition, metric, part, dataset, inlier, learner, data
  ), validated as (
    select config, paper_row, definition, metric, inlier, ours as validation, sd as validation_sd, n as validation_n,
      reasons as validation_reasons, vouched as validation_vouched
    from parts where part = 'validation'
  ), unvalidated as (
    select * exclude (part) from parts where part = 'test'
    union all
    -- a metric that only validation images have
    select * exclude (part) replace (null::double as ours, null::double as sd, null::integer as normal, null::integer as anomalous)
    from (from parts where part = 'validation') anti join (from parts where part = 'test')
      using (config, paper_row, definition, metric, inlier)
  ), groups as (
    select unvalidated.* replace (
        list_sort(list_distinct(list_concat(reasons, coalesce(validation_reasons, [])))) as reasons,
        coalesce(vouched and validation_vouched, vouched, validation_vouched) as vouched),
      validation, validation_sd, validation_n
    from unvalidated left join validated using (config, paper_row, definition, metric, inlier)
  ), wanted as (
    select config, coalesce(any_value(paper_tasks.tasks), any_value(problems), count(distinct inlier)) as classes
    from planned left join paper_tasks using (dataset)
    group by config
  ), classes as materialized (
    -- an ensemble is one number, of which no seed can be missing
    select * exclude (last, planned, classes, problems), unnest(last), case when ensemble is null then planned else 1 end as planned,
      classes = 1 as is_only, 1 as averaged, chance_error(sd, n, normal, anomalous) as error
    from groups join planned using (config, dataset, inlier) join wanted using (config)
  ), means as (
    select config, paper_row, definition, metric, dataset, 'mean' as inlier, learner,
      case when count(distinct data) <= 1 then any_value(data) end as data,
      case when count(ours) = wanted.classes then avg(ours order by inlier) end as ours, case when min(n) > 1 then avg(sd order by inlier) end as sd,
      case when count(validation) = wanted.classes then avg(validation order by inlier) end as validation,
      case when min(validation_n) > 1 then avg(validation_sd order by inlier) end as validation_sd, min(validation_n) as validation_n,
      sqrt(sum(error * error)) / count(*) as error, count(*) as averaged,
      min(n) as n, max(n) as n_most, min(planned) as planned,
      list_sort(list_distinct(flatten(list(seeds)))) as seeds, list_sort(list_distinct(flatten(list(runs)))) as runs,
      any_value(paper_classifier) as paper_classifier,
      any_value(ensemble) as ensemble, any_value(scale) as scale, any_value(test_labels) as test_labels,
      list_sort(list_distinct(flatten(list(engines)))) as engines,
      list_sort(list_distinct(flatten(list(other_engines)))) as other_engines,
      list_sort(list_distinct(flatten(list(reasons)))) as reasons, bool_and(vouched) as vouched,
      min(spec) as spec, min(classifier) as classifier, min(point) as point,
      min(options) as options, min(classifier_options) as classifier_options,
      min(definition_options) as definition_options, min(paper_table) as paper_table
    from classes join wanted using (config)
    where not is_only
    group by config, paper_row, definition, metric, dataset, learner, wanted.classes
    -- only if all classes are there, and all of them come from the same data, or (datasets read once for each class) each from its own
    having wanted.classes in (count(ours), count(validation)) and count(distinct data) in (0, 1, count(*))
  ), shown as (from classes union all by name from means)
  -- Beside a group stands the paper's row from the table that the filter or the spec names, or else from the first table that has one.
  select g.* exclude (averaged), b.value / 100 as paper, b.spread / 100 as paper_spread, nullif(b.spread_kind, '') as paper_spread_kind,
    b."table" as paper_source_table, b.source as paper_source,
    case when isfinite(ours) then ours - paper end as difference,
    verdict_of(g.metric, ours, error, paper, tolerance_of(sd, paper_spread, paper_spread_kind, averaged)) as verdict
  from shown g left join baselines b
    -- a row of a paper that names no classifier stands beside any
    on b.method = g.paper_row and b.classifier in (g.paper_classifier, '') and b.dataset = g.dataset
    and (b.class = g.inlier or (g.is_only and b.class = 'mean')) and b.metric = g.metric
  qualify row_number() over (
    partition by g.config, g.paper_row, g.definition, g.metric, g.inlier
    order by (b."table" = g.paper_table) desc nulls last, b.class = g.inlier desc, b.rank) = 1
);
create or replace view comparison as from comparison_of(null, null, null) where inlier <> 'mean';
create or replace view comparison_mean as from comparison_of(null, null, null) where inlier = 'mean';`;

const columnType = (table: TableName, column: string) => (tables[table] as Record<string, string>)[column]!;

/**
 * Columns that were added after the first release. A new file has them from its first migration, which creates the present tables.
 */
const laterColumns = (
  [
    [
      'metrics',
      [
        'scale',
        'test_labels',
        'ensemble',
        'engines',
        'other_engine',
        'reason',
        'vouched',
        'definition_options',
        'part',
      ],
    ],
    ['tasks', ['problems']],
    ['runs', ['damage', 'record', 'first_metric']],
  ] as const
).flatMap(([table, names]) =>
  names.map((name) => `alter table ${table} add column if not exists ${name} ${columnType(table, name)};`),
);

const today = [...createTables, verdictMacros, ...laterColumns, values, comparisons].join('\n');

/** Entry n changes a database from migration n to n + 1. */
export const migrations: readonly string[] = [
  [
    'create table migration (number integer, baselines varchar);',
    ...createTables,
    verdictMacros,
    values,
    comparisons,
    'insert into migration values (1, null);',
  ].join('\n'),
  today,
  `drop macro table if exists comparison_mean_of; ${today}`,
  today,
  today,
  today,
  `${today}\nupdate metrics set part = 'test' where part is null;`,
  today,
  today,
];
