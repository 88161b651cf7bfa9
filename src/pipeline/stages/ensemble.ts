/** Scores of several seeds → `scores.arrow`: their mean, image by image. */
import {join} from 'node:path';
import {readScores, type Scores, writeScores} from '../../core/formats/arrow/small.ts';
import {Type} from '../../core/plugin/type.ts';
import {stageLabel} from '../plan/names.ts';
import {defineStage, type StageGraphBuilder, type TaskContext} from './define.ts';
import {evaluation} from './evaluate.ts';
import {localize} from './localize.ts';
import {strict} from './recipe.ts';
import {score} from './score.ts';
import {bySeedAlone} from './seeds.ts';
import {inputOf} from './shared.ts';
import {ofPart} from './stage.ts';

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
    for (const members of bySeedAlone(contexts.filter(({task}) => task.ensemble))) {
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

/** Adds one ensemble for each classifier. */
function addEnsembles(
  members: readonly TaskContext[],
  graph: StageGraphBuilder,
  metrics: ReturnType<TaskContext['metricsOf']>,
): void {
  const {task} = members[0]!;
  const seeds = members.map((member) => member.task.seed);
  const scored = members.map((member) => [...graph.plan(score, member), ...graph.plan(localize, member)]);
  const {parts} = members[0]!;
  for (const [i, {classifier: name}, part] of [...scored[0]!.entries()].flatMap(([at, of]) =>
    parts.map((one) => [at, of, one] as const),
  )) {
    const what = part === 'test' ? name : `${name} of validation`;
    const wanted = {
      label: stageLabel(`ensemble ${what}`, task.learner.type, task.inlier, `${seeds.length} seeds`),
      recipe: {combine: task.ensemble === 'seeds' ? ('mean' as const) : ('standardised-mean' as const)},
      inputs: Object.fromEntries(
        scored.map((own, member) => [
          `seed ${seeds[member]}`,
          {stage: own[i]![part === 'test' ? 'stage' : 'validation']!, file: 'scores.arrow'},
        ]),
      ),
      uses: [],
    };
    const classifier = `${name} (ensemble of ${seeds.length} seeds)`;
    for (const member of members) {
      const scores = graph.addStage(ensemble, member, wanted);
      evaluation(member, graph, {
        metrics,
        scores,
        result: {task: task.id, classifier, ensemble: seeds, ...ofPart(part)},
      });
    }
  }
}

/** Scores with mean 0 and deviation 1 over the test images, whose labels are not used. If all scores are equal, they become 0. */
function standardised(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, score) => sum + score / scores.length, 0);
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2 / scores.length, 0));
  return scores.map((score) => (deviation > 0 ? (score - mean) / deviation : 0));
}
