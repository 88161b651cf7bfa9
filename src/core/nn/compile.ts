import {noteRefusedGraph} from '../engine/check/findings.ts';
import {runningEngine, type Tensor, tf, type Variable} from '../engine/engine.ts';
import {traceOnnxGraph} from '../engine/onnx/graph.ts';
import {kernelsAreProfiled} from '../engine/profile.ts';
import {type Body, type Graph, traceGraph} from '../engine/tensorflow/graph.ts';

/** A graph, or its replacement on engines without graphs. */
export type Compiled = Graph;

/**
 * How this engine makes a graph; undefined if it runs none. A graph is undefined if the engine has no operator for a part of it.
 */
function tracer():
  | ((variables: readonly Variable[], body: Body, inputs: readonly Tensor[]) => Graph | undefined)
  | undefined {
  if (kernelsAreProfiled()) return undefined;
  const engine = runningEngine()?.name;
  if (engine === 'tensorflow')
    return (...given) => {
      const graph = traceGraph(...given);
      if (graph === undefined) noteRefusedGraph();
      return graph;
    };
  return engine === 'onnx' ? traceOnnxGraph : undefined;
}

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
      const trace = tracer();
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
