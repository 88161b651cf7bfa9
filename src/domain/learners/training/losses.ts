import {type Scalar, type Tensor2D, tf} from '../../../core/engine/engine.ts';

/** Mean softmax cross-entropy of logits (n, classes) and the share of rows whose largest logit is the label's. */
export function classification(
  logits: Tensor2D,
  labels: Int32Array,
): {readonly loss: Scalar; readonly accuracy: Scalar} {
  const [n, classes] = logits.shape;
  const wanted = new Float32Array(n * classes);
  for (const [row, label] of labels.entries()) wanted[row * classes + label] = 1;
  const picked = tf.mul(tf.logSoftmax(logits), tf.tensor2d(wanted, [n, classes]));
  return {
    loss: tf.mul(tf.sum(picked), -1 / n),
    accuracy: tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), tf.tensor1d(labels, 'int32')), 'float32')),
  };
}

/**
 * One-directional InfoNCE of embeddings (n, d) of two views (paper 2.4): row i of `anchors` must find row i among all rows of
 * `candidates`, by cosine / temperature. Only the n - 1 other candidates are negatives: anchors are not, and there is no term in
 * the other direction. `accuracy`: the share of anchors that find theirs. Rows that are all equal: log n.
 */
export function infoNce(
  anchors: Tensor2D,
  candidates: Tensor2D,
  temperature: number,
): ReturnType<typeof classification> {
  const cosines = tf.matMul(unitRows(anchors), tf.transpose(unitRows(candidates)));
  return classification(
    tf.mul(cosines, 1 / temperature),
    Int32Array.from({length: anchors.shape[0]}, (_, i) => i),
  );
}

/**
 * Symmetric contrastive loss of embeddings (n, d) of two views, NT-Xent (Chen et al. 2020): each of the 2n rows must find its partner
 * among the 2n - 1 others of both views, by cosine / temperature. `accuracy`: the share of rows that find theirs. Rows that are all
 * equal: log(2n - 1).
 */
export function ntXent(first: Tensor2D, second: Tensor2D, temperature: number): ReturnType<typeof classification> {
  const n = first.shape[0];
  const rows = unitRows(tf.concat([first, second]));
  const cosines = tf.mul(tf.matMul(rows, tf.transpose(rows)), 1 / temperature);
  const others = tf.sub(cosines, tf.mul(tf.eye(2 * n), excluded));
  return classification(
    others as Tensor2D,
    Int32Array.from({length: 2 * n}, (_, i) => (i + n) % (2 * n)),
  );
}

/** Taken from a logit, it leaves a probability of 0; finite, because 0 · ∞ is not a number. */
const excluded = 1e9;

/** Rows of length 1; a row of zeros stays one. */
function unitRows(x: Tensor2D): Tensor2D {
  return tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), 1, true), 1e-12)));
}
