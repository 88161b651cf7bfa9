/** What was found of the kernels that this process has used, for those for whom it computes. Loads nothing. */
import type {Verdict} from './verdicts.ts';
import {ITSELF} from './ways.ts';

/** Plain data: workers send it. */
export interface KernelChecks {
  /** Whose kernels they are, for people. */
  readonly library: string;
  /** Keys of the kernels that were used; each shape is a kernel. */
  readonly kernels: readonly string[];
  /** Those of them that are computed another way. */
  readonly replaced: readonly Verdict[];
  /** Functions whose graph computes other numbers than their kernels one by one: they are computed one by one. */
  readonly refusedGraphs: number;
  /** Why verdicts can't be kept for later runs; absent: they are. */
  readonly unkept?: string;
}

const used = new Map<string, Verdict>();
let library = 'TensorFlow';
let refusedGraphs = 0;
let unkept: string | undefined;
let listener: (verdict: Verdict) => void = () => undefined;

/** Called at every call of a kernel: it must be cheap. */
export const noteKernel = (key: string, verdict: Verdict): unknown => used.set(key, verdict);

/** A process has one. */
export function noteLibrary(name: string): void {
  library = name;
}

export function noteRefusedGraph(): void {
  refusedGraphs++;
}

/** `listen` hears of each kernel that is tried from now on, before it counts. */
export function watchVerdicts(listen: (verdict: Verdict) => void): void {
  listener = listen;
}

/** A kernel has been tried. */
export const noteVerdict = (verdict: Verdict): void => listener(verdict);

export function noteUnkept(why: string): void {
  unkept = why;
}

/** Since it was asked last; undefined: nothing was checked. */
export function takeKernelChecks(): KernelChecks | undefined {
  if (used.size === 0 && refusedGraphs === 0) return undefined;
  const checks: KernelChecks = {
    library,
    kernels: [...used.keys()],
    replaced: [...used.values()].filter(({way}) => way !== ITSELF),
    refusedGraphs,
    ...(unkept !== undefined && {unkept}),
  };
  used.clear();
  refusedGraphs = 0;
  return checks;
}
