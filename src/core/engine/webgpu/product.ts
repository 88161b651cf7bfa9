/**
 * A matrix product as a WGSL shader, of matrices that need not lie in memory as such: what a convolution and its gradients are.
 *
 * A workgroup of 8 × 8 threads makes a 64 × 64 tile of the result, each thread two times two blocks of 4 × 4. Sixteen columns of
 * A and rows of B are brought into shared memory at a time, where 64 multiply-adds of a thread share four reads.
 */
import type {Components, Shader} from './program.ts';
import {groupIndex} from './program.ts';

/** Rows and columns of the result that a workgroup makes. */
export const tileSide = 64;
/** Terms of the sum that are in shared memory at a time. */
export const tileDepth = 16;
const threads = 64;
/** vec4s of a row of shared memory: one more than are used, which spreads columns over the memory's banks. */
const pitch = tileSide / 4 + 1;

/** One of the two matrices, as it is read. */
export interface Factor {
  /** The index that neighbours in memory run along: the row (of A) or column (of B), or the depth, that of the sum's terms. */
  readonly along: 'outer' | 'depth';
  /** How many neighbours are read at once; their first index is a multiple of it. */
  readonly components: Components;
  /** Body of a WGSL function of `outer` and `depth` (u32), which are met beyond the matrix's end too: there it returns `Value()`. */
  readonly at: string;
}

export interface Product {
  readonly key: string;
  readonly inputs: Shader['inputs'];
  /** WGSL that the factors and `target` use. */
  readonly shared: string;
  /** Its outer index is the result's row. */
  readonly a: Factor;
  /** Its outer index is the result's column. */
  readonly b: Factor;
  readonly columns: number;
  /** Terms of the sum that a workgroup adds up: WGSL (u32). */
  readonly depth: string;
  /** Body of a WGSL function of `row` (u32): the row of the result's memory that it goes to (i32), −1 for none. */
  readonly target: string;
  readonly uniforms: readonly string[];
}

/** Workgroups that cover the result, to be launched by `spreadGroups`. */
export const tilesOf = (rows: number, columns: number): number =>
  Math.ceil(rows / tileSide) * Math.ceil(columns / tileSide);

export function productShader(product: Product): Shader {
  const {key, inputs, columns, uniforms} = product;
  const output: Components = columns % 4 === 0 ? 4 : 1;
  return {key, inputs, output, threads, uniforms, code: () => productCode(product, output)};
}

function productCode({shared, a, b, columns, depth, target}: Product, output: Components): string {
  const each = <T>(values: readonly T[], line: (value: T) => string): string => values.map(line).join('\n');
  const four = [0, 1, 2, 3];
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  return `
const columns = ${columns}u;
const columnTiles = ${Math.ceil(columns / tileSide)}u;
var<workgroup> tileA: array<vec4<f32>, ${tileDepth * pitch}>;
var<workgroup> tileB: array<vec4<f32>, ${tileDepth * pitch}>;
${shared}
${readCode('A', a)}
${readCode('B', b)}
fn targetRow(row: u32) -> i32 { ${target} }
${writeCode(output)}
fn main() {
  let group = ${groupIndex};
  let firstRow = group / columnTiles * ${tileSide}u;
  let firstColumn = group % columnTiles * ${tileSide}u;
  let terms = ${depth};
  ${blockOf('A', a.along)}
  ${blockOf('B', b.along)}
  let threadRow = localIndex / 8u;
  let threadColumn = localIndex % 8u;
  ${each(eight, (i) => `var left${i} = vec4<f32>(); var right${i} = vec4<f32>();`)}
  for (var start = 0u; start < terms; start += ${tileDepth}u) {
    ${loadCode('A', 'firstRow', a.along)}
    ${loadCode('B', 'firstColumn', b.along)}
    workgroupBarrier();
    ${each(four, (i) => storeCode('A', i, a.along))}
    ${each(four, (i) => storeCode('B', i, b.along))}
    workgroupBarrier();
    for (var k = 0u; k < ${tileDepth}u; k++) {
      let upper = tileA[k * ${pitch}u + threadRow];
      let lower = tileA[k * ${pitch}u + 8u + threadRow];
      let left = tileB[k * ${pitch}u + threadColumn];
      let right = tileB[k * ${pitch}u + 8u + threadColumn];
      ${each(eight, (i) => {
        const value = `vec4<f32>(${i < 4 ? 'upper' : 'lower'}[${i % 4}])`;
        return `left${i} = fma(${value}, left, left${i}); right${i} = fma(${value}, right, right${i});`;
      })}
    }
  }
  ${each(
    eight,
    (i) => `{
    let row = targetRow(firstRow + ${i < 4 ? i : 28 + i}u + 4u * threadRow);
    if (row >= 0) {
      write(u32(row), firstColumn + 4u * threadColumn, left${i});
      write(u32(row), firstColumn + 32u + 4u * threadColumn, right${i});
    }
  }`,
  )}
}`;
}

/** `readA(outer, depth)`: four neighbours along the factor's index. */
function readCode(name: string, {along, components, at}: Factor): string {
  const value = components === 4 ? 'vec4<f32>' : 'f32';
  const body = at.replaceAll('Value', value);
  if (components === 4) return `fn read${name}(outer: u32, depth: u32) -> ${value} { ${body} }`;
  return `fn single${name}(outer: u32, depth: u32) -> f32 { ${body} }
fn read${name}(outer: u32, depth: u32) -> vec4<f32> {
  var four: vec4<f32>;
  for (var i = 0u; i < 4u; i++) { four[i] = single${name}(${along === 'outer' ? 'outer + i, depth' : 'outer, depth + i'}); }
  return four;
}`;
}

/** Which block of 4 × 4 numbers of a tile a thread brings: neighbouring threads read neighbouring memory. */
const blockOf = (name: string, along: Factor['along']): string =>
  along === 'depth'
    ? `let outer${name} = localIndex / 4u; let depth${name} = localIndex % 4u;`
    : `let outer${name} = localIndex % 16u; let depth${name} = localIndex / 16u;`;

const loadCode = (name: string, first: string, along: Factor['along']): string =>
  [0, 1, 2, 3]
    .map((i) => {
      const outer = `${first} + 4u * outer${name}${along === 'depth' ? ` + ${i}u` : ''}`;
      const depth = `start + 4u * depth${name}${along === 'outer' ? ` + ${i}u` : ''}`;
      return `let block${name}${i} = read${name}(${outer}, ${depth});`;
    })
    .join('\n');

/** Shared memory has four neighbours along the outer index in a vec4: a block read along the depth is transposed. */
function storeCode(name: string, i: number, along: Factor['along']): string {
  const value =
    along === 'outer'
      ? `block${name}${i}`
      : `vec4<f32>(${[0, 1, 2, 3].map((j) => `block${name}${j}[${i}]`).join(', ')})`;
  return `tile${name}[(4u * depth${name} + ${i}u) * ${pitch}u + outer${name}] = ${value};`;
}

const writeCode = (output: Components): string =>
  output === 4
    ? `fn write(row: u32, column: u32, value: vec4<f32>) {
  if (column < columns) { result[(row * columns + column) / 4u] = value; }
}`
    : `fn write(row: u32, column: u32, value: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (column + i < columns) { result[row * columns + column + i] = value[i]; }
  }
}`;
