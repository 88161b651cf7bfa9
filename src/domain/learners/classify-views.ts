import type {Network} from '../../core/contracts/network.ts';
import {type Tensor4D, tf} from '../../core/engine/engine.ts';
import type {Weights} from '../../core/nn/layers.ts';
import {embed, logits} from '../networks/head.ts';
import type {Parts} from './explain.ts';
import {classification} from './training/losses.ts';
import type {StepResult} from './training/phases.ts';

/** Which batch normalisation uses the batch's statistics, and updates the running ones; the other one uses the running ones. */
export interface Normalising {
  readonly encoder: boolean;
  readonly head: boolean;
}

/** Both use the running ones. */
export const inference: Normalising = {encoder: false, head: false};

/**
 * The proxy task of rotation prediction and CutPaste: which of an image's views is this? x (views · n, h, w, 3): view 0 of every
 * image, then view 1 …; the label is the view. All go through the network in one batch, so that its statistics cover all views.
 */
export function classifyViews(
  network: Network,
  weights: Weights,
  x: Tensor4D,
  views: number,
  batchStatistics: Normalising = {encoder: true, head: true},
): StepResult {
  const count = x.shape[0] / views;
  const pooled = network.pool(weights, x, {training: batchStatistics.encoder});
  const embedded = embed(weights, network.head, pooled, {training: batchStatistics.head});
  const labels = Int32Array.from({length: x.shape[0]}, (_, i) => Math.floor(i / count));
  return {...classification(logits(weights, embedded), labels), pooled};
}

/** The score of such a learner, which `localize` explains: -log p(view 0), of the unchanged image. */
export const ownScoreOfViews =
  ({head}: Network): NonNullable<Parts['own']> =>
  (weights, pooled) => {
    const probabilities = tf.logSoftmax(logits(weights, embed(weights, head, pooled, {training: false})));
    return tf.neg(tf.squeeze(tf.slice(probabilities, [0, 0], [-1, 1]), [1]));
  };
