/** Scores of several seeds → `scores.arrow`: their mean, image by image. */
import {join} from 'node:path';
import {readScores, type Scores, writeScores} from '../../core/formats/arrow/small.ts';
import type {EnsembleRecipe} from './recipes.ts';
import {inputOf} from './shared.ts';
import type {RunStage} from './stage.ts';

export const ensemble: RunStage = async (context) => {
  const {combine} = context.recipe as unknown as EnsembleRecipe;
  const members: Scores[] = [];
  for (const role of Object.keys(context.inputs)) members.push(await readScores(inputOf(context, role)));
  const {classes, classNames} = members[0]!;
  const scores = new Float64Array(classes.length);
  for (const member of members) {
    if (member.classes.length !== classes.length || member.classes.some((label, i) => label !== classes[i]))
      throw new Error('the members of an ensemble have scored other images than the first of them');
    const own = combine === 'mean' ? member.scores : standardised(member.scores);
    for (let i = 0; i < scores.length; i++) scores[i]! += own[i]! / members.length;
  }
  await writeScores(join(context.out, 'scores.arrow'), {scores, classes, classNames});
  return {members: members.length, scored: scores.length};
};

/** Mean 0 and deviation 1 over the test images, whose labels it does not look at; equal scores become 0. */
function standardised(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, score) => sum + score / scores.length, 0);
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2 / scores.length, 0));
  return scores.map((score) => (deviation > 0 ? (score - mean) / deviation : 0));
}
