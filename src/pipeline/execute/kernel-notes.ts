/** Sums up in a sentence what the checks of kernels found in all stages of a run. */
import {plural} from '../../core/base/text.ts';
import type {KernelChecks} from '../../core/engine/check/findings.ts';
import type {CheckedKernels, Unstamped} from '../events.ts';

type Said = Extract<Unstamped, {type: 'note' | 'warning'}>;

export class KernelTally {
  readonly #kernels = new Set<string>();
  readonly #replaced = new Set<string>();
  #library = 'TensorFlow';
  #refusedGraphs = 0;
  #unkept: string | undefined;

  add({library, kernels, replaced, refusedGraphs, unkept}: KernelChecks): void {
    this.#library = library;
    for (const key of kernels) this.#kernels.add(key);
    for (const {key} of replaced) this.#replaced.add(key);
    this.#refusedGraphs += refusedGraphs;
    this.#unkept ??= unkept;
  }

  /** Empty if all kernels are right. */
  say(): readonly Said[] {
    const said: Said[] = [];
    if (this.#replaced.size > 0)
      said.push({
        type: 'note',
        message: `${this.#library} computes ${this.#replaced.size} of ${plural(this.#kernels.size, 'kernel')} wrong on this processor; they are computed another way (pipeline doctor --kernels)`,
      });
    if (this.#refusedGraphs > 0)
      said.push({
        type: 'warning',
        message: `${this.#library} computes ${plural(this.#refusedGraphs, 'graph')} wrong, though each of their kernels is right alone; they ran kernel by kernel, more slowly`,
      });
    if (this.#unkept !== undefined)
      said.push({
        type: 'warning',
        message: `the results of the kernel checks cannot be saved, so each run checks ${this.#library}'s kernels again: ${this.#unkept}`,
      });
    return said;
  }
}

/** What the manifest of a stage records. */
export const checkedKernels = ({kernels, replaced, refusedGraphs}: KernelChecks): CheckedKernels => ({
  kernels: kernels.length,
  replaced: replaced.map(({key: _, ...verdict}) => verdict),
  ...(refusedGraphs > 0 && {refusedGraphs}),
});
