/** Makes a run's record rows of the results database. */
import {canonicalJson, type Digest, type Json, sha256} from '../../../core/base/canonical.ts';
import type {PluginRef} from '../../../core/contracts/definition.ts';
import {headMetric, type Task} from '../../config/spec.ts';
import {distinctMakers, type Maker, makerText, othersThan} from '../../maker.ts';
import {upstream} from '../../plan/order.ts';
import {agree} from '../../stages/agree.ts';
import {data} from '../../stages/data.ts';
import {isStage, recipeOf} from '../../stages/define.ts';
import {embed} from '../../stages/embed.ts';
import {ensemble} from '../../stages/ensemble.ts';
import {evaluate} from '../../stages/evaluate.ts';
import {explanationType, gradcam} from '../../stages/gradcam.ts';
import {learn} from '../../stages/learn.ts';
import {localize} from '../../stages/localize.ts';
import {measure} from '../../stages/measure.ts';
import {pretext} from '../../stages/pretext.ts';
import {score} from '../../stages/score.ts';
import type {StageNode} from '../../stages/stage.ts';
import {validate} from '../../stages/validate.ts';
import {type MetricValue, metricsOf} from '../runs/numbers.ts';
import type {RunRecord} from '../runs/record.ts';
import type {Row} from './schema.ts';

export interface RunRows {
  readonly runs: readonly Row[];
  readonly tasks: readonly Row[];
  readonly stages: readonly Row[];
  readonly metrics: readonly Row[];
  readonly kinds: readonly Row[];
}

/** `state`: the state of the record's files (`recordState`). */
export function rowsOf(record: RunRecord, state: string | null = null): RunRows {
  const run = record.id;
  const nodes = new Map(record.stages.map((stage) => [stage.id, stage.node]));
  const stagesOf = indexByTask(record);
  const {json, digest} = remembering();
  const makers = makersOf(record);
  const asked: Maker | undefined = record.engine ?? record.asked;
  const count = (status: string) => record.stages.filter((stage) => stage.status === status).length;
  return {
    runs: [
      {
        run,
        name: record.name,
        started: record.started ?? null,
        finished: record.finished ?? null,
        outcome: record.outcome,
        seconds: record.seconds ?? null,
        engine: record.engine?.name ?? null,
        tasks: record.tasks.length,
        stages: record.stages.length,
        computed: count('computed'),
        cached: count('cached'),
        failed: count('failed'),
        skipped: count('skipped'),
        environment: json(record.environment),
        damage: record.damage ?? null,
        record: state,
        first_metric: headMetric(record.tasks) ?? null,
      },
    ],
    tasks: record.tasks.map((task) => {
      const own = stagesOf.get(task.id) ?? [];
      const configuration = configurationOf(
        task,
        own.map((stage) => stage.node),
      );
      return {
        run,
        task: task.id,
        spec: task.spec,
        dataset: task.dataset.type,
        inlier: task.inlier,
        learner: task.learner.type,
        seed: task.seed,
        options: json(configuration),
        point: json(task.point as Json),
        classifiers: json(task.classifiers as Json),
        config: digest(configuration),
        data: own.find((stage) => isStage(data, stage.node))?.fingerprint ?? null,
        paper_table: task.compare.table ?? null,
        paper_row: task.compare.row,
        problems: task.problems ?? null,
      };
    }),
    stages: record.stages.map((stage) => ({
      run,
      stage: stage.id,
      kind: stage.kind,
      label: stage.label,
      status: stage.status,
      cached: stage.status === 'cached',
      fingerprint: stage.fingerprint ?? null,
      seconds: stage.seconds ?? null,
      peak_memory: stage.peakMemory ?? null,
      engine: stage.engine ?? null,
      message: stage.message ?? null,
      tasks: stage.node.tasks,
    })),
    kinds: metricsOf(record).flatMap(({task, classifier, metric, part, ensemble, kinds}) =>
      kinds.map(({kind, images, value}) => ({run, task, classifier, metric, part, ensemble, kind, images, value})),
    ),
    metrics: metricsOf(record).map((value) => {
      const {classifier, definition} = measureOf(value, nodes);
      return {
        run,
        task: value.task,
        classifier: value.classifier,
        // A column's name begins with its id in the papers' tables (`plan/names.ts`): `oc-svm-rbf nu=0.1`.
        paper_classifier: value.classifier.split(' ')[0]!,
        classifier_options: json((classifier ?? null) as Json),
        definition: digest(definition),
        metric: value.metric,
        part: value.part,
        value: value.value,
        normal: value.normal,
        anomalous: value.anomalous,
        scale: value.scale,
        test_labels: value.testLabels,
        ensemble: value.ensemble,
        reason: value.reason,
        vouched: value.vouched,
        definition_options: json(definition),
        ...enginesOf(makers(value.stage.id), asked),
      };
    }),
  };
}

/**
 * All that a task's numbers depend on, except seed, inlier and what comes after the features. Classifiers and metrics are
 * distinguished by `definition` instead, so that one more of them in a spec does not make another configuration.
 */
