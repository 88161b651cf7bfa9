/** Batch normalisation: on blocks of channels, a factor and a term for each channel are a 1 × 1 convolution by channel. */
import type {Value} from '../../formats/onnx/builder.ts';
import type {Sheet, Sheeted} from './sheet.ts';
import type {Translate} from './translate.ts';

/** For every channel factor · x + term (+ more). Vectors are filled up to whole blocks, as many as `channels`. */
function scaled(
  sheet: Sheet,
  channels: number,
  x: Value,
  factor: Value,
  term: Value,
  more: readonly Value[] = [],
): Value {
  const filter = sheet.reshape(factor, [channels, 1, 1, 1]);
  return sheet.blockedNode('Conv', [x, filter, term, ...more], {group: channels, kernel_shape: [1, 1]});
}

/** Of a channel's values in all images. */
function averages(sheet: Sheet, [n, channels]: readonly [number, number], x: Value): Value {
  const each = sheet.reshape(sheet.blockedNode('GlobalAveragePool', [x]), [n, channels]);
  return sheet.node('ReduceMean', [each, sheet.integers(0)], {keepdims: 0});
}

const reciprocalRoot = (sheet: Sheet, variance: Value, epsilon: number): Value =>
  sheet.node('Reciprocal', [sheet.node('Sqrt', [sheet.sum(variance, sheet.number(epsilon))])]);

/** x less its mean: of the forward pass, and again of the gradient. */
const centred = (sheet: Sheet, channels: number, x: Value, mean: Value): Value =>
  sheet.once(`centred ${x}`, () => {
    const ones = sheet.builder.constant(new Float32Array(channels).fill(1));
    return scaled(sheet, channels, x, ones, sheet.node('Neg', [mean]));
  });

/** See TRAIN_BATCH_NORM. */
export const trainBatchNorm: Translate<{readonly epsilon: number; readonly momentum: number}> = (
  sheet,
  inputs,
  {epsilon, momentum},
) => {
  const {x, gamma, beta} = inputs;
  const [n, height, width, channels] = x!.shape as [number, number, number, number];
  const whole = sheet.whole(channels);
  const image = sheet.blocked(x!);
  const mean = averages(sheet, [n, whole], image);
  const apart = centred(sheet, whole, image, mean);
  const variance = averages(sheet, [n, whole], sheet.product(apart, apart));
  const slope = sheet.product(sheet.filled(gamma!), reciprocalRoot(sheet, variance, epsilon));
  const y = scaled(sheet, whole, apart, slope, sheet.filled(beta!));
  const vector = (value: Value): Sheeted => ({shape: [channels], plain: sheet.cut(value, channels)});
  const batch = [vector(mean), vector(variance)] as const;
  const moved = (old: Sheeted, now: Sheeted, factor: number): Sheeted => ({
    shape: [channels],
    plain: sheet.sum(
      sheet.product(sheet.plain(old), sheet.number(momentum)),
      sheet.product(now.plain!, sheet.number((1 - momentum) * factor)),
    ),
  });
  const values = n * height * width;
  return [
    {shape: x!.shape, blocked: y},
    moved(inputs['mean']!, batch[0], 1),
    moved(inputs['variance']!, batch[1], values / Math.max(values - 1, 1)),
    ...batch,
    {shape: [1], plain: sheet.number(0)},
  ];
};

/** See TRAIN_BATCH_NORM_GRAD, and `wasm.ts` for the formula. */
export const trainBatchNormGradient: Translate<{readonly epsilon: number}> = (
  sheet,
  {dy, x, gamma, a: mean, b: variance},
  {epsilon},
) => {
  const [n, height, width, channels] = x!.shape as [number, number, number, number];
  const whole = sheet.whole(channels);
  const slopes = sheet.blocked(dy!);
  const apart = centred(sheet, whole, sheet.blocked(x!), sheet.filled(mean!));
  const root = reciprocalRoot(sheet, sheet.filled(variance!), epsilon);
  const slope = sheet.product(sheet.filled(gamma!), root);
  const meanDy = averages(sheet, [n, whole], slopes);
  const meanProduct = averages(sheet, [n, whole], sheet.product(slopes, apart));
  const meanDyNormal = sheet.product(meanProduct, root);
  const against = (value: Value): Value => sheet.node('Neg', [sheet.product(slope, value)]);
  const drift = scaled(sheet, whole, apart, against(sheet.product(meanDyNormal, root)), against(meanDy));
  const none = sheet.once(`zeros ${whole}`, () => sheet.builder.constant(new Float32Array(whole)));
  const dx = scaled(sheet, whole, slopes, slope, none, [drift]);
  const total = (value: Value): Sheeted => ({
    shape: [channels],
    plain: sheet.cut(sheet.product(value, sheet.number(n * height * width)), channels),
  });
  return [{shape: x!.shape, blocked: dx}, total(meanDyNormal), total(meanDy)];
};

/** By given statistics. */
export const inferBatchNorm: Translate<{readonly varianceEpsilon: number}> = (
  sheet,
  {x, mean, variance, scale, offset},
  {varianceEpsilon},
) => {
  const whole = sheet.whole(x!.shape[3]!);
  const root = reciprocalRoot(sheet, sheet.filled(variance!), varianceEpsilon);
  const slope = scale === undefined ? root : sheet.product(sheet.filled(scale), root);
  const shift = sheet.node('Neg', [sheet.product(sheet.filled(mean!), slope)]);
  const term = offset === undefined ? shift : sheet.sum(sheet.filled(offset), shift);
  return [{shape: x!.shape, blocked: scaled(sheet, whole, sheet.blocked(x!), slope, term)}];
};
