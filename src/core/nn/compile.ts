import {noteRefusedGraph} from '../engine/check/findings.ts';
import {tf, type Variable} from '../engine/engine.ts';
import {kernelsAreProfiled} from '../engine/profile.ts';
import {type Body, type Graph, traceGraph} from '../engine/tensorflow/graph.ts';

/** A graph, or what stands for one on engines that run none. */
export type Compiled = Graph;

/**
 * `body` as one graph, where the engine can run one: TensorFlow then fuses operations, reuses memory and keeps all cores busy
 * between them. Where its graph computes other numbers than the operations one by one, on other engines, and while kernels are
 * profiled, the operations run one by one, as they are written.
 *
 * For each shape of inputs `body` is called once, and what it does then is what is done ever after: it must not look at values,
 * and must depend on nothing but `inputs`, `variables` and what never changes. It may assign to the variables.
 */
export function compile(variables: readonly Variable[], body: Body): Compiled {
  const graphs = new Map<string, Graph>();
  return {
    run(inputs) {
      if (tf.getBackend() !== 'tensorflow' || kernelsAreProfiled()) return tf.tidy(() => [...body(inputs)]);
      const key = inputs.map(({dtype, shape}) => `${dtype}[${shape}]`).join();
      let graph = graphs.get(key);
      if (graph === undefined) {
        graph = traceGraph(variables, body, inputs);
        if (graph === undefined) {
          noteRefusedGraph();
          graph = {run: (given) => tf.tidy(() => [...body(given)]), dispose: () => undefined};
        }
        graphs.set(key, graph);
      }
      return graph.run(inputs);
    },
    dispose() {
      for (const graph of graphs.values()) graph.dispose();
      graphs.clear();
    },
  };
}
