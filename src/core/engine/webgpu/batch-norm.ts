/** Batch normalisation by the batch's statistics, and its gradient, on WebGPU: a pass for the sums and one for the values each. */
import type * as TF from '@tensorflow/tfjs';
import {componentsOf, type Groups, runShader, type Shader, sizeOf, type WebgpuBackend} from './program.ts';
import {elementwise} from './sums.ts';

/** Threads of a workgroup that sums: so many channels side by side (neighbours in memory), each by `threads / lanes` threads. */
const lanes = 32;
const threads = 256;
/** Parts that a channel's sum is made in, at most, and rows of a part, at least. */
const mostParts = 256;
const leastRows = 64;
/** Threads that add up a channel's parts. */
const finishers = 64;

export interface BatchNormInputs {
  /** (n, h, w, c). */
  readonly x: TF.TensorInfo;
  readonly gamma: TF.TensorInfo;
  readonly beta: TF.TensorInfo;
  readonly mean: TF.TensorInfo;
  readonly variance: TF.TensorInfo;
}

/** y, the moved mean and variance (c), and (2, c): mean and reciprocal deviation of the batch. */
export function trainBatchNorm(
  backend: WebgpuBackend,
  {x, gamma, beta, mean, variance}: BatchNormInputs,
  {epsilon, momentum}: {readonly epsilon: number; readonly momentum: number},
): [y: TF.TensorInfo, mean: TF.TensorInfo, variance: TF.TensorInfo, statistics: TF.TensorInfo] {
  const channels = x.shape.at(-1)!;
  const rows = sizeOf(x.shape) / channels;
  // Sums of differences to the channel's first value: squares of large means would leave nothing of a small variance.
  const sums = partSums(
    backend,
    'batchNormSums',
    {x: 1},
    'let value = x[at] - x[channel]; sum += vec2(value, value * value);',
    [x],
    channels,
  );
  const batch = `
    let count = f32(uniforms.rows);
    let shift = sum.x / count;
    let mean = x[channel] + shift;
    let variance = max(sum.y / count - shift * shift, 0.0);`;
  const finish = (
    name: string,
    code: string,
    inputs: Shader['inputs'],
    tensors: readonly TF.TensorInfo[],
    size: number,
  ) =>
    finishSums(
      backend,
      `${name} ${epsilon} ${momentum}`,
      batch + code,
      {sums, rows, channels},
      {x: 1, ...inputs},
      [x, ...tensors],
      [size, channels],
    );
  const statistics = finish(
    'batchNormStatistics',
    `result[channel] = mean;
    result[channels + channel] = inverseSqrt(variance + ${float(epsilon)});`,
    {},
    [],
    2,
  );
  const moved = (name: string, code: string, old: TF.TensorInfo): TF.TensorInfo => ({
    ...finish(
      name,
      `result[channel] = ${float(momentum)} * old[channel] + ${float(1 - momentum)} * ${code};`,
      {old: 1},
      [old],
      1,
    ),
    shape: [channels],
  });
  const movedMean = moved('batchNormMean', 'mean', mean);
  const movedVariance = moved('batchNormVariance', 'variance * count / max(count - 1.0, 1.0)', variance);
  backend.disposeData(sums.dataId);
  const components = componentsOf(channels);
  const y = elementwise(
    backend,
    {
      key: `batchNorm ${channels}`,
      inputs: {x: components, statistics: components, gamma: components, beta: components},
      output: components,
      uniforms: [],
      element: `
    let channel = index % ${channels / components}u;
    let slope = statistics[${channels / components}u + channel] * gamma[channel];
    result[index] = (x[index] - statistics[channel]) * slope + beta[channel];`,
    },
    [x, statistics, gamma, beta],
    x.shape,
  );
  return [y, movedMean, movedVariance, statistics];
}

/**
 * With x̂ = (x − mean) / deviation over a channel's m values: dβ = Σ dy, dγ = Σ dy·x̂,
 * dx = γ / deviation · (dy − dβ / m − x̂ · dγ / m).
 */
