/**
 * Losses are fetched from the device and progress is reported at this interval, not at each step, so that the device need not wait.
 */
const fetchEverySeconds = 0.5;

/** Speed of a training, only for display: no result depends on it. */
export class Pace {
  readonly #total: number;
  #at: number;
  #since = performance.now();
  /** The first report: before it, kernels were made ready. */
  #first: {readonly step: number; readonly at: number} | undefined;

  /** `step`: of all `total` steps, where it begins. */
  constructor(step: number, total: number) {
    this.#at = step;
    this.#total = total;
  }

  due(): boolean {
    return performance.now() - this.#since >= 1000 * fetchEverySeconds;
  }

  /** Images a second since the last call; what is left by the mean speed since the first. */
  measure(step: number, inputsAStep: number): {readonly imagesPerSecond: number; readonly secondsLeft?: number} {
    const now = performance.now();
    const perSecond = ((step - this.#at) * 1000) / Math.max(now - this.#since, 1e-3);
    this.#at = step;
    this.#since = now;
    const imagesPerSecond = inputsAStep * perSecond;
    const first = this.#first;
    if (!first) {
      this.#first = {step, at: now};
      return {imagesPerSecond};
    }
    return {imagesPerSecond, secondsLeft: ((this.#total - step) * (now - first.at)) / (1000 * (step - first.step))};
  }
}
