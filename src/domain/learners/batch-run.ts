/** What trained weights compute of images, batch after batch. */
import {backendEngine, type Tensor, type Tensor4D, tf} from '../../core/engine/engine.ts';
import {type Compiled, compile} from '../../core/nn/compile.ts';
import type {Weights} from '../../core/nn/layers.ts';

/**
 * TensorFlow's graph costs as much as ten to forty batches, and computes the same bits: it is made once so many full ones were seen.
 * ONNX Runtime's computes others than wasm, so that equal images would get other features in later batches: it makes none here.
 */
const batchesBeforeGraph = 24;

export class BatchRun {
  readonly #body: (x: Tensor4D) => readonly Tensor[];
  readonly #graph: Compiled;
  #seen = 0;

  /** `body`: float images (n, h, w, 3) → what is wanted of them; it learns nothing. */
  constructor(weights: Weights, body: (x: Tensor4D) => readonly Tensor[]) {
    this.#body = body;
    this.#graph = compile([...weights.values()], ([x]) => body(x as Tensor4D));
  }

  /** `full`: the batch has as many images as all others but the last. The results are the caller's. */
  next(x: Tensor4D, {full}: {readonly full: boolean}): Tensor[] {
    const pays = full && x.shape[0] >= (backendEngine()?.embedsByGraph ?? Number.POSITIVE_INFINITY);
    if (pays && this.#seen++ >= batchesBeforeGraph) return this.#graph.run([x]);
    return tf.tidy(() => [...this.#body(x)]);
  }

  dispose(): void {
    this.#graph.dispose();
  }
}
