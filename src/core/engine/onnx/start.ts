/**
 * The engine `onnx`: what is compiled runs in ONNX Runtime, whose convolutions are several times as fast as those of the wasm
 * engine; everything else runs on wasm, in the same memory.
 */
import {createRequire} from 'node:module';
import {GraphBuilder} from '../../formats/onnx/builder.ts';
import type {EngineInfo} from '../contract.ts';
import {BLOCKED} from './layout-graph.ts';
import {openSession} from './session.ts';

export function loadOnnx(threads: number): EngineInfo {
  blockSize(); // throws if it is not available
  const {version} = createRequire(import.meta.url)('onnxruntime-node/package.json') as {version: string};
  return {name: 'onnx', version, device: 'cpu', threads};
}

let found: number | undefined;

/**
 * Channels of a block on this processor, seen from what four channels are filled up to. Throws where ONNX Runtime has no package or
 * no blocks.
 */
export function blockSize(): number {
  if (found === undefined) {
    const builder = new GraphBuilder();
    const x = builder.input('x', [1, 4, 1, 1], '');
    const blocks = builder.node('ReorderInput', [x], {}, {domain: BLOCKED});
    builder.output('y', blocks, [1, 'channels', 1, 1], '');
    const session = openSession(builder.finish({producer: 'pipeline', version: '', doc: '', metadata: {}}), 1);
    const {y} = session.run({x: {data: new Float32Array(4), shape: [1, 4, 1, 1]}}, {y: undefined});
    session.dispose();
    found = y![1]!;
  }
  return found;
}
