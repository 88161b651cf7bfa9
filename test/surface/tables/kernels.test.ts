import {expect, test} from 'vitest';
import type {Verdict} from '../../../src/core/engine/check/verdicts.ts';
import {kernelSummary, kernelTable} from '../../../src/surface/tables/kernels.ts';

const verdicts: readonly Verdict[] = [
  {key: 'a', kernel: 'Conv2D', shapes: 'x 2×8×8×3', verdict: 'right', error: 1.234e-6, way: 'itself'},
  {key: 'b', kernel: 'Conv2DBackpropInput', shapes: 'dy 2×8×8×80', verdict: 'wrong', error: 0.42, way: '96 channels'},
  {key: 'c', kernel: 'Conv2DBackpropFilter', shapes: 'x 2×8×8×8', verdict: 'crashes', note: 'SIGSEGV', way: 'product'},
  {key: 'd', kernel: 'MaxPool', shapes: 'x 2×8×8×3', verdict: 'wrong', error: null},
  {key: 'e', kernel: 'AvgPool', shapes: 'x 2×8×8×3', verdict: 'unchecked', way: 'itself'},
];

test('kernels that are not right come first, with how they are computed', () => {
  expect(kernelTable(verdicts)).toMatchInlineSnapshot(`
    "kernel                shape        verdict            error  computed
    ─────────────────────────────────────────────────────────────────────────
    Conv2DBackpropInput   dy 2×8×8×80  wrong             4.2e-1  96 channels
    Conv2DBackpropFilter  x 2×8×8×8    crashes: SIGSEGV       –  product
    MaxPool               x 2×8×8×3    wrong                  ∞  not possible
    ─────────────────────────────────────────────────────────────────────────
    Conv2D                x 2×8×8×3    right             1.2e-6  directly
    AvgPool               x 2×8×8×3    unchecked              –  directly"
  `);
  expect(kernelSummary(verdicts)).toBe('5 kernels: 1 right, 2 wrong, 1 crashes, 1 unchecked');
  expect(kernelTable([verdicts[0]!]).split('\n')).toHaveLength(3);
});
