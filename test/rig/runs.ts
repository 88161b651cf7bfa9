/** Made-up run folders: what `pipeline run` would leave in `runs/<id>/`, without running anything. */

import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Digest, digestOf, type Json} from '../../src/core/base/canonical.ts';
import type {PluginRef} from '../../src/core/contracts/definition.ts';
import {trialLabels} from '../../src/pipeline/config/searches.ts';
import type {Task} from '../../src/pipeline/config/spec.ts';
import type {RunEvent, Unstamped} from '../../src/pipeline/events.ts';
import type {Maker} from '../../src/pipeline/maker.ts';
import type {Search} from '../../src/pipeline/search/read.ts';
import {toRecord} from '../../src/pipeline/search/record.ts';
import type {MeasuredValue, StageNode} from '../../src/pipeline/stages/stage.ts';
import {entryFolder, manifestName, sealManifest} from '../../src/pipeline/store/cache/entry.ts';

export interface MadeUpRun {
  readonly id: string;
  readonly name?: string;
  /** ISO 8601; a run with a later one is the later run. */
  readonly at?: string;
  readonly tasks: readonly MadeUpTask[];
  /** Of a run with a search: what it searches. */
  readonly search?: Search;
  readonly environment?: {readonly [key: string]: Json};
  /** Ends of the log: default whole. `torn` leaves half a last line and no end. */
  readonly end?: 'whole' | 'torn' | 'none';
  /** Content digest of the dataset's files. */
  readonly data?: string;
  /** Of the learner's plug-in. */
  readonly version?: number;
  readonly metricVersion?: number;
  readonly cached?: boolean;
  /** What every stage that computes tensors was computed by; default: wasm, where the run computed it. */
  readonly maker?: Maker;
  /** true: the cache has nothing of it any more. */
  readonly pruned?: boolean;
  /** What the run asked for, and computed nothing on. */
  readonly asked?: Maker;
}

interface MadeUpTask {
  readonly spec?: string;
  readonly dataset?: PluginRef;
  readonly limit?: Task['limit'];
  readonly inlier: string;
  readonly learner?: PluginRef;
  readonly augment?: readonly PluginRef[];
  readonly seed: number;
  readonly point?: Task['point'];
  readonly compare?: Task['compare'];
  readonly trial?: Task['trial'];
  readonly until?: number;
  /** Metrics of the learner's own task on the validation images. */
  readonly criteria?: {readonly [metric: string]: number};
  /** Column name → its reference and its metrics (null: undefined); `fails`: what its score stage died of. */
  readonly scores: {
    readonly [classifier: string]: {
      readonly ref?: PluginRef;
      readonly metrics?: {readonly [metric: string]: MeasuredValue};
      /** The same of the validation images. */
      readonly validation?: {readonly [metric: string]: number};
      readonly reasons?: {readonly [metric: string]: string};
      readonly fails?: string;
      /** Metrics that know the test labels: how. */
      readonly testLabels?: {readonly [metric: string]: string};
    };
  };
  /** Layer → metrics of its features, all of them numbers that are no rates. */
  readonly features?: {readonly [layer: string]: {readonly [metric: string]: number}};
  /** Column name → metrics of the mean of the scores of all tasks so far that differ in the seed alone; given by the last of them. */
  readonly ensembles?: {readonly [classifier: string]: {readonly [metric: string]: number}};
}

const full: PluginRef = {
  type: 'rotation',
  network: {type: 'resnet18', width: 1, head: [512, 512, 512, 512, 512, 512, 512, 512]},
  epochs: 2048,
  batch: 64,
  optimizer: {learning_rate: 0.01, momentum: 0.9, weight_decay: 3e-4, schedule: 'cosine'},
};

/** Shorthand for one classifier with one AUC. */
export const auc = (value: number | null, classifier = 'kde') => ({
  [classifier]: {metrics: {auc: value}},
});

export const paperRotation = full;

