/** ONNX nodes of what raises a score, place by place, as `Encoder.explain` computes it. */
import type {ImageShape} from '../../core/contracts/data.ts';
import type {Attribution, Size} from '../../core/contracts/learner.ts';
import type {GraphBuilder, Value} from '../../core/formats/onnx/builder.ts';
import type {RecordedGraph} from '../../core/formats/onnx/recorded.ts';
import {slopesGraph} from '../../core/formats/onnx/slopes.ts';
import {enlarged} from '../../core/images/bilinear.ts';
import {gaussianBlur} from '../../core/images/gaussian-blur.ts';
import {reluGraph, resampledGraph, weighting} from '../../core/nn/layers-graph.ts';

export interface ScoreOfGraph {
  /** Float32 images (n, h, w, 3) → the features of which the score is a function, (n, d), or the score itself, (n). */
  features(images: Value): Value | Promise<Value>;
  /** The slopes of the score in them. */
  slopes(features: Value): Value;
}

/**
 * Float32 images (n, h, w, 3) → (n, h', w'). `map`: the network's last map of them, (n, c, h', w'), by which GradCAM explains. Throws
 * `NoSlopes`.
 */
export async function relevanceGraph(
  graph: RecordedGraph,
  images: Value,
  score: ScoreOfGraph,
  attribution: Attribution,
  map: () => Value,
): Promise<Value> {
  const slopesAt = async (at: Value, seen = at): Promise<Value> => {
    const of = await score.features(seen);
    return slopesGraph(graph, {of, at, slopes: score.slopes(of)});
  };
  const sum = (x: Value, axis: number): Value => graph.node('ReduceSum', [x, graph.integers(axis)], {keepdims: 0});
  if (attribution.by === 'gradcam') {
    const last = map();
    return reluGraph(graph, sum(graph.node('Mul', [last, await slopesAt(last, images)]), 1));
  }
  if (attribution.by !== 'integrated-gradients') return graph.largest(graph.node('Abs', [await slopesAt(images)]), [3]);
  const {steps, baseline} = attribution;
  const {height, width, data} = baseline;
  const start = graph.constant(data, [height, width, 3]);
  const way = graph.node('Sub', [images, start]);
  const shares = graph.constant(
    Float32Array.from({length: steps}, (_, step) => (step + 0.5) / steps),
    [steps, 1, 1, 1, 1],
  );
  // (steps, n, h, w, 3): all steps go through the network in one batch.
  const between = graph.node('Add', [graph.node('Mul', [way, shares]), start]);
  const slopes = await slopesAt(graph.node('Reshape', [between, graph.integers(-1, height, width, 3)]));
  const byStep = graph.node('Reshape', [slopes, graph.integers(steps, -1, height, width, 3)]);
  const mean = graph.node('Div', [sum(byStep, 0), graph.constant(Float32Array.of(steps))]);
  return reluGraph(graph, sum(graph.node('Mul', [way, mean]), 3));
}

/** (n, h', w') → (n, height, width): GradCAM's places are enlarged, slopes of pixels smoothed. */
export function shownGraph(
  builder: GraphBuilder,
  relevance: Value,
  from: Size,
  {height, width}: ImageShape,
  sigma: number | undefined,
): Value {
  const along = (own: number, wanted: number) =>
    weighting(own, (data, channels) =>
      sigma === undefined
        ? enlarged(data, {height: own, width: 1}, {height: wanted, width: 1}, channels)
        : gaussianBlur({height: own, width: 1, channels, data}, sigma, Math.ceil(3 * sigma)).data,
    );
  const one = builder.node('Unsqueeze', [relevance, builder.integers(1)]);
  const shown = resampledGraph(builder, one, along(from.height, height), along(from.width, width));
  return builder.node('Squeeze', [shown, builder.integers(1)]);
}
