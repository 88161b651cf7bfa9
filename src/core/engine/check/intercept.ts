/** Stands between tfjs and the library's kernels: each is known to be right before it counts, or is computed another way. */
import type * as TF from '@tensorflow/tfjs';
import {callOf, type KernelCall, keyOf} from './call.ts';
import type {Checker} from './checker.ts';
import {noteKernel, noteLibrary} from './findings.ts';
import {checkedKernels} from './reference.ts';
import {isRefused, type Verdict} from './verdicts.ts';
import {ITSELF, type Way, waysOf} from './ways.ts';

export interface Interception {
  /** While it is true, kernels are computed as if nobody checked them. */
  paused: boolean;
  undo(): void;
}

/** Every call of a checked kernel of the engine `backendName`, over `library`, goes through `checker`. */
export function interceptKernels(
  tf: typeof TF,
  backendName: string,
  checker: Checker,
  library = 'TensorFlow',
): Interception {
  noteLibrary(library);
  const known = new Map<string, Known>();
  const interception: Interception = {
    paused: false,
    undo() {
      for (const original of originals) {
        tf.unregisterKernel(original.kernelName, backendName);
        tf.registerKernel(original);
      }
    },
  };
  // Set while another way is computed: its kernels are those that were tried.
  let trusted = false;
  const find = (key: string, call: KernelCall): Known => {
    const verdict = checker.verdict(tf, key, call);
    const {way} = verdict;
    const compute = way === undefined || way === ITSELF ? undefined : waysOf(tf, call).get(way);
    return {verdict, ...(compute && {compute})};
  };
  const originals = checkedKernels.map((kernelName) => tf.getKernel(kernelName, backendName));
  for (const original of originals) {
    const {kernelName} = original;
    const kernelFunc: TF.KernelFunc = (args) => {
      const {inputs, attrs} = args;
      if (trusted || interception.paused || !isChecked(inputs)) return original.kernelFunc(args);
      const key = keyOf(kernelName, inputs, attrs);
      let found = known.get(key);
      if (found === undefined) {
        found = find(key, callOf(kernelName, inputs, attrs));
        known.set(key, found);
      }
      const {verdict, compute} = found;
      // No way can compute it, and the kernel itself says why: shapes that do not fit each other, as a rule. No fault of the processor.
      if (isRefused(verdict))
        throw new Error(`${library} refuses ${verdict.kernel} of ${verdict.shapes}: ${verdict.note}`);
      noteKernel(key, verdict);
      if (verdict.way === ITSELF) return original.kernelFunc(args);
      if (compute === undefined) throw new KernelError(verdict, library);
      trusted = true;
      try {
        return tf.tidy(() => compute(inputs as never));
      } finally {
        trusted = false;
      }
    };
    tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({...original, kernelFunc});
  }
  return interception;
}

interface Known {
  readonly verdict: Verdict;
  /** Of another way than the kernel itself. */
  readonly compute?: Way;
}

/** Real numbers, and some of them; only what a kernel leaves to its own gradient (`c`, see `gradients.ts`) may be empty. */
function isChecked(inputs: TF.NamedTensorInfoMap): boolean {
  for (const name in inputs) {
    const {dtype, shape} = inputs[name]!;
    if (dtype !== 'float32' || (shape.includes(0) && name !== 'c')) return false;
  }
  return true;
}

/** A kernel for which no way is right on this processor. */
class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly hint = 'Run it with --engine wasm.';

  constructor({kernel, shapes, verdict}: Verdict, library: string) {
    super(
      `${library}'s kernel ${kernel} (${shapes}) ${inWords[verdict]} on this processor, and every other way that was tried is wrong as well`,
    );
  }
}

const inWords: {readonly [verdict in Verdict['verdict']]: string} = {
  right: 'is right',
  unchecked: 'is not checked',
  wrong: 'is wrong',
  crashes: 'crashes',
  hangs: 'hangs',
  fails: 'fails',
  distrusted: 'is not trusted',
};