/** Writes `<runs>/<id>/` and returns its path. */
export function makeRun(runs: string, run: MadeUpRun): string {
  const folder = join(runs, run.id);
  mkdirSync(folder, {recursive: true});
  const name = run.name ?? 'made-up';
  const stages = new Map<string, StageNode>();
  const ends: Unstamped[] = [];
  const fingerprints = new Map<string, Digest>();
  /** Inlier and classifier → the tasks so far, with their score stages. */
  const scored = new Map<string, {readonly task: Task; readonly score: string}[]>();
  const tasks = run.tasks.map((made) => {
    const task = taskOf(made, name);
    const add = (
      kind: StageNode['kind'],
      label: string,
      recipe: object,
      inputs: StageNode['inputs'],
      more: Partial<StageNode> = {},
    ) => {
      const id = digestOf({kind, recipe: recipe as Json, inputs: inputs as unknown as Json}).slice(0, 12);
      const known = stages.get(id);
      const lane = kind === 'data' || kind === 'evaluate' ? ('cpu' as const) : ('accelerator' as const);
      const node = {
        id,
        kind,
        label,
        recipe: recipe as StageNode['recipe'],
        inputs,
        sources: [],
        lane,
        tasks: [task.id],
        ...more,
      };
      const results = known?.results && {results: [...known.results, ...(more.results ?? [])]};
      stages.set(id, known ? {...known, tasks: [...known.tasks, task.id], ...results} : node);
      return {id, isNew: !known};
    };
    const finish = (stage: {id: string; isNew: boolean}, summary: unknown = null) => {
      if (!stage.isNew) return;
      const {id, kind, label, recipe} = stages.get(stage.id)!;
      const left = summary as Json;
      const {inputs} = stages.get(stage.id)!;
      const fingerprint = digestOf({
        id,
        recipe: recipe as Json,
        data: kind === 'data' ? (run.data ?? 'files') : null,
        ...(['evaluate', 'measure'].includes(kind) && {left}),
      });
      fingerprints.set(id, fingerprint);
      const read = Object.entries(inputs).map(([role, from]) => [
        role,
        fileDigest(fingerprints.get(from.stage)!, from.file),
      ]);
      const key = {kind, recipe: recipe as Json, inputs: Object.fromEntries(read), sources: {}};
      const provenance = {run: run.id, finished: run.at ?? '2026-01-01T00:00:00.000Z'};
      if (!run.pruned) leave(join(runs, 'cache'), fingerprint, {kind, label, key, summary: left, provenance});
      const maker = run.maker && {engine: run.maker.name, threads: run.maker.threads!};
      const made = {type: 'stage-finished', stage: id, kind, label, fingerprint, summary} as const;
      ends.push(
        run.cached
          ? {...made, how: 'cached', seconds: 0.01, ...maker}
          : {...made, how: 'computed', seconds: 1.5, peakMemory: 123_000_000, engine: 'wasm', ...maker},
      );
    };
    const version = run.version ?? 1;
    const data = add('data', `data ${task.dataset.type}`, {dataset: task.dataset, version: 1, limit: task.limit}, {});
    finish(data);
    const learner = {learner: task.learner, versions: {[`learner ${task.learner.type}`]: version}};
    const learn = add(
      'learn',
      `learn ${task.learner.type} · ${task.inlier} · seed ${task.seed}`,
      {...learner, augment: task.augment, seed: task.seed, normal: task.inlier},
      {images: {stage: data.id, file: 'train.arrow'}},
    );
    finish(learn, {epochs: task.learner['epochs'] ?? 0});
    const embed = add(
      'embed',
      `embed test · ${task.inlier} · seed ${task.seed}`,
      {...learner, layer: 'pool'},
      {weights: {stage: learn.id, file: 'weights.arrow'}, images: {stage: data.id, file: 'test.arrow'}},
    );
    finish(embed);
    for (const [classifier, {ref, metrics, validation, fails, testLabels, reasons}] of Object.entries(made.scores)) {
      const label = `${classifier} · ${task.inlier} · seed ${task.seed}`;
      const score = add(
        'score',
        `score ${label}`,
        {classifier: ref ?? {type: classifier}, version: 1, seed: task.seed},
        {test: {stage: embed.id, file: 'features.arrow'}},
      );
      const evaluate = add(
        'evaluate',
        `evaluate ${label}`,
        {
          metrics: task.metrics,
          versions: Object.fromEntries(task.metrics.map(({type}) => [`metric ${type}`, run.metricVersion ?? 1])),
          normal: task.inlier,
        },
        {scores: {stage: score.id, file: 'scores.arrow'}},
        {results: [{task: task.id, classifier}]},
      );
      if (fails) {
        const kind = 'score' as const;
        ends.push(
          {type: 'stage-failed', stage: score.id, kind, label: `score ${label}`, message: fails, hint: 'Try another.'},
          {
            type: 'stage-skipped',
            stage: evaluate.id,
            kind: 'evaluate',
            label: `evaluate ${label}`,
            because: `score ${label} failed`,
          },
        );
      } else if (metrics) {
        finish(score);
        finish(evaluate, {
          metrics,
          ...(reasons && {reasons}),
          normal: 1000,
          anomalous: 9000,
          ...(testLabels && {testLabels}),
        });
      }
      if (validation) {
        const held = add(
          'score',
          `score ${label} of validation`,
          {classifier: ref ?? {type: classifier}, of: score.id},
          {},
        );
        finish(held);
        const judged = add(
          'evaluate',
          `evaluate ${label} of validation`,
          {metrics: task.metrics, versions: {}, normal: task.inlier, part: 'validation'},
          {scores: {stage: held.id, file: 'scores.arrow'}},
          {results: [{task: task.id, classifier, part: 'validation'}]},
        );
        finish(judged, {metrics: validation, normal: 20, anomalous: 20});
      }
      const key = `${task.inlier} ${classifier}`;
      scored.set(key, [...(scored.get(key) ?? []), {task, score: score.id}]);
    }
    if (made.criteria)
      finish(
        add(
          'pretext',
          `pretext · ${task.inlier} · seed ${task.seed}`,
          {metrics: Object.keys(made.criteria).map((type) => ({type})), seed: task.seed},
          {weights: {stage: learn.id, file: 'weights.arrow'}},
          {results: [{task: task.id, classifier: '(learner)', part: 'validation'}]},
        ),
        {metrics: made.criteria, normal: 20, anomalous: 0, numbers: Object.keys(made.criteria)},
      );
    for (const [layer, metrics] of Object.entries(made.features ?? {}))
      for (const [metric, measured] of Object.entries(metrics))
        finish(
          add(
            'measure',
            `measure ${metric} of ${layer} · ${task.inlier} · seed ${task.seed}`,
            {metric: {type: metric}, version: 1, normal: task.inlier, seed: task.seed},
            {features: {stage: embed.id, file: 'features.arrow'}},
            {results: [{task: task.id, classifier: `(${layer})`}]},
          ),
          {metrics: {[metric]: measured}, normal: 1000, anomalous: 9000, numbers: [metric]},
        );
    for (const [classifier, metrics] of Object.entries(made.ensembles ?? {})) {
      const members = scored.get(`${task.inlier} ${classifier}`)!;
      const seeds = members.map((member) => member.task.seed);
      const label = `ensemble ${classifier} · ${task.inlier} · ${seeds.length} seeds`;
      const inputs = members.map((member) => [`seed ${member.task.seed}`, {stage: member.score, file: 'scores.arrow'}]);
      const combined = add('ensemble', label, {combine: 'mean'}, Object.fromEntries(inputs));
      finish(combined);
      const name = `${classifier} (ensemble of ${seeds.length} seeds)`;
      const evaluate = add(
        'evaluate',
        `evaluate ${label}`,
        {metrics: task.metrics, versions: {}, normal: task.inlier},
        {scores: {stage: combined.id, file: 'scores.arrow'}},
        {results: [{task: members[0]!.task.id, classifier: name, ensemble: seeds}]},
      );
      finish(evaluate, {metrics, normal: 1000, anomalous: 9000});
    }
    return task;
  });
  const engine = {name: 'wasm', version: '4.22.0', device: 'cpu', threads: 1} as const;
  const count = (type: string, how?: string) =>
    ends.filter((end) => end.type === type && (!how || ('how' in end && end.how === how))).length;
  const failed = count('stage-failed');
  const events: Unstamped[] = [
    {
      type: 'run-started',
      run: run.id,
      spec: name,
      tasks: tasks.length,
      stages: stages.size,
      ...(run.asked && {asked: run.asked}),
    },
    ...(run.asked ? [] : [{type: 'engine-started' as const, engine}]),
    ...ends,
    ...((run.end ?? 'whole') === 'whole'
      ? [
          {
            type: 'run-finished' as const,
            run: run.id,
            outcome: failed ? ('failed' as const) : ('done' as const),
            computed: count('stage-finished', 'computed'),
            cached: count('stage-finished', 'cached'),
            failed,
            skipped: count('stage-skipped'),
            seconds: 63,
          },
        ]
      : []),
  ];
  const at = run.at ?? '2026-01-01T00:00:00.000Z';
  const lines = events.map((event) => JSON.stringify({at, ...event} as RunEvent));
  const torn = run.end === 'torn' ? '\n{"at":"2026-01-01T00:00:01.000Z","type":"stage-fin' : '\n';
  writeFileSync(join(folder, 'pipeline.yaml'), `name: ${name}\n`);
  writeFileSync(
    join(folder, 'plan.json'),
    JSON.stringify({
      format: 1,
      name,
      tasks,
      stages: [...stages.values()],
      ...(run.search && {search: toRecord(run.search)}),
    }),
  );
  writeFileSync(join(folder, 'events.ndjson'), lines.join('\n') + torn);
  writeFileSync(
    join(folder, 'environment.json'),
    JSON.stringify(run.environment ?? {version: '0.1.0', node: '20.19.0', git: {commit: 'abc', dirty: false}}),
  );
  return folder;
}