export function trainBatchNormGradient(
  backend: WebgpuBackend,
  dy: TF.TensorInfo,
  x: TF.TensorInfo,
  gamma: TF.TensorInfo,
  statistics: TF.TensorInfo,
): [dx: TF.TensorInfo, dgamma: TF.TensorInfo, dbeta: TF.TensorInfo] {
  const channels = x.shape.at(-1)!;
  const rows = sizeOf(x.shape) / channels;
  const inputs = {dy: 1, x: 1, statistics: 1} as const;
  const term = 'sum += dy[at] * vec2(1.0, (x[at] - statistics[channel]) * statistics[channels + channel]);';
  const sums = partSums(backend, 'batchNormGradientSums', inputs, term, [dy, x, statistics], channels);
  const finish = (name: string, part: 'x' | 'y'): TF.TensorInfo => ({
    ...finishSums(backend, name, `result[channel] = sum.${part};`, {sums, rows, channels}, {}, [], [1, channels]),
    shape: [channels],
  });
  const dbeta = finish('batchNormBetaGradient', 'x');
  const dgamma = finish('batchNormGammaGradient', 'y');
  backend.disposeData(sums.dataId);
  const components = componentsOf(channels);
  const dx = elementwise(
    backend,
    {
      key: `batchNormGradient ${channels}`,
      inputs: {
        dy: components,
        x: components,
        statistics: components,
        gamma: components,
        dgamma: components,
        dbeta: components,
      },
      output: components,
      uniforms: ['rows'],
      element: `
    let channel = index % ${channels / components}u;
    let slope = statistics[${channels / components}u + channel];
    let normal = (x[index] - statistics[channel]) * slope;
    let mean = (dbeta[channel] + normal * dgamma[channel]) / f32(uniforms.rows);
    result[index] = gamma[channel] * slope * (dy[index] - mean);`,
    },
    [dy, x, statistics, gamma, dgamma, dbeta],
    x.shape,
    [rows],
  );
  return [dx, dgamma, dbeta];
}

/** Per channel two sums over rows, in parts: (parts, 2, c). `term` adds the value at `at`, of `channel`, to `sum` (vec2). */
function partSums(
  backend: WebgpuBackend,
  key: string,
  inputs: Shader['inputs'],
  term: string,
  tensors: readonly TF.TensorInfo[],
  channels: number,
): TF.TensorInfo {
  const rows = sizeOf(tensors[0]!.shape) / channels;
  const height = Math.max(leastRows, Math.ceil(rows / mostParts));
  const parts = Math.ceil(rows / height);
  const code = () => `
const channels = ${channels}u;
var<workgroup> shares: array<vec2<f32>, ${threads}>;
fn main() {
  let channel = workgroupId.x * ${lanes}u + localIndex % ${lanes}u;
  var sum = vec2<f32>();
  if (channel < channels) {
    let end = min((workgroupId.y + 1u) * u32(uniforms.height), u32(uniforms.rows));
    for (var row = workgroupId.y * u32(uniforms.height) + localIndex / ${lanes}u; row < end; row += ${threads / lanes}u) {
      let at = row * channels + channel;
      ${term}
    }
  }
  shares[localIndex] = sum;
  workgroupBarrier();
  if (localIndex < ${lanes}u && channel < channels) {
    for (var other = localIndex + ${lanes}u; other < ${threads}u; other += ${lanes}u) { sum += shares[other]; }
    result[2u * workgroupId.y * channels + channel] = sum.x;
    result[(2u * workgroupId.y + 1u) * channels + channel] = sum.y;
  }
}`;
  const shader: Shader = {key: `${key} ${channels}`, inputs, output: 1, threads, uniforms: ['rows', 'height'], code};
  const groups: Groups = [Math.ceil(channels / lanes), parts, 1];
  return runShader(backend, shader, tensors, [parts, 2, channels], groups, [rows, height]);
}

/** Adds up the parts of `partSums`; `code` makes of a channel's `sum` (vec2) what it leaves in `result`. */
function finishSums(
  backend: WebgpuBackend,
  key: string,
  code: string,
  {sums, rows, channels}: {readonly sums: TF.TensorInfo; readonly rows: number; readonly channels: number},
  inputs: Shader['inputs'],
  tensors: readonly TF.TensorInfo[],
  shape: readonly number[],
): TF.TensorInfo {
  const shader: Shader = {
    key: `${key} ${channels}`,
    inputs: {sums: 1, ...inputs},
    output: 1,
    threads: finishers,
    uniforms: ['rows', 'parts'],
    code: () => `
const channels = ${channels}u;
var<workgroup> shares: array<vec2<f32>, ${finishers}>;
fn main() {
  let channel = workgroupId.x;
  var sum = vec2<f32>();
  for (var part = localIndex; part < u32(uniforms.parts); part += ${finishers}u) {
    sum += vec2(sums[2u * part * channels + channel], sums[(2u * part + 1u) * channels + channel]);
  }
  shares[localIndex] = sum;
  workgroupBarrier();
  if (localIndex == 0u) {
    for (var other = 1u; other < ${finishers}u; other++) { sum += shares[other]; }
    ${code}
  }
}`,
  };
  return runShader(backend, shader, [sums, ...tensors], shape, [channels, 1, 1], [rows, sums.shape[0]!]);
}

/** A number as WGSL writes it. */
const float = (value: number): string => `f32(${value})`;
