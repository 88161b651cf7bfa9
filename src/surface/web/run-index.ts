/**
 * All runs at a glance, thousands of them: those that have ended from the results database, the others from their records, which are
 * read again only when they have changed.
 */
import {join} from 'node:path';
import {compareText} from '../../core/base/text.ts';
import type {Results} from '../../pipeline/store/results/results.ts';
import {type RunRecord, readRecord, recordState} from '../../pipeline/store/runs/record.ts';
import {type Remarks, readRemarks} from '../../pipeline/store/runs/remarks.ts';
import {listRuns, runStateOf} from '../../pipeline/store/runs/runs.ts';
import {type Best, bestMean, bestOfRun, type MeanGroup, telling} from '../tables/best-mean.ts';
import type {Better} from '../tables/best-of.ts';
import type {ListedRun} from './listed-run.ts';
import {having, isSettled} from './live-run.ts';

/** What the database has of a run. */
type Filed = Omit<ListedRun, 'tags' | 'note'> & {
  /** State of its files when it was filed. */
  readonly record: string | null;
  readonly groups: readonly FiledGroup[] | null;
  /** That its spec names first; null: not known. */
  readonly firstMetric: string | null;
};

/** Its options are filed once for all that share them. */
type FiledGroup = Omit<MeanGroup, 'options' | 'classifierOptions' | 'definitionOptions'> & {
  readonly config: string;
  readonly definition: string;
};

interface FiledOptions {
  readonly configs: readonly {readonly config: string; readonly options: MeanGroup['options']}[];
  readonly definitions: readonly ({readonly definition: string} & Pick<
    MeanGroup,
    'classifierOptions' | 'definitionOptions'
  >)[];
}

// What a search has chosen, only its record says: its tasks have trials in their ids (`trialLabels`).
// One text for all runs: thousands of rows take DuckDB's binding longer than all the rest.
const filedQuery = `
with of_tasks as (
  select run, list_sort(list_distinct(list(dataset))) as datasets, list_sort(list_distinct(list(paper_row))) as methods
  from tasks group by run
), means as (
  select metrics.run, dataset, paper_row as "paperRow", config, definition, metrics.classifier,
    paper_classifier as "paperClassifier", metric, avg(value) as mean, any_value(scale) as scale, count(*) as n, count(distinct inlier) as classes,
    count(distinct seed) as seeds
  from metrics join tasks using (run, task) join runs using (run)
  where part = 'test' and ensemble is null and isfinite(value)
    and (metric = first_metric or first_metric is null and metric in (${telling.map((name) => `'${name}'`).join(', ')}))
  group by all
), of_means as (select run, list(means) as groups from means group by run)
select json_group_array(json_object('id', run, 'name', name, 'started', started, 'state', outcome, 'seconds', seconds,
  'tasks', tasks, 'stages', stages, 'settled', computed + cached + failed + skipped, 'failed', failed, 'damage', damage,
  'record', record, 'firstMetric', first_metric, 'datasets', coalesce(datasets, []), 'methods', coalesce(methods, []), 'groups', groups))::varchar
from runs left join of_tasks using (run) left join of_means using (run)
where outcome <> 'unfinished' and run not in (select run from tasks where contains(task, '/trial='))`;

const optionsQuery = `
select json_object(
  'configs', (select json_group_array(json_object('config', config, 'options', options::json))
    from (select config, any_value(options) as options from tasks group by config)),
  'definitions', (select json_group_array(json_object('definition', definition, 'classifierOptions', classifier::json,
      'definitionOptions', options::json))
    from (select definition, any_value(classifier_options) as classifier, any_value(definition_options) as options
      from metrics group by definition))
)::varchar`;

interface Known {
  readonly run: ListedRun;
  /** Of its files. */
  readonly stamp: string;
  /** Of a run that may go on. */
  readonly record?: RunRecord;
}

export class RunIndex {
  readonly #root: string;
  readonly #results: Results;
  readonly #known = new Map<string, Known>();
  readonly #better: Better;
  #filed: Promise<ReadonlyMap<string, Filed>> | undefined;

  /** `root`: `runs/`. */
  constructor(root: string, results: Results, better: Better) {
    this.#root = root;
    this.#results = results;
    this.#better = better;
  }

