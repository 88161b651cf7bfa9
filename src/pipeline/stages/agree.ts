/** Scores that several seeds give to the validation images → a metric of their agreement on the normal ones. */
import {join} from 'node:path';
import type {AgreementMetric} from '../../core/contracts/metric.ts';
import {readScores, writeMetrics} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy} from '../plan/used.ts';
import {defineStage} from './define.ts';
import {localize} from './localize.ts';
import {Plugin, strict} from './recipe.ts';
import {score} from './score.ts';
import {bySeedAlone} from './seeds.ts';
import {aboutMetrics, createPlanned, inputOf, measuredValues} from './shared.ts';
import type {EvaluateSummary} from './stage.ts';

export const agree = defineStage({
  kind: 'agree',
  lane: 'cpu',
  recipe: Type.Object({metric: Plugin, version: Type.Integer(), normal: Type.String()}, strict),
  /** The number is that of every seed's task, so that it stands beside their other numbers. */
  combine(contexts, graph) {
    for (const members of bySeedAlone(contexts)) {
      const {task, normal} = members[0]!;
      if (members.length < 2) continue;
      for (const metric of members[0]!.metricsOf('agreement')) {
        const uses = usedBy(graph.plugins, 'metric', metric);
        const scored = members.map((member) => [...graph.plan(score, member), ...graph.plan(localize, member)]);
        for (const [i, {classifier}] of scored[0]!.entries())
          for (const member of members)
            graph.addStage(agree, member, {
              label: stageLabel(
                `agree ${metric.type} ${classifier}`,
                task.learner.type,
                task.inlier,
                `${members.length} seeds`,
              ),
              recipe: {metric, version: uses[0]!.version, normal},
              inputs: Object.fromEntries(
                scored.map((own, at) => [
                  `seed ${members[at]!.task.seed}`,
                  {stage: own[i]!.validation!, file: 'scores.arrow'},
                ]),
              ),
              uses,
              result: {task: member.task.id, classifier, part: 'validation'},
            });
      }
    }
  },
  async run(context) {
    const {metric: ref, version, normal} = context.recipe;
    const metric = createPlanned(context, 'metric', ref, {[`metric ${ref.type}`]: version}) as AgreementMetric;
    const scores: Float64Array[] = [];
    for (const role of Object.keys(context.inputs)) {
      const {scores: all, classes, classNames} = await readScores(inputOf(context, role));
      const normalClass = classNames.indexOf(normal);
      scores.push(all.filter((_, i) => classes[i] === normalClass));
    }
    const images = scores[0]!.length;
    if (scores.some((own) => own.length !== images)) throw new Error('the seeds have scored different images');
    const value: unknown = metric.measureAgreement(scores);
    const {numbers, ...measured} = measuredValues(
      context,
      new Map([[ref.type, value]]),
      () => `the scores of these ${images} normal validation images do not define it`,
    );
    await writeMetrics(join(context.out, 'metrics.arrow'), numbers);
    const about = aboutMetrics(context, [ref], 'validation');
    const summary: EvaluateSummary = {...measured, normal: images, anomalous: 0, ...about};
    return {...summary};
  },
});
