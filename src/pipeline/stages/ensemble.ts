/** Scores of several seeds → `scores.arrow`: their mean, image by image. */
import {join} from 'node:path';
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {readScores, type Scores, writeScores} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {evaluation} from './evaluate.ts';
import {localize} from './localize.ts';
import {strict} from './recipe.ts';
import {score} from './score.ts';
import {inputOf} from './shared.ts';

const EnsembleRecipe = Type.Object(
  // The mean of the scores as they are, or of scores that are first standardised over the test images for each seed.
  {combine: Type.Union([Type.Literal('mean'), Type.Literal('standardised-mean')])},
  strict,
);

export const ensemble = defineStage({
  kind: 'ensemble',
  lane: 'cpu',
  recipe: EnsembleRecipe,
  combine(contexts, graph) {
    for (const members of bySeedAlone(contexts)) {
      // Only scores of images are combined, not maps.
      const metrics = members[0]!.metricsOf('scores');
      if (members.length > 1 && metrics.length > 0) addEnsembles(members, graph, metrics);
    }
  },
  async run(context) {
    const {combine} = context.recipe;
    const members: Scores[] = [];
    for (const role of Object.keys(context.inputs)) members.push(await readScores(inputOf(context, role)));
    const {classes, classNames} = members[0]!;
    const scores = new Float64Array(classes.length);
    for (const member of members) {
      if (member.classes.length !== classes.length || member.classes.some((label, i) => label !== classes[i]))
        throw new Error('the members of an ensemble have scored different images');
      const own = combine === 'mean' ? member.scores : standardised(member.scores);
      for (let i = 0; i < scores.length; i++) scores[i]! += own[i]! / members.length;
    }
    await writeScores(join(context.out, 'scores.arrow'), {scores, classes, classNames});
    return {members: members.length, scored: scores.length};
  },
});

/** Tasks with ensembles that differ only in the seed, each group sorted by seed. */
function bySeedAlone(contexts: readonly TaskContext[]): readonly (readonly TaskContext[])[] {
  const groups = new Map<string, TaskContext[]>();
  for (const context of contexts) {
    const {id: _, seed: __, ...shared} = context.task;
    if (!shared.ensemble) continue;
    const key = canonicalJson(shared as unknown as Json);
    const members = groups.get(key) ?? [];
    members.push(context);
    groups.set(key, members);
  }
  return [...groups.values()].map((members) => members.sort((a, b) => a.task.seed - b.task.seed));
}

/** Adds one ensemble for each classifier. */
function addEnsembles(
  members: readonly TaskContext[],
  graph: StageGraphBuilder,
  metrics: ReturnType<TaskContext['metricsOf']>,
): void {
  const {task} = members[0]!;
  const seeds = members.map((member) => member.task.seed);
  const scored = members.map((member) => [...graph.plan(score, member), ...graph.plan(localize, member)]);
  for (const [i, {classifier: name}] of scored[0]!.entries()) {
    const wanted = {
      label: stageLabel(`ensemble ${name}`, task.learner.type, task.inlier, `${seeds.length} seeds`),
      recipe: {combine: task.ensemble === 'seeds' ? ('mean' as const) : ('standardised-mean' as const)},
      inputs: Object.fromEntries(
        scored.map((own, member) => [`seed ${seeds[member]}`, {stage: own[i]!.stage, file: 'scores.arrow'}]),
      ),
      uses: [],
    };
    const classifier = `${name} (ensemble of ${seeds.length} seeds)`;
    for (const member of members) {
      const scores = graph.addStage(ensemble, member, wanted);
      evaluation(member, graph, {metrics, scores, result: {task: task.id, classifier, ensemble: seeds}});
    }
  }
}

/** Scores with mean 0 and deviation 1 over the test images, whose labels are not used. If all scores are equal, they become 0. */
function standardised(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, score) => sum + score / scores.length, 0);
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2 / scores.length, 0));
  return scores.map((score) => (deviation > 0 ? (score - mean) / deviation : 0));
}
