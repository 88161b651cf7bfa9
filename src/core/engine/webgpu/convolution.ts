/** Convolution and its two gradients on WebGPU, each one matrix product: the backend's own gradients are plain loops. */
import type * as TF from '@tensorflow/tfjs';
import {type Factor, productShader, tileDepth, tilesOf} from './product.ts';
import {componentsOf, runShader, spreadGroups, type WebgpuBackend} from './program.ts';
import {sumParts} from './sums.ts';

export type ConvolutionInfo = ReturnType<(typeof TF)['backend_util']['computeConv2DInfo']>;

/** Workgroups that keep a large GPU busy: the sums of a small result are split until there are so many. */
const wantedGroups = 512;
/** Terms of a part of a sum, at least. */
const leastTerms = 8 * tileDepth;

/** Images for which convolution is split, whatever their number: an image's features must not depend on those beside it. */
const usualBatch = 64;

/** How many parts the sums of `terms` terms are made in, side by side, and terms of a part; the parts are added up afterwards. */
function splitOf(tiles: number, terms: number): {readonly parts: number; readonly share: number} {
  const wanted = Math.max(1, Math.min(Math.ceil(wantedGroups / tiles), Math.floor(terms / leastTerms)));
  const share = Math.ceil(terms / wanted / tileDepth) * tileDepth;
  return {parts: Math.ceil(terms / share), share};
}

/** x (n, h, w, c) convolved with filter (kh, kw, c, k) → (n, p, q, k). Rows of the product are places (n, p, q); z numbers parts. */
export function convolve(
  backend: WebgpuBackend,
  info: ConvolutionInfo,
  x: TF.TensorInfo,
  filter: TF.TensorInfo,
): TF.TensorInfo {
  const {inChannels, outChannels} = info;
  const places = info.batchSize * info.outHeight * info.outWidth;
  const terms = info.filterHeight * info.filterWidth * inChannels;
  const {parts, share} = splitOf(tilesOf(usualBatch * info.outHeight * info.outWidth, outChannels), terms);
  const term = 'workgroupId.z * u32(uniforms.share) + depth';
  const shader = productShader({
    key: `convolve ${sidesKey(info)}`,
    inputs: {x: componentsOf(inChannels), filters: componentsOf(outChannels)},
    shared: sidesCode(info),
    a: patches('depth', inChannels, 'outer', term, `${terms}u`),
    b: matrix('filters', outChannels, term, `${terms}u`),
    columns: outChannels,
    depth: 'u32(uniforms.share)',
    target: `
  let places = u32(uniforms.places);
  return select(-1, i32(workgroupId.z * places + row), row < places);`,
    uniforms: ['places', 'share'],
  });
  const groups = spreadGroups(tilesOf(places, outChannels), parts);
  const shape = [parts, ...info.outShape];
  return sumParts(backend, runShader(backend, shader, [x, filter], shape, groups, [places, share]));
}

/**
 * dW[(i, j, c), k] = Σ over places of x[n, i + s·p, j + s·q, c] · dy[(n, p, q), k]; z numbers parts of the long sum.
 */
export function filterGradient(
  backend: WebgpuBackend,
  info: ConvolutionInfo,
  x: TF.TensorInfo,
  dy: TF.TensorInfo,
): TF.TensorInfo {
  const {inChannels, outChannels} = info;
  const places = info.batchSize * info.outHeight * info.outWidth;
  const rows = info.filterHeight * info.filterWidth * inChannels;
  const tiles = tilesOf(rows, outChannels);
  const {parts, share} = splitOf(tiles, places);
  const place = 'workgroupId.z * u32(uniforms.share) + depth';
  const shader = productShader({
    key: `filterGradient ${sidesKey(info)}`,
    inputs: {x: componentsOf(inChannels), dy: componentsOf(outChannels)},
    shared: sidesCode(info),
    a: patches('outer', inChannels, place, 'outer', `${rows}u`),
    b: matrix('dy', outChannels, place, 'u32(uniforms.places)'),
    columns: outChannels,
    depth: 'u32(uniforms.share)',
    target: `return select(-1, i32(workgroupId.z * ${rows}u + row), row < ${rows}u);`,
    uniforms: ['places', 'share'],
  });
  const shape = [parts, ...info.filterShape];
  return sumParts(backend, runShader(backend, shader, [x, dy], shape, spreadGroups(tiles, parts), [places, share]));
}

/**
 * dx[n, y, x, c] = Σ over taps (i, j) and k of dy[n, (y + top − i) / s, (x + left − j) / s, k] · W[i, j, c, k], where the divisions
 * leave no remainder. Places of the same remainders (a phase) meet the same taps, one a stride: no term is spent on a zero that
 * the stride puts between two values of dy. z numbers phases, and within them parts.
 */
