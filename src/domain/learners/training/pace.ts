/** Losses are fetched from the device this often, not at each step, so that it need not wait; progress is told then. */
const fetchEverySeconds = 0.5;

/** Speed of an epoch, for people alone: no result depends on it. */
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
