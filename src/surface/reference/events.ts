/** `docs/reference/events.md`: the events of a run. The compiler holds that every event and every field is described. */
import type {RunEvent, StageProgress} from '../../pipeline/events.ts';
import {code, page, table} from './markdown.ts';

type Keys<T> = T extends unknown ? keyof T : never;
type Described<E extends {type: string}> = {
  readonly [T in E['type']]: {
    readonly summary: string;
    readonly fields: {readonly [F in Exclude<Keys<Extract<E, {type: T}>>, 'type' | 'at'>]: string};
  };
};

const stage = 'text: id of the stage in `plan.json`';
const kind =
  'text: kind of the stage: `data`, `learn`, `embed`, `score`, `ensemble`, `evaluate`, `measure` or `localize` (GradCAM as well)';
const label = 'text: what the stage does, for people';

export const events: Described<RunEvent> = {
  'run-started': {
    summary: 'The first event of a run.',
    fields: {
      run: 'text: id of the run',
      spec: 'text: name of the spec',
      tasks: 'number of tasks',
      stages: 'number of stages',
      asked: 'mapping, optional: `name` and `threads` of the engine that is to compute; absent: not known yet',
      precisions: 'list, optional: those in which its networks are computed; absent: float32 alone',
      where: 'mapping, optional: `node`, `job` and perhaps `partition`, in the log of one job of a run on a cluster',
    },
  },
  'plan-grown': {
    summary: 'More was planned while the run goes on, as by a search: the run has these tasks and stages as well.',
    fields: {
      tasks: 'list of tasks, as in `plan.json`',
      stages: 'list of stages, as in `plan.json`',
      shared:
        'list of stages that were there before: `id`, and the new `tasks` and `results` for which they serve as well',
    },
  },
  'engine-started': {
    summary: 'The first stage that computes tensors is about to start.',
    fields: {engine: 'mapping: `name`, `version`, `device`, `threads`, and perhaps `remark`'},
  },
  'stage-queued': {
    summary: 'A stage waits for a place on a cluster, or the reason why it waits has changed.',
    fields: {
      stage,
      kind,
      label,
      job: 'text: id of the job, such as `4711_3`',
      partition: 'text, optional: the queue in which it waits; absent: not known yet',
      because: "text, optional: the scheduler's word for why it waits, such as `Resources`; absent: not known yet",
    },
  },
  'stage-started': {
    summary: 'A stage starts to compute.',
    fields: {
      stage,
      kind,
      label,
      where: 'mapping, optional: `node`, `job` and perhaps `partition` of a run on a cluster',
    },
  },
  'stage-progress': {
    summary: 'What a running stage reports.',
    fields: {stage, label, progress: 'mapping, see below'},
  },
  'stage-finished': {
    summary: 'A stage is done.',
    fields: {
      stage,
      kind,
      label,
      how: 'text: `computed` or `cached`',
      fetched: 'true, optional: a cached stage whose result was fetched from the store just now',
      fingerprint: "text: the stage's cache key, 64 hexadecimal digits",
      seconds: 'seconds that it took',
      peakMemory: 'bytes, optional: the largest resident memory of its process; absent for a cached stage',
      kernels: "list, optional: the engine's kernels with calls and seconds, with `--profile`",
      engine: 'text, optional: the engine that computed it, now or when it was cached; absent: no tensors',
      threads: 'number, optional: threads of that engine',
      checked: 'mapping, optional: `kernels`, how many it used, and `replaced`, those that were computed another way',
      summary: "the stage's small result, as in its manifest: for `evaluate`, the metrics",
    },
  },
  'stage-failed': {
    summary: 'A stage failed. What depends on it is skipped.',
    fields: {
      stage,
      kind,
      label,
      message: 'text: what happened',
      hint: 'text, optional: what to do',
      killed:
        'text, optional: its process was ended from outside, by the system as memory ran out (`memory`) or by `somebody`',
    },
  },
  'stage-skipped': {
    summary: 'A stage could not run, because a stage before it failed.',
    fields: {stage, kind, label, because: 'text: id of the stage that failed, or the reason'},
  },
  note: {
    summary: 'Information for a person who waits, such as a download.',
    fields: {message: 'text'},
  },
  warning: {
    summary: 'Something that may be wrong.',
    fields: {
      stage: `${stage}, optional`,
      message: 'text',
      wait: 'true, optional: the run waits for another process, or has waited for one that was dead',
    },
  },
  'run-finished': {
    summary: 'The last event of a run.',
    fields: {
      run: 'text: id of the run',
      outcome: 'text: `done`, `failed` or `interrupted`',
      computed: 'number of stages that were computed',
      cached: 'number of stages found in the cache',
      failed: 'number of stages that failed',
      skipped: 'number of stages that were skipped',
      seconds: 'seconds from start to end',
    },
  },
};

type Progress = {
  readonly [O in StageProgress['of']]: {readonly [F in Exclude<Keys<Extract<StageProgress, {of: O}>>, 'of'>]: string};
};

const progress: Progress = {
  training: {
    epoch: 'number of this epoch, from 0',
    epochs: 'number of epochs',
    step: 'number of this step in the epoch, from 0',
    steps: 'number of steps of an epoch',
    loss: 'loss of this step',
    accuracy: 'share in [0, 1], optional: right answers of the learner in this step',
    learningRate: 'learning rate of this step',
    imagesPerSecond: 'network inputs a second',
    secondsLeft: 'seconds that the training may still take, by its speed since its first report; absent in that',
  },
  items: {
    done: 'number of items done',
    total: 'number of items, optional',
    unit: 'text: what is counted, such as `images`',
    perSecond: 'items a second, optional',
  },
};

export function eventsPage(): string {
  return page(
    '# Events of a run',
    '`pipeline run --json` prints one JSON object in each line. `events.ndjson` in the folder of the run has the same lines, each with a ' +
      'last field `check`: the CRC-32 (IEEE, 8 hexadecimal digits) of the line without it. ' +
      'Every event has `type`, and `at`: its time as ISO 8601 in UTC. Fields that are not described here may be added; ignore what you do not know.',
    ...Object.entries<{summary: string; fields: {[field: string]: string}}>(events).flatMap(
      ([type, {summary, fields}]) => [`## ${type}`, summary, fieldTable(fields)],
    ),
    '## Progress',
    'The field `of` of `progress` is `training` or `items`.',
    ...Object.entries(progress).flatMap(([of, fields]) => [`### ${of}`, fieldTable(fields)]),
  );
}

const fieldTable = (fields: {readonly [field: string]: string}): string =>
  table(
    ['field', 'meaning'],
    Object.entries(fields).map(([field, meaning]) => [code(field), `${meaning[0]!.toUpperCase()}${meaning.slice(1)}.`]),
  );
