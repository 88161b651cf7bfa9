import {expect, test} from 'vitest';
import {keepBindGroups, keepUniforms} from '../../../../src/core/tensor/webgpu/backend.ts';
import {spreadGroups, type WebgpuBackend} from '../../../../src/core/tensor/webgpu/program.ts';

test('a bind group is made once for a pipeline and its buffers, in their order', () => {
  let made = 0;
  const device = {
    createBindGroup: () => ({group: ++made}),
    createComputePipeline: () => ({getBindGroupLayout: () => ({})}),
  };
  keepBindGroups(device);
  const [first, second] = [device.createComputePipeline(), device.createComputePipeline()] as unknown as {
    getBindGroupLayout(group: number): object;
  }[];
  const [a, b] = [{}, {}];
  const group = (pipeline: typeof first, ...buffers: object[]) =>
    (device.createBindGroup as (descriptor: object) => object)({
      layout: pipeline!.getBindGroupLayout(0),
      entries: buffers.map((buffer) => ({resource: {buffer}})),
    });
  const kept = group(first, a, b);
  expect(group(first, a, b)).toBe(kept);
  expect(new Set([kept, group(first, b, a), group(first, a), group(second, a, b)]).size).toBe(4);
  expect(made).toBe(4);
});

test('uniforms are written once, and their buffer is not handed out again', () => {
  const backend = {
    uniformPendingDisposal: [] as object[],
    makeUniforms(_uniforms: readonly {type: string; data: number[]}[]) {
      const buffer = {};
      this.uniformPendingDisposal.push(buffer);
      return {buffer};
    },
  };
  keepUniforms(backend as unknown as WebgpuBackend);
  const made = backend.makeUniforms([{type: 'int32', data: [1, 2]}]);
  expect(backend.makeUniforms([{type: 'int32', data: [1, 2]}])).toBe(made);
  for (const other of [
    [{type: 'int32', data: [12]}],
    [{type: 'float32', data: [1, 2]}],
    [
      {type: 'int32', data: [1]},
      {type: 'int32', data: [2]},
    ],
  ])
    expect(backend.makeUniforms(other)).not.toBe(made);
  expect(backend.uniformPendingDisposal).toEqual([]);
});

test('any number of workgroups keeps within the limit of a dimension', () => {
  for (const count of [1, 65535, 65536, 1_000_003]) {
    const [x, y, z] = spreadGroups(count, 4);
    expect(Math.max(x, y)).toBeLessThanOrEqual(65535);
    expect(x * y).toBeGreaterThanOrEqual(count);
    expect(x * (y - 1)).toBeLessThan(count);
    expect(z).toBe(4);
  }
});
