/** Batch normalisation: on blocks of channels, a factor and a term for each channel are a 1 × 1 convolution by channel. */
import type {Value} from '../../formats/onnx/builder.ts';
import type {LaidOutTensor, LayoutGraph} from './layout-graph.ts';
import type {Translate} from './translate.ts';

/** For every channel factor · x + term (+ more). Vectors are filled up to whole blocks, as many as `channels`. */
function scaled(
  graph: LayoutGraph,
  channels: number,
  x: Value,
  factor: Value,
  term: Value,
  more: readonly Value[] = [],
): Value {
  const filter = graph.reshape(factor, [channels, 1, 1, 1]);
  return graph.blockedNode('Conv', [x, filter, term, ...more], {group: channels, kernel_shape: [1, 1]});
}

/** Of a channel's values in all images. */
function averages(graph: LayoutGraph, [n, channels]: readonly [number, number], x: Value): Value {
  const each = graph.reshape(graph.blockedNode('GlobalAveragePool', [x]), [n, channels]);
  return graph.node('ReduceMean', [each, graph.integers(0)], {keepdims: 0});
}

const reciprocalRoot = (graph: LayoutGraph, variance: Value, epsilon: number): Value =>
  graph.node('Reciprocal', [graph.node('Sqrt', [graph.sum(variance, graph.number(epsilon))])]);

/** x less its mean: of the forward pass, and again of the gradient. */
const centred = (graph: LayoutGraph, channels: number, x: Value, mean: Value): Value =>
  graph.once(`centred ${x}`, () => {
    const ones = graph.builder.constant(new Float32Array(channels).fill(1));
    return scaled(graph, channels, x, ones, graph.node('Neg', [mean]));
  });

/** See TRAIN_BATCH_NORM. */
export const trainBatchNorm: Translate<{readonly epsilon: number; readonly momentum: number}> = (
  graph,
  inputs,
  {epsilon, momentum},
) => {
  const {x, gamma, beta} = inputs;
  const [n, height, width, channels] = x!.shape as [number, number, number, number];
  const whole = graph.whole(channels);
  const image = graph.blocked(x!);
  const mean = averages(graph, [n, whole], image);
  const apart = centred(graph, whole, image, mean);
  const variance = averages(graph, [n, whole], graph.product(apart, apart));
  const slope = graph.product(graph.filled(gamma!), reciprocalRoot(graph, variance, epsilon));
  const y = scaled(graph, whole, apart, slope, graph.filled(beta!));
  const vector = (value: Value): LaidOutTensor => ({shape: [channels], plain: graph.cut(value, channels)});
  const batch = [vector(mean), vector(variance)] as const;
  const moved = (old: LaidOutTensor, now: LaidOutTensor, factor: number): LaidOutTensor => ({
    shape: [channels],
    plain: graph.sum(
      graph.product(graph.plain(old), graph.number(momentum)),
      graph.product(now.plain!, graph.number((1 - momentum) * factor)),
    ),
  });
  const values = n * height * width;
  return [
    {shape: x!.shape, blocked: y},
    moved(inputs['mean']!, batch[0], 1),
    moved(inputs['variance']!, batch[1], values / Math.max(values - 1, 1)),
    ...batch,
    {shape: [1], plain: graph.number(0)},
  ];
};

/** See TRAIN_BATCH_NORM_GRAD, and `wasm.ts` for the formula. */
export const trainBatchNormGradient: Translate<{readonly epsilon: number}> = (
  graph,
  {dy, x, gamma, a: mean, b: variance},
  {epsilon},
) => {
  const [n, height, width, channels] = x!.shape as [number, number, number, number];
  const whole = graph.whole(channels);
  const slopes = graph.blocked(dy!);
  const apart = centred(graph, whole, graph.blocked(x!), graph.filled(mean!));
  const root = reciprocalRoot(graph, graph.filled(variance!), epsilon);
  const slope = graph.product(graph.filled(gamma!), root);
  const meanDy = averages(graph, [n, whole], slopes);
  const meanProduct = averages(graph, [n, whole], graph.product(slopes, apart));
  const meanDyNormal = graph.product(meanProduct, root);
  const against = (value: Value): Value => graph.node('Neg', [graph.product(slope, value)]);
  const drift = scaled(graph, whole, apart, against(graph.product(meanDyNormal, root)), against(meanDy));
  const none = graph.once(`zeros ${whole}`, () => graph.builder.constant(new Float32Array(whole)));
  const dx = scaled(graph, whole, slopes, slope, none, [drift]);
  const total = (value: Value): LaidOutTensor => ({
    shape: [channels],
    plain: graph.cut(graph.product(value, graph.number(n * height * width)), channels),
  });
  return [{shape: x!.shape, blocked: dx}, total(meanDyNormal), total(meanDy)];
};

/** By given statistics. */
export const inferBatchNorm: Translate<{readonly varianceEpsilon: number}> = (
  graph,
  {x, mean, variance, scale, offset},
  {varianceEpsilon},
) => {
  const whole = graph.whole(x!.shape[3]!);
  const root = reciprocalRoot(graph, graph.filled(variance!), varianceEpsilon);
  const slope = scale === undefined ? root : graph.product(graph.filled(scale), root);
  const shift = graph.node('Neg', [graph.product(graph.filled(mean!), slope)]);
  const term = offset === undefined ? shift : graph.sum(graph.filled(offset), shift);
  return [{shape: x!.shape, blocked: scaled(graph, whole, graph.blocked(x!), slope, term)}];
};
