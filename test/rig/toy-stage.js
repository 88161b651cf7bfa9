/** A kind of stage in one definition, for worker processes: plain JavaScript, as workers load no TypeScript. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {readScores} from '../../dist/core/formats/arrow/small.js';
import {defineStage, runnerOf} from '../../dist/pipeline/stages/define.js';
import {stages} from '../../dist/pipeline/stages/index.js';
import {score} from '../../dist/pipeline/stages/score.js';

/** The largest score of a classifier, times a factor. */
export const largest = defineStage({
  kind: 'largest',
  lane: 'cpu',
  recipe: {
    type: 'object',
    required: ['factor'],
    properties: {factor: {type: 'integer'}},
    additionalProperties: false,
  },
  plan(context, graph) {
    for (const {stage, classifier} of graph.plan(score, context))
      graph.addStage(largest, context, {
        label: `largest ${classifier}`,
        recipe: {factor: 2},
        inputs: {scores: {stage, file: 'scores.arrow'}},
        uses: [],
        result: {task: context.task.id, classifier},
      });
  },
  async run({recipe, inputs, out}) {
    const {scores} = await readScores(inputs.scores);
    const value = recipe.factor * Math.max(...scores);
    writeFileSync(join(out, 'largest.txt'), String(value));
    return {metrics: {largest: value}, normal: 0, anomalous: scores.length};
  },
});

export const runStage = runnerOf([...stages, largest]);
