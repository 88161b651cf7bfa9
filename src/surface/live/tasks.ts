/** A run's stages by task: how far each task is, and what it has measured when it is settled. */
import {printable} from '../../core/base/screen.ts';
import {duration} from '../../core/base/text.ts';
import type {RunEvent, StageKind} from '../../pipeline/events.ts';
import type {EvaluateSummary, StageNode} from '../../pipeline/stages/stage.ts';

export type StageState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped';

/** What of a planned stage is needed here. */
export type PlannedStage = Pick<StageNode, 'id' | 'kind' | 'tasks' | 'results'>;

interface Task {
  readonly name: string;
  /** A search reports its trials, of which each may have hundreds of tasks. */
  readonly ofTrial: boolean;
  readonly stages: PlannedStage[];
  unsettled: number;
  /** `skipped`: not all of its stages ran, although none of them failed. */
  outcome: 'done' | 'failed' | 'skipped';
  /** Seconds of the computed stages that serve only this task. */
  readonly seconds: Map<StageKind, number>;
  /** Metric → `89.0 kde`, one for each classifier. */
  readonly numbers: Map<string, string[]>;
}

export interface SettledTask {
  readonly outcome: Task['outcome'];
  /** What it took; what it has measured. */
  readonly lines: readonly string[];
}

type Settling = Extract<RunEvent, {type: 'stage-finished' | 'stage-failed' | 'stage-skipped'}>;

export class TaskTree {
  readonly #stages = new Map<string, PlannedStage>();
  readonly #states = new Map<string, StageState>();
  readonly #tasks = new Map<string, Task>();
  /** Leave out the name of the spec. */
  readonly #cut: boolean;

  constructor(graph: readonly PlannedStage[]) {
    const ids = new Set(graph.flatMap(({tasks}) => tasks));
    // All task ids begin with the name of their spec, which is not needed if there is only one spec.
    const specs = new Set([...ids].map((id) => id.slice(0, id.indexOf('/') + 1)));
    this.#cut = specs.size <= 1;
    for (const stage of graph) this.#add(stage, stage.tasks, false);
  }

  /** What was planned while the run went on. */
  grow({stages, shared}: Extract<RunEvent, {type: 'plan-grown'}>): void {
    for (const stage of stages) this.#add(stage, stage.tasks, true);
    for (const {id, tasks, results = []} of shared) {
      const {results: before = [], ...stage} = this.#stages.get(id)!;
      const all = [...before, ...results];
      this.#add({...stage, tasks: [...stage.tasks, ...tasks], ...(all.length > 0 && {results: all})}, tasks, true);
    }
  }

  #add(stage: PlannedStage, tasks: readonly string[], ofTrial: boolean): void {
    this.#stages.set(stage.id, stage);
    const state = this.#states.get(stage.id);
    const isSettled = state !== undefined && state !== 'running';
    for (const id of tasks) {
      const task = this.#tasks.get(id) ?? newTask(this.#cut ? id.slice(id.indexOf('/') + 1) : id, ofTrial);
      this.#tasks.set(id, task);
      task.stages.push(stage);
      if (!isSettled) task.unsettled++;
    }
  }

  /** The only task that a stage serves; undefined if it serves several. */
  ownerOf(stage: string): string | undefined {
    const tasks = this.#stages.get(stage)?.tasks ?? [];
    return tasks.length === 1 ? tasks[0] : undefined;
  }

  nameOf(task: string): string {
    return this.#tasks.get(task)!.name;
  }

  started(stage: string): void {
    this.#states.set(stage, 'running');
  }

  /** Each kind of stage that a task has, in the order of the work. */
  kindsOf(task: string): readonly {readonly kind: StageKind; readonly state: StageState}[] {
    const kinds = new Map<StageKind, StageState[]>();
    for (const {id, kind} of this.#tasks.get(task)!.stages)
      kinds.set(kind, [...(kinds.get(kind) ?? []), this.#states.get(id) ?? 'waiting']);
    const telling = ['running', 'failed', 'waiting', 'skipped', 'done'] as const;
    return [...kinds].map(([kind, states]) => ({kind, state: telling.find((state) => states.includes(state))!}));
  }

  /** Records the end of a stage; returns lines on the tasks whose last stage it was, if any of their stages was computed. */
  settled(event: Settling): readonly SettledTask[] {
    const stage = this.#stages.get(event.stage);
    this.#states.set(
      event.stage,
      {
        'stage-finished': 'done' as const,
        'stage-failed': 'failed' as const,
        'stage-skipped': 'skipped' as const,
      }[event.type],
    );
    const tasks = (stage?.tasks ?? []).map((id) => this.#tasks.get(id)!);
    for (const task of tasks) {
      task.unsettled--;
      if (event.type === 'stage-failed') task.outcome = 'failed';
      else if (event.type === 'stage-skipped') task.outcome = task.outcome === 'failed' ? 'failed' : 'skipped';
      else {
        if (event.how === 'computed' && tasks.length === 1)
          task.seconds.set(event.kind, (task.seconds.get(event.kind) ?? 0) + event.seconds);
        this.#note(task, stage!, event.summary);
      }
    }
    return tasks
      .filter((task) => task.unsettled === 0 && task.seconds.size > 0 && !task.ofTrial)
      .map((task) => ({outcome: task.outcome, lines: linesOf(task)}));
  }

  #note(task: Task, {kind, results = []}: PlannedStage, summary: unknown): void {
    if (kind !== 'evaluate' || results.length !== 1) return;
    const {metrics, numbers = []} = summary as EvaluateSummary;
    for (const [metric, value] of Object.entries(metrics)) {
      if (typeof value !== 'number' || numbers.includes(metric)) continue;
      const known = task.numbers.get(metric) ?? [];
      task.numbers.set(metric, [...known, `${(100 * value).toFixed(1)} ${printable(results[0]!.classifier)}`]);
    }
  }
}

const newTask = (name: string, ofTrial: boolean): Task => ({
  name: printable(name),
  ofTrial,
  stages: [],
  unsettled: 0,
  outcome: 'done',
  seconds: new Map(),
  numbers: new Map(),
});

/** `sandal/rotation/seed=0  learn 13 s · embed 0.5 s`, and below it `auc 89.0 kde · 90.1 oc-svm-rbf`: only the first metric. */
function linesOf({name, seconds, numbers}: Task): readonly string[] {
  const times = [...seconds].map(([kind, spent]) => `${kind} ${duration(spent)}`).join(' · ');
  const [first] = numbers;
  return [`${name}  ${times}`, ...(first ? [`${first[0]} ${first[1].join(' · ')}`] : [])];
}