  /** Ids of all runs, newest first. */
  ids(): readonly string[] {
    return listRuns(this.#root);
  }

  /** As the files are now; what the database has is known once `load` has ended. */
  runs(ids: readonly string[]): readonly ListedRun[] {
    return ids.map((id) => this.#look(id));
  }

  /** All of them, newest first. Of those that had ended, nothing is looked at again; a run that has not changed is the same object. */
  again(): readonly ListedRun[] {
    return this.ids().map((id) => {
      const known = this.#known.get(id);
      return known && !known.record && known.run.damage === undefined ? known.run : this.#look(id);
    });
  }

  /** Takes from the database what it has. */
  async load(): Promise<void> {
    this.#filed ??= this.#filedRuns();
    for (const [id, filed] of await this.#filed)
      if (!this.#known.has(id)) this.#known.set(id, {run: listedFrom(filed), stamp: filed.record ?? ''});
  }

  #look(id: string): ListedRun {
    const folder = join(this.#root, id);
    const known = this.#known.get(id);
    const stamp = recordState(folder);
    const next = known?.stamp === stamp ? known : {...this.#read(id, folder), stamp};
    const {record} = next;
    // Whether a process lives is not seen in its run's files.
    const now = {...next.run, ...(record && {state: runStateOf(record)}), ...remarksOf(readRemarks(folder))};
    const run = known && JSON.stringify(known.run) === JSON.stringify(now) ? known.run : now;
    this.#known.set(id, {run, stamp, ...(record && {record})});
    return run;
  }

  #read(id: string, folder: string): Omit<Known, 'stamp'> {
    const read = readRecord(folder);
    if (!read.ok) return {run: damagedRun(id, read.failures[0]!.message)};
    const record = read.value;
    return {run: listedOf(record, this.#better), ...(record.outcome === 'unfinished' && {record})};
  }

  async #filedRuns(): Promise<ReadonlyMap<string, Filed>> {
    const [runs, options] = [
      await this.#json<readonly Filed[]>(filedQuery),
      await this.#json<FiledOptions>(optionsQuery),
    ];
    if (!runs || !options) return new Map();
    const bestOf = bestWith(options, this.#better);
    return new Map(runs.map((run) => [run.id, {...run, ...optionalBest(bestOf(run))}]));
  }

  async #json<T>(query: string): Promise<T | undefined> {
    const found = await this.#results.query(query);
    const text = found.ok ? found.value.rows[0]?.[0] : undefined;
    return text == null ? undefined : (JSON.parse(String(text)) as T);
  }
}

const remarksOf = ({tags, note, damage}: Remarks): Pick<ListedRun, 'tags' | 'note'> => ({
  tags,
  note: damage === undefined ? note : `${damage}.`,
});

const listedFrom = ({record: _, groups: __, firstMetric: ___, started, seconds, damage, ...run}: Filed): ListedRun => ({
  ...run,
  ...(started != null && {started}),
  ...(seconds != null && {seconds}),
  ...(damage != null && {damage}),
  tags: [],
  note: '',
});

const optionalBest = (best: Best | undefined): Pick<ListedRun, 'best'> => (best ? {best} : {});

function bestWith({configs, definitions}: FiledOptions, better: Better): (run: Filed) => Best | undefined {
  const configOf = new Map(configs.map(({config, options}) => [config, options]));
  const definitionOf = new Map(definitions.map((one) => [one.definition, one]));
  return ({groups, firstMetric}) =>
    bestMean(
      (groups ?? []).map((group) => {
        const {classifierOptions = null, definitionOptions = null} = definitionOf.get(group.definition) ?? {};
        return {...group, options: configOf.get(group.config) ?? {}, classifierOptions, definitionOptions};
      }),
      firstMetric,
      better,
    );
}

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)].sort(compareText);

const listedOf = (record: RunRecord, better: Better): ListedRun => ({
  id: record.id,
  name: record.name,
  ...(record.started !== undefined && {started: record.started}),
  state: runStateOf(record),
  ...(record.seconds !== undefined && {seconds: record.seconds}),
  tasks: record.tasks.length,
  stages: record.stages.length,
  settled: record.stages.filter(isSettled).length,
  failed: having(record, 'failed'),
  ...(record.damage !== undefined && {damage: record.damage}),
  datasets: distinct(record.tasks.map(({dataset}) => dataset.type)),
  methods: distinct(record.tasks.map(({compare}) => compare.row)),
  ...optionalBest(bestOfRun(record, better)),
  tags: [],
  note: '',
});

const damagedRun = (id: string, damage: string): ListedRun => ({
  id,
  name: id,
  state: 'damaged',
  tasks: 0,
  stages: 0,
  settled: 0,
  failed: 0,
  damage,
  datasets: [],
  methods: [],
  tags: [],
  note: '',
});
