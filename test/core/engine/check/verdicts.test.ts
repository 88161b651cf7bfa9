import {appendFileSync, mkdtempSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {machineOf, type Verdict, VerdictFile, verdictsPath} from '../../../../src/core/engine/check/verdicts.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'pipeline-test-verdicts-'));
const verdict = (key: string, way: string): Verdict => ({key, kernel: 'Conv2D', shapes: 'x 1', verdict: 'wrong', way});

test('what one process has found another one knows', () => {
  const path = join(folder(), 'deep', 'kernels.ndjson');
  new VerdictFile(path).publish(verdict('a', 'product'));
  const again = new VerdictFile(path);
  expect([again.get('a'), again.get('b'), again.problem]).toEqual([verdict('a', 'product'), undefined, undefined]);
});

test('of two processes that find a verdict at once the first line counts, for both', () => {
  const path = join(folder(), 'kernels.ndjson');
  const [one, other] = [new VerdictFile(path), new VerdictFile(path)];
  expect(one.publish(verdict('a', 'product')).way).toBe('product');
  expect(other.publish(verdict('a', 'convolution')).way).toBe('product');
  expect([one.get('a')?.way, new VerdictFile(path).get('a')?.way]).toEqual(['product', 'product']);
});

test('damaged lines are as if they were not there, and spoil none behind them', () => {
  const path = join(folder(), 'kernels.ndjson');
  const lines = [
    '\0\xff garbage',
    '{"key":"a"}',
    'null',
    '[]',
    JSON.stringify({...verdict('a', 'product'), verdict: 'fine'}),
    JSON.stringify({...verdict('a', 'product'), way: 3}),
    JSON.stringify(verdict('b', 'product')),
  ];
  writeFileSync(path, lines.join('\n'));
  appendFileSync(path, `\n${JSON.stringify(verdict('a', 'torn')).slice(0, 20)}`); // as a killed process leaves it
  const file = new VerdictFile(path);
  expect([file.get('a'), file.get('b')?.way]).toEqual([undefined, 'product']);
  expect(file.publish(verdict('a', 'product')).way).toBe('product');
  expect(new VerdictFile(path).get('a')?.way).toBe('product');
});

test('where nothing can be kept a verdict counts in its own process, and the reason is known', () => {
  const file = join(folder(), 'a file');
  writeFileSync(file, '');
  const verdicts = new VerdictFile(join(file, 'kernels.ndjson'));
  expect(verdicts.publish(verdict('a', 'product')).way).toBe('product');
  expect([verdicts.get('a')?.way, verdicts.problem]).toEqual(['product', expect.stringMatching(/ENOTDIR|EEXIST/)]);
});

test('belong to a version of the library and to what chooses its kernels, not to anything else', () => {
  const path = (library: string, env: NodeJS.ProcessEnv) => verdictsPath('/home', machineOf(library, env));
  const usual = path('2.21.0', {});
  expect(path('2.21.0', {HOME: '/elsewhere'})).toBe(usual);
  const others = [
    path('2.22.0', {}),
    path('2.21.0', {ONEDNN_MAX_CPU_ISA: 'AVX2'}),
    path('2.21.0', {TF_ENABLE_ONEDNN_OPTS: '0'}),
    path('2.21.0', {TF_NUM_INTRAOP_THREADS: '4'}),
  ];
  expect(new Set([usual, ...others]).size).toBe(5);
});
