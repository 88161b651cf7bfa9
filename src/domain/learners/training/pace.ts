/**
 * Losses are fetched from the device and progress is reported at this interval, not at each step, so that the device need not wait.
 */
const fetchEverySeconds = 0.5;

/** Speed of an epoch, only for display: no result depends on it. */
export class Pace {
  readonly #total: number;
  #at: number;
  #since = performance.now();

  constructor(step: number, total: number) {
    this.#at = step;
    this.#total = total;
  }

  due(): boolean {
    return performance.now() - this.#since >= 1000 * fetchEverySeconds;
  }

  /** Since the last call. */
  measure(step: number, inputsAStep: number): {readonly imagesPerSecond: number; readonly secondsLeft: number} {
    const now = performance.now();
    const perSecond = ((step - this.#at) * 1000) / Math.max(now - this.#since, 1e-3);
    this.#at = step;
    this.#since = now;
    return {imagesPerSecond: inputsAStep * perSecond, secondsLeft: (this.#total - step) / perSecond};
  }
}
