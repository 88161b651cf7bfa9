/** The trials of a run with a search, from its record: values, the best one, and what each was measured on. */
import {groupBy} from '../../core/base/group.ts';
import type {Task} from '../config/spec.ts';
import type {Part} from '../stages/stage.ts';
import {type MetricValue, metricsOf} from '../store/runs/numbers.ts';
import type {RunRecord, StageRecord} from '../store/runs/run-record.ts';
import {Ladder, type Rule} from './ladder.ts';
import {mean, meanOverClasses, oneEach} from './objective.ts';
import type {Search} from './read.ts';
import {fromRecord} from './record.ts';
import {ruleOf, rungsOf} from './rule.ts';
import type {Point} from './space.ts';

/** Of one metric: over the normal classes of the mean over seeds. */
export interface Score {
  /** As measured; null: a class or a seed has no finite value. */
  readonly value: number | null;
  /** Standard deviation of the seeds' means (n − 1); null: one seed. */
  readonly sd: number | null;
}

/** A configuration that was tried: a trial, with one setting of stage two. */
export interface TriedRow {
  readonly trial: number;
  readonly setting: number;
  readonly point: Point;
  /** Epochs after which its training was ended; absent: it was trained to its end. */
  readonly until?: number;
  /** true: the search was stopped before it was decided whether this training goes on. */
  readonly isUndecided?: boolean;
  /** About so many images of each split have measured it there; absent: all. */
  readonly images?: number;
  /** Of the objective, on the images that decide. */
  readonly objective: Score;
  /** The same metric on the test images, if others decide and it is there. */
  readonly test?: Score;
  readonly tasks: readonly Task[];
}

export interface SearchResults {
  readonly search: Search;
  /** Every configuration where its training ended, in the order of the trials. */
  readonly rows: readonly TriedRow[];
  /** The best value of all that were trained to their end; of equal ones the first. */
  readonly best?: TriedRow;
  /** false: the search was stopped, or goes on. */
  readonly isOver: boolean;
  /** Trials, and how many of them ended early and how many have no value. */
  readonly trials: number;
  readonly ended: number;
  readonly failed: number;
}

/** Undefined: the run has no search. */
export function searchResultsOf(record: RunRecord): SearchResults | undefined {
  if (!record.search) return undefined;
  const search = fromRecord(record.search);
  const values = groupBy(metricsOf(record), ({task}) => task);
  const {metric, on, better} = search.objective;
  const trials = groupBy(
    record.tasks.filter(({trial}) => trial !== undefined),
    ({trial}) => trial!.number,
  );
  const isOver = record.outcome === 'done' || record.outcome === 'failed';
  const sign = better === 'higher' ? 1 : -1;
  const scoreOfTasks = (tasks: readonly Task[]): number | null => scoreOf(foundOf(tasks, values, metric, on)).value;
  const ended = isOver
    ? undefined
    : endedBy(ruleOf(search), trials, (tasks) => sign * (scoreOfTasks(tasks) ?? Number.NaN));
  const rows = [...trials].flatMap(([trial, tasks]) => {
    // Where it ended: at its own end, or at the last rung that it reached.
    const last = Math.max(...tasks.map(({until = Number.POSITIVE_INFINITY}) => until));
    const final = tasks.filter(({until = Number.POSITIVE_INFINITY}) => until === last);
    return [...groupBy(final, (task) => task.trial!.setting)].map(([setting, own]): TriedRow => {
      const [task] = own as [Task];
      const score = (part: Part) => scoreOf(foundOf(own, values, metric, part));
      return {
        trial,
        setting,
        point: task.point as Point,
        ...(Number.isFinite(last) && {until: last}),
        ...(Number.isFinite(last) && ended?.has(trial) === false && {isUndecided: true}),
        ...task.glance,
        objective: score(on),
        ...(on !== 'test' && {test: score('test')}),
        tasks: own,
      };
    });
  });
  const whole = rows.filter(({until, objective}) => until === undefined && objective.value !== null);
  const best = whole.reduce<TriedRow | undefined>(
    (a, b) => (a && sign * a.objective.value! >= sign * b.objective.value! ? a : b),
    undefined,
  );
  const byTrial = [...groupBy(rows, ({trial}) => trial).values()];
  return {
    search,
    rows,
    ...(best && {best}),
    trials: byTrial.length,
    isOver,
    ended: byTrial.filter(([own]) => own!.until !== undefined && !own!.isUndecided).length,
    failed: byTrial.filter((own) => own.every((row) => row.objective.value === null && !row.isUndecided)).length,
  };
}

/**
 * The trials that the rule has ended, by the values of a search that has not come to its end. `scoreOfTasks`: of a configuration, higher
 * is better.
 */
function endedBy(
  rule: Rule | undefined,
  trials: ReadonlyMap<number, readonly Task[]>,
  scoreOfTasks: (tasks: readonly Task[]) => number,
): ReadonlySet<number> {
  if (!rule) return new Set();
  const ladder = new Ladder(rule);
  const numbers = Array.from({length: Math.max(-1, ...trials.keys()) + 1}, (_, n) => n);
  for (const n of numbers) {
    const rungs = rungsOf(rule, trials.get(n)?.[0]);
    ladder.begin(rungs.length);
    for (const rung of rungs) {
      const there = groupBy(
        trials.get(n)!.filter(({until}) => until === rung),
        ({trial}) => trial!.setting,
      );
      const found = [...there.values()].map(scoreOfTasks).filter((value) => !Number.isNaN(value));
      if (found.length === 0) break; // it has not come so far
      ladder.reached(n, Math.max(...found));
    }
  }
  return new Set(numbers.filter((n) => ladder.fateOf(n).state === 'stopped'));
}

/** One number of a configuration. */
export interface Found {
  readonly inlier: string;
  readonly seed: number;
  readonly value: number | null;
  /** That measured it; absent: none did. */
  readonly stage?: StageRecord;
}

/**
 * The numbers of the classifier that counts: one a task, or one a class where only all seeds together have some.
 */
export function foundOf(
  tasks: readonly Task[],
  values: ReadonlyMap<string, readonly MetricValue[]>,
  metric: string,
  part: Part,
): readonly Found[] {
  const numbers = tasks.map((task) => {
    const own = (values.get(task.id) ?? []).filter((one) => one.metric === metric && one.part === part);
    const isWanted = ({classifier}: MetricValue): boolean =>
      classifier === task.trial!.classifier || classifier.startsWith('(');
    const single = own.find((one) => one.ensemble === null && isWanted(one));
    const shared = own.find((one) => one.ensemble !== null && isWanted(one));
    return {inlier: task.inlier, seed: task.seed, single, shared};
  });
  return oneEach(numbers).map(({inlier, seed, one}) => ({
    inlier,
    seed,
    value: one?.value ?? null,
    ...(one && {stage: one.stage}),
  }));
}

export function scoreOf(found: readonly Found[]): Score {
  const finite = found.filter((one): one is Found & {readonly value: number} => Number.isFinite(one.value));
  if (finite.length === 0 || finite.length < found.length) return {value: null, sd: null};
  const value = meanOverClasses(finite);
  const seeds = [...groupBy(finite, ({seed}) => seed).values()].map((own) => mean(own.map((one) => one.value)));
  return {value, sd: seeds.length > 1 ? deviation(seeds) : null};
}

const deviation = (values: readonly number[]): number => {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
};
