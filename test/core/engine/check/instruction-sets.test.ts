// @module-tag slow
/** The engine is right under each instruction set of which this processor can be told, that of other processors too. */
import {execFile} from 'node:child_process';
import {mkdtempSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';
import {engines} from '../../../rig/tensors.ts';

const {tensorflow} = engines;
const script = fileURLToPath(new URL('../../../rig/computes-right.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'pipeline-test-instructions-'));

const sets = {
  'AVX-512': {ONEDNN_MAX_CPU_ISA: 'AVX512_CORE'},
  AVX2: {ONEDNN_MAX_CPU_ISA: 'AVX2'},
  'SSE4.1': {ONEDNN_MAX_CPU_ISA: 'SSE41'},
  'no oneDNN': {TF_ENABLE_ONEDNN_OPTS: '0'},
};

describe.skipIf(typeof tensorflow === 'string')('convolutions and the gradients of a ResNet are right with', () => {
  test.for(Object.entries(sets))('%s', async ([, variables]) => {
    const env = {...process.env, PIPELINE_CACHE_HOME: home, ...variables};
    const {library} = tensorflow as {library: string};
    const {stdout} = await promisify(execFile)(process.execPath, [script, library], {env});
    const {wrong, kernels} = JSON.parse(stdout) as {wrong: unknown[]; kernels: number};
    expect(wrong).toEqual([]);
    expect(kernels).toBeGreaterThan(80); // they went through the check
  });
});
