/** Gaussian blur of images and maps. */

interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Row-major, channels last. */
  readonly data: Float32Array;
}

/** exp(-x² / 2σ²) for x = -radius … radius, with sum 1. */
function gaussian(sigma: number, radius: number): Float64Array {
  const kernel = Float64Array.from({length: 2 * radius + 1}, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = kernel.reduce((total, value) => total + value, 0);
  return kernel.map((value) => value / sum);
}

/** Gaussian blur, rows then columns, 2 · radius + 1 taps; beyond the edge the edge goes on. */
export function gaussianBlur<T extends Pixels>(image: T, sigma: number, radius: number): T {
  const {height, width, channels, data} = image;
  const kernel = gaussian(sigma, radius);
  const row = width * channels;
  const rows = alongAxis(data, {lines: height, line: row, length: width, step: channels, channels}, kernel);
  return {
    ...image,
    data: alongAxis(rows, {lines: width, line: channels, length: height, step: row, channels}, kernel),
  };
}

/** `lines` lines, `line` floats apart, of `length` pixels, `step` floats apart. */
interface Axis {
  readonly lines: number;
  readonly line: number;
  readonly length: number;
  readonly step: number;
  readonly channels: number;
}

function alongAxis(data: Float32Array, axis: Axis, kernel: Float64Array): Float32Array {
  const {lines, line, length, step, channels} = axis;
  const radius = (kernel.length - 1) / 2;
  const out = new Float32Array(data.length);
  for (let l = 0; l < lines; l++)
    for (let c = 0; c < channels; c++) {
      const start = l * line + c;
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let k = -radius; k <= radius; k++)
          sum += kernel[k + radius]! * data[start + Math.min(length - 1, Math.max(0, i + k)) * step]!;
        out[start + i * step] = sum;
      }
    }
  return out;
}
