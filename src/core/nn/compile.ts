import type {Body, Graph} from '../engine/definition.ts';
import {runningTrace, tf, type Variable} from '../engine/engine.ts';
import {kernelsAreProfiled} from '../engine/profile.ts';

/** A graph, or its replacement on engines without graphs. */
export type Compiled = Graph;

/**
 * `body` as one graph, where the engine can run one: TensorFlow and ONNX Runtime then fuse operations, reuse memory and keep all
 * cores busy between them. Where TensorFlow's graph computes other numbers than the operations one by one, on other engines, and
 * while kernels are profiled, the operations run one by one, as they are written.
 *
 * For each shape of inputs `body` is called once, and what it does then is what is done ever after: it must not look at values,
 * and must depend on nothing but `inputs`, `variables` and what never changes. It may assign to the variables.
 */
export function compile(variables: readonly Variable[], body: Body): Compiled {
  const graphs = new Map<string, Graph | undefined>();
  return {
    run(inputs) {
      const trace = kernelsAreProfiled() ? undefined : runningTrace();
      const key = inputs.map(({dtype, shape}) => `${dtype}[${shape}]`).join();
      if (trace && !graphs.has(key)) graphs.set(key, trace(variables, body, inputs));
      const graph = trace && graphs.get(key);
      return graph ? graph.run(inputs) : tf.tidy(() => [...body(inputs)]);
    },
    dispose() {
      for (const graph of graphs.values()) graph?.dispose();
      graphs.clear();
    },
  };
}