export function configurationOf(task: Task, stages: readonly StageNode[]): {readonly [key: string]: Json} {
  const learning = recipeOf(
    learn,
    stages.find((node) => isStage(learn, node)),
  );
  const reading = recipeOf(
    data,
    stages.find((node) => isStage(data, node)),
  );
  return {
    dataset: task.dataset as Json,
    limit: task.limit as Json,
    learner: task.learner as Json,
    ...(task.until !== undefined && {until: task.until}),
    ...(task.glance && {glance: task.glance}),
    augment: task.augment as Json,
    distribution_augmentation: task.distributionAugmentation as Json,
    ...(task.validation && {validation: task.validation as unknown as Json}),
    ...(task.refine && {refine: task.refine as unknown as Json}),
    ...(task.contaminate !== undefined && {contaminate: task.contaminate}),
    ...(task.precision && {precision: task.precision}),
    // Scores of windows differ from scores of images. The key is absent if there are no windows, so old digests stay valid.
    ...(task.localize && {localize: task.localize as unknown as Json}),
    versions: {dataset: reading?.version ?? null, ...learning?.versions},
  };
}

/** What computed this number from the features: classifier, the layer that it read, and metric, with versions and options. */
function measureOf(
  {stage: {node}, metric, ensemble: seeds}: MetricValue,
  nodes: ReadonlyMap<string, StageNode>,
): {readonly classifier: PluginRef | undefined; readonly definition: {readonly [key: string]: Json}} {
  const input = (from: StageNode | undefined, role: string) => nodes.get(from?.inputs[role]?.stage ?? '');
  const measuring = recipeOf(measure, node);
  if (measuring) {
    const {layer = null} = recipeOf(embed, input(node, 'features')) ?? {};
    const {metric: ref, version} = measuring;
    return {classifier: undefined, definition: {layer, metric: ref as Json, metricVersion: version}};
  }
  const ofLearner = recipeOf(pretext, node);
  if (ofLearner) {
    const {metrics, versions, passes} = ofLearner;
    const ref = metrics.find(({type}) => type === metric) ?? metric;
    return {
      classifier: undefined,
      definition: {metric: ref as Json, metricVersion: versions[`metric ${metric}`] ?? null, passes},
    };
  }
  const agreeing = recipeOf(agree, node);
  const roles = Object.keys(node.inputs);
  const combining = seeds && input(node, 'scores');
  const scored = combining ? input(combining, `seed ${seeds[0]}`) : input(node, agreeing ? roles[0]! : 'scores');
  const explaining = recipeOf(gradcam, scored);
  const scoring =
    recipeOf(score, scored) ?? recipeOf(validate, scored) ?? recipeOf(localize, scored) ?? explaining?.scored;
  const embedding = recipeOf(embed, input(scored, 'test'));
  const judging = recipeOf(evaluate, node);
  const definition = {
    classifier: (scoring?.classifier ?? null) as Json,
    classifierVersion: scoring?.version ?? null,
    layer: embedding?.layer ?? explaining?.scored?.layer ?? null,
    ...(explaining?.scored && {explained: explanationType(explaining)}),
    metric: (agreeing?.metric ?? judging?.metrics.find((ref) => ref.type === metric) ?? metric) as Json,
    metricVersion: agreeing?.version ?? judging?.versions[`metric ${metric}`] ?? null,
    // Agreement of other seeds is another number.
    ...(agreeing && {agreement: roles}),
    // An ensemble must not count as one more seed, so it has its own definition and therefore its own group.
    ...(combining && {ensemble: {seeds, ...recipeOf(ensemble, combining)}}),
  };
  return {classifier: scoring?.classifier, definition};
}

/** For each stage, what computed it and all stages before it. */
function makersOf(record: RunRecord): (stage: string) => readonly Maker[] {
  const stages = new Map(record.stages.map((stage) => [stage.id, stage]));
  const known = new Map<string, readonly Maker[]>();
  const visit = (id: string): readonly Maker[] => {
    const before = known.get(id);
    if (before) return before;
    const {engine, threads, node} = stages.get(id)!;
    const own = engine === undefined ? [] : [{name: engine, ...(threads !== undefined && {threads})}];
    const all = distinctMakers([...own, ...upstream(node).flatMap(visit)]);
    known.set(id, all);
    return all;
  };
  return visit;
}

/** Columns of a number: what computed it, and a sentence if that is not what the run asked for. */
function enginesOf(makers: readonly Maker[], asked: Maker | undefined): Pick<Row, 'engines' | 'other_engine'> {
  const others = asked ? othersThan(asked, makers) : [];
  const part = others.length < makers.length ? 'in part ' : '';
  return {
    engines: makers.map(makerText),
    other_engine:
      asked && others.length > 0
        ? `computed ${part}by ${others.map(makerText).join(' and ')} (the run's engine: ${makerText(asked)})`
        : null,
  };
}

function indexByTask(record: RunRecord) {
  const index = new Map<string, RunRecord['stages'][number][]>();
  for (const stage of record.stages)
    for (const task of stage.node.tasks) {
      const own = index.get(task);
      if (own) own.push(stage);
      else index.set(task, [stage]);
    }
  return index;
}

/**
 * Makes canonical JSON and its digest once for equal values: ten thousand tasks have few configurations. Values that differ only
 * in the order of their keys are computed twice, which costs only time.
 */
function remembering(): {json(value: Json): string; digest(value: Json): Digest} {
  const texts = new Map<string, string>();
  const digests = new Map<string, Digest>();
  const json = (value: Json): string => {
    const key = JSON.stringify(value);
    const known = texts.get(key) ?? canonicalJson(value);
    texts.set(key, known);
    return known;
  };
  return {
    json,
    digest(value) {
      const text = json(value);
      const known = digests.get(text) ?? sha256(text);
      digests.set(text, known);
      return known;
    },
  };
}
