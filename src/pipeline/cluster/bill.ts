/** What a run has taken of a cluster. */
import {duration, plural} from '../../core/base/text.ts';

export class Bill {
  /** Jobs that followed one without a result. */
  again = 0;
  #jobs = 0;
  #seconds = 0;
  #gpuSeconds = 0;

  /** A job that has ended, as far as it was seen to run. */
  add(seconds: number, gpus: number): void {
    this.#jobs++;
    this.#seconds += seconds;
    this.#gpuSeconds += gpus * seconds;
  }

  /** `12 jobs ran for 3 h 20 min in all (GPUs: 3 h 10 min); 2 followed one without a result`; undefined: there was none. */
  get text(): string | undefined {
    if (this.#jobs === 0) return undefined;
    const gpus = this.#gpuSeconds > 0 ? ` (GPUs: ${duration(this.#gpuSeconds)})` : '';
    const again = this.again > 0 ? `; ${this.again} followed one without a result` : '';
    return `${plural(this.#jobs, 'job')} ran for ${duration(this.#seconds)} in all${gpus}${again}`;
  }
}
