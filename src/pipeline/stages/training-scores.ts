/** What `predict` and `export` need from restored stages: scores of images without other information. */
import {join} from 'node:path';
import {writeScores} from '../../core/formats/arrow/small.ts';
import type {StageContext} from './stage.ts';

/** Held-out scores of the training images, from which the threshold is computed. */
export const trainingFile = 'training.arrow';

export const writeTrainingScores = (context: StageContext, scores: Float64Array): Promise<void> =>
  writePlainScores(context, trainingFile, scores);

/** The caller knows which scores these are. */
export const writePlainScores = ({out}: StageContext, name: string, scores: Float64Array): Promise<void> =>
  writeScores(join(out, name), {scores, classes: new Int32Array(scores.length), classNames: ['image']});
