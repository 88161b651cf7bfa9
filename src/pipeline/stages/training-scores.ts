/** Writes what `predict` and `export` need from restored stages: scores of images, without classes. */
import {join} from 'node:path';
import {writeScores} from '../../core/formats/arrow/small.ts';
import type {StageContext} from './stage.ts';

/** Held-out scores of the training images, from which the threshold is computed. */
export const trainingFile = 'training.arrow';

export const writeTrainingScores = (context: StageContext, scores: Float64Array): Promise<void> =>
  writePlainScores(context, trainingFile, scores);

/** Writes scores only: the caller knows which images they belong to. */
export const writePlainScores = ({out}: StageContext, name: string, scores: Float64Array): Promise<void> =>
  writeScores(join(out, name), {scores, classes: new Int32Array(scores.length), classNames: ['image']});