export function inputGradient(
  backend: WebgpuBackend,
  info: ConvolutionInfo,
  dy: TF.TensorInfo,
  filter: TF.TensorInfo,
): TF.TensorInfo {
  const {inChannels, outChannels, strideHeight, strideWidth} = info;
  const [height, width] = [Math.ceil(info.inHeight / strideHeight), Math.ceil(info.inWidth / strideWidth)];
  const places = info.batchSize * height * width;
  const [tapRows, tapColumns] = [
    Math.ceil(info.filterHeight / strideHeight),
    Math.ceil(info.filterWidth / strideWidth),
  ];
  const terms = tapRows * tapColumns * outChannels;
  const phases = strideHeight * strideWidth;
  const tiles = tilesOf(places, inChannels);
  const {parts, share} = splitOf(tiles * phases, terms);
  const components = componentsOf(outChannels);
  const shader = productShader({
    key: `inputGradient ${sidesKey(info)}`,
    inputs: {dy: components, filters: components},
    shared: `${sidesCode(info)}
fn part() -> u32 { return workgroupId.z % u32(uniforms.parts); }
fn phase() -> vec2<u32> {
  let phase = workgroupId.z / u32(uniforms.parts);
  return vec2(phase / strides.y, phase % strides.y);
}
fn termOf(depth: u32) -> u32 { return part() * u32(uniforms.share) + depth; }
fn imageOf(row: u32) -> u32 { return row / ${height * width}u; }
fn placeOf(row: u32) -> vec2<u32> {
  let place = row % ${height * width}u;
  return vec2(place / ${width}u, place % ${width}u) * strides + phase();
}
fn stepOf(term: u32) -> vec2<u32> {
  let step = term / outChannels;
  return vec2(step / ${tapColumns}u, step % ${tapColumns}u);
}`,
    a: {
      along: 'depth',
      components,
      at: `
  let term = termOf(depth);
  let at = vec2<i32>((placeOf(outer) + padding) / strides) - vec2<i32>(stepOf(term));
  if (outer >= u32(uniforms.places) || term >= ${terms}u) { return Value(); }
  if (any(at < vec2<i32>()) || any(at >= vec2<i32>(outSides))) { return Value(); }
  let place = (imageOf(outer) * outSides.x + u32(at.x)) * outSides.y + u32(at.y);
  return dy[(place * outChannels + term % outChannels) / ${components}u];`,
    },
    b: {
      along: 'depth',
      components,
      at: `
  let term = termOf(depth);
  let tap = (phase() + padding) % strides + stepOf(term) * strides;
  if (outer >= inChannels || term >= ${terms}u || any(tap >= filterSides)) { return Value(); }
  let row = (tap.x * filterSides.y + tap.y) * inChannels + outer;
  return filters[(row * outChannels + term % outChannels) / ${components}u];`,
    },
    columns: inChannels,
    depth: 'u32(uniforms.share)',
    target: `
  let place = placeOf(row);
  if (row >= u32(uniforms.places) || any(place >= inSides)) { return -1; }
  let image = part() * u32(uniforms.images) + imageOf(row);
  return i32((image * inSides.x + place.x) * inSides.y + place.y);`,
    uniforms: ['places', 'images', 'parts', 'share'],
  });
  const groups = spreadGroups(tiles, phases * parts);
  const uniforms = [places, info.batchSize, parts, share];
  return sumParts(backend, runShader(backend, shader, [dy, filter], [parts, ...info.inShape], groups, uniforms));
}

/** All that a shader's code depends on: everything but the number of images. */
const sidesKey = (info: ConvolutionInfo): string =>
  [
    [info.inHeight, info.inWidth, info.inChannels],
    [info.outHeight, info.outWidth, info.outChannels],
    [info.filterHeight, info.filterWidth],
    [info.strideHeight, info.strideWidth],
    [info.padInfo.top, info.padInfo.left],
  ].join(' ');

/** The same as WGSL constants, so that divisions by them cost little. */
const sidesCode = (info: ConvolutionInfo): string => `
const inSides = vec2<u32>(${info.inHeight}, ${info.inWidth});
const inChannels = ${info.inChannels}u;
const outSides = vec2<u32>(${info.outHeight}, ${info.outWidth});
const outChannels = ${info.outChannels}u;
const filterSides = vec2<u32>(${info.filterHeight}, ${info.filterWidth});
const strides = vec2<u32>(${info.strideHeight}, ${info.strideWidth});
const padding = vec2<u32>(${info.padInfo.top}, ${info.padInfo.left});`;

/** What the filter meets at each place: x at index (place, tap and channel), neither of which is in memory as such. */
function patches(along: Factor['along'], channels: number, place: string, tap: string, taps: string): Factor {
  const components = componentsOf(channels);
  return {
    along,
    components,
    at: `
  let whole = ${place};
  let tap = (${tap}) / inChannels;
  let out = whole % (outSides.x * outSides.y);
  let at = vec2<i32>(vec2(out / outSides.y, out % outSides.y) * strides + vec2(tap / filterSides.y, tap % filterSides.y)) - vec2<i32>(padding);
  if (whole >= u32(uniforms.places) || ${tap} >= ${taps}) { return Value(); }
  if (any(at < vec2<i32>()) || any(at >= vec2<i32>(inSides))) { return Value(); }
  let pixel = (whole / (outSides.x * outSides.y) * inSides.x + u32(at.x)) * inSides.y + u32(at.y);
  return x[(pixel * inChannels + (${tap}) % inChannels) / ${components}u];`,
  };
}

/** A matrix that lies in memory row by row, its rows along the depth. */
function matrix(name: string, columns: number, row: string, rows: string): Factor {
  const components = componentsOf(columns);
  return {
    along: 'outer',
    components,
    at: `
  let row = ${row};
  if (row >= ${rows} || outer >= ${columns}u) { return Value(); }
  return ${name}[(row * ${columns}u + outer) / ${components}u];`,
  };
}