const fileNames = ['train.arrow', 'test.arrow', 'weights.arrow', 'features.arrow', 'scores.arrow'];

const fileDigest = (fingerprint: Digest, name: string): Digest => digestOf([fingerprint, name]);

/** A manifest in the cache, of an entry whose files are not there. */
function leave(
  cache: string,
  fingerprint: Digest,
  parts: {kind: string; label: string; key: Json; summary: Json; provenance: Json},
): void {
  const files = fileNames.map((name) => [name, {bytes: 1, sha256: fileDigest(fingerprint, name)}]);
  const {text} = sealManifest({format: 1, fingerprint, files: Object.fromEntries(files), ...parts});
  mkdirSync(entryFolder(cache, fingerprint), {recursive: true});
  writeFileSync(join(entryFolder(cache, fingerprint), manifestName), text);
}

function taskOf(made: MadeUpTask, name: string): Task {
  const learner = made.learner ?? full;
  const spec = made.spec ?? name;
  const point = made.point ?? {};
  const tags = made.trial
    ? trialLabels({trial: made.trial, ...(made.until !== undefined && {until: made.until})}).map((label) => `/${label}`)
    : Object.entries(point).map(([path, value]) => `/${path}=${JSON.stringify(value)}`);
  const metrics = new Set(Object.values(made.scores).flatMap((score) => Object.keys(score.metrics ?? {auc: 0})));
  return {
    id: `${spec}/${made.dataset?.type ?? 'cifar10'}/${made.inlier}/${learner.type}${tags.join('')}/seed=${made.seed}`,
    spec,
    dataset: made.dataset ?? {type: 'cifar10'},
    limit: made.limit ?? {},
    inlier: made.inlier,
    learner,
    augment: made.augment ?? [{type: 'crop', min_side: 0.5}, {type: 'hflip'}],
    distributionAugmentation: [],
    classifiers: Object.entries(made.scores).map(([classifier, {ref}]) => ref ?? {type: classifier}),
    metrics: [...metrics].map((type) => ({type})),
    seed: made.seed,
    point,
    compare: made.compare ?? {row: learner.type},
    ...(made.trial && {trial: made.trial}),
    ...(made.until !== undefined && {until: made.until}),
  };
}
