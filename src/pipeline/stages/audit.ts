/** Which training images refinement has removed + which of them are anomalies → metrics of refinement. */
import {join} from 'node:path';
import type {RefinementMetric} from '../../core/contracts/metric.ts';
import {readArrays} from '../../core/formats/arrow/arrays.ts';
import {writeMetrics} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {usedBy, versionsOf} from '../plan/used.ts';
import {truthArray} from './contaminate.ts';
import {defineStage} from './define.ts';
import {truthOf} from './hold-out.ts';
import {PluginList, strict, Versions} from './recipe.ts';
import {refinement, removedArray, removedFile} from './refine.ts';
import {aboutMetrics, createPlanned, inputOf, measuredValues} from './shared.ts';
import type {EvaluateSummary, StageContext} from './stage.ts';

export const audit = defineStage({
  kind: 'audit',
  lane: 'cpu',
  recipe: Type.Object({metrics: PluginList, versions: Versions}, strict),
  plan(context, graph): void {
    const {task} = context;
    const metrics = context.metricsOf('refinement');
    const truth = truthOf(context, graph);
    // A glance has features of some images only.
    if (metrics.length === 0 || !truth || !context.refining || task.glance) return;
    const uses = metrics.flatMap((ref) => usedBy(graph.plugins, 'metric', ref));
    graph.addStage(audit, context, {
      label: stageLabel(`audit ${task.learner.type}`, task.inlier, `seed ${task.seed}`),
      recipe: {metrics, versions: versionsOf(uses)},
      inputs: {removed: {stage: refinement(context, graph)!, file: removedFile}, truth},
      uses,
      result: {task: task.id, classifier: '(refine)'},
    });
  },
  async run(context) {
    const {metrics, versions} = context.recipe;
    const [removed, anomalous] = [
      await marks(context, 'removed', removedArray),
      await marks(context, 'truth', truthArray),
    ];
    if (removed.length !== anomalous.length)
      throw new Error(`${removed.length} images were judged, but the truth is of ${anomalous.length}`);
    const values = new Map<string, unknown>();
    for (const ref of metrics) {
      const metric = createPlanned(context, 'metric', ref, versions) as RefinementMetric;
      values.set(ref.type, metric.measureRefinement({removed: removed.slice(), anomalous: anomalous.slice()}));
    }
    const {numbers, ...measured} = measuredValues(context, values, () => 'no image was removed');
    await writeMetrics(join(context.out, 'metrics.arrow'), numbers);
    const strange = anomalous.reduce((sum, mark) => sum + mark, 0);
    const summary: EvaluateSummary = {
      ...measured,
      normal: anomalous.length - strange,
      anomalous: strange,
      ...aboutMetrics(context, metrics, undefined),
    };
    return {...summary};
  },
});

async function marks(context: StageContext, role: string, name: string): Promise<Uint8Array> {
  return Uint8Array.from((await readArrays(inputOf(context, role))).get(name)!.data);
}
