/** Runs at a glance, newest first. */
import {count, dateText, duration, roughly} from '../../core/base/text.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {QueryResult} from '../../pipeline/store/results/results.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Remarks} from '../../pipeline/store/runs/remarks.ts';
import {nameIn, startOf} from '../../pipeline/store/runs/run-id.ts';
import {type RunState, runStateOf} from '../../pipeline/store/runs/runs.ts';
import {type Screen, terminalTable} from './table.ts';

export interface RunListing {
  readonly id: string;
  readonly name: string;
  /** ISO 8601, UTC; absent if the run was killed before its first event. */
  readonly started?: string;
  /** `elsewhere`: it is in the store, and its record is fetched when somebody asks for it. */
  readonly outcome: RunState | 'elsewhere';
  /** Why its record can't be read, or what it has lost; absent: nothing is wrong with it. */
  readonly damage?: string;
  readonly tasks: number;
  readonly stages: number;
  readonly computed: number;
  readonly cached: number;
  readonly failed: number;
  /** Absent while it is unfinished. */
  readonly seconds?: number;
  /** Seconds until it may end; absent: it does not run, or too little is known. */
  readonly left?: number;
  /** What people have said of it (`remarks.ts`); absent: nothing. */
  readonly tags?: readonly string[];
  readonly note?: string;
}

export function listingOf(record: RunRecord): RunListing {
  const having = (status: string) => record.stages.filter((stage) => stage.status === status).length;
  return {
    id: record.id,
    name: record.name,
    ...(record.started !== undefined && {started: record.started}),
    outcome: runStateOf(record),
    ...(record.damage !== undefined && {damage: record.damage}),
    tasks: record.tasks.length,
    stages: record.stages.length,
    computed: having('computed'),
    cached: having('cached'),
    failed: having('failed'),
    ...(record.seconds !== undefined && {seconds: record.seconds}),
  };
}

/** Of a run whose record can't be read at all. */
export const damagedListing = (id: string, {message}: Problem): RunListing => ({
  id,
  name: '–',
  outcome: 'damaged',
  damage: message,
  tasks: 0,
  stages: 0,
  computed: 0,
  cached: 0,
  failed: 0,
});

const optionalStart = (id: string): {readonly started?: string} => {
  const started = startOf(id);
  return started === undefined ? {} : {started};
};

/** Of a run that is in the store alone: what its id tells. */
export const listingElsewhere = (id: string): RunListing => ({
  id,
  name: nameIn(id),
  ...optionalStart(id),
  outcome: 'elsewhere',
  tasks: 0,
  stages: 0,
  computed: 0,
  cached: 0,
  failed: 0,
});

/** Asks the results database for the listings of runs that have ended: thousands of records take long to read. */
export const listingQuery = `select run, name, started, outcome, tasks, stages, computed, cached, failed, seconds,
  damage from runs where outcome <> 'unfinished'`;

/** Its answer. */
export const listingsOf = ({rows}: QueryResult): readonly RunListing[] =>
  rows.map((row) => {
    const [id, name, started, outcome, tasks, stages, computed, cached, failed, seconds, damage] =
      row as readonly never[];
    return {
      id: id!,
      name: name!,
      ...(started !== null && {started}),
      outcome: outcome!,
      tasks: tasks!,
      stages: stages!,
      computed: computed!,
      cached: cached!,
      failed: failed!,
      ...(seconds !== null && {seconds}),
      ...(damage !== null && {damage}),
    };
  });

/** With what people have said of the run. */
export function remarked(listing: RunListing, {tags, note}: Remarks): RunListing {
  return {...listing, ...(tags.length > 0 && {tags}), ...(note !== '' && {note})};
}

export function formatRuns(runs: readonly RunListing[], {columns, paint}: Screen = {}): string {
  if (runs.length === 0) return 'There are no runs yet.\n';
  const right = ['tasks', 'computed', 'cached', 'failed', 'time'];
  const isTagged = runs.some(({tags}) => tags);
  const names = ['run', 'name', 'started', 'outcome', ...right, ...(isTagged ? ['tags'] : [])];
  const table = terminalTable(
    {
      columns: names.map((name) => ({name, align: right.includes(name) ? 'right' : 'left'})),
      rows: runs.map((run) => [
        run.id,
        run.name,
        run.started ? dateText(run.started) : '–',
        run.outcome,
        ...[run.tasks, run.computed, run.cached, run.failed].map((number) =>
          run.outcome === 'elsewhere' ? '–' : count(number),
        ),
        timeText(run),
        ...(isTagged ? [run.tags?.join(', ') ?? ''] : []),
      ]),
      lead: 1,
      tone: (row, column) => (names[column] === 'outcome' ? tones[runs[row]!.outcome] : undefined),
    },
    columns,
    paint,
  );
  return `${table}\n`;
}

const timeText = ({seconds, left}: RunListing): string =>
  seconds !== undefined ? duration(seconds) : left === undefined ? '–' : `${roughly(left)} left`;

const tones = {
  done: 'good',
  failed: 'bad',
  interrupted: 'poor',
  running: 'good',
  stopped: 'poor',
  unfinished: 'faint',
  damaged: 'bad',
  elsewhere: 'faint',
} as const;
