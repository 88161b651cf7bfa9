/** What `predict` and `export` ask restored stages for: scores of images of which nothing else is known. */
import {join} from 'node:path';
import {writeScores} from '../../core/formats/arrow/small.ts';
import type {StageContext} from './stage.ts';

/** What the training images score, each held out: the threshold comes from them. */
export const trainingFile = 'training.arrow';

export const writeTrainingScores = (context: StageContext, scores: Float64Array): Promise<void> =>
  writePlainScores(context, trainingFile, scores);

/** Whose scores they are is known to those who asked for them. */
export const writePlainScores = ({out}: StageContext, name: string, scores: Float64Array): Promise<void> =>
  writeScores(join(out, name), {scores, classes: new Int32Array(scores.length), classNames: ['image']});
