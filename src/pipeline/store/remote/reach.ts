/**
 * Whether the store answers. A run must not wait for a dead server: after the first failure all that is asked of the store is answered
 * here, with `gone`, until a small question in the background is answered again. The same question is asked now and then while others are
 * open: a large file may take long, a server that is dead does not answer the small one either.
 */
import {type ObjectStore, StoreError} from './objects.ts';

export const gone = Symbol('gone');

export interface ReachOptions {
  /** Called when it is lost, with the reason, and when it is there again. */
  onLost(error: StoreError): void;
  onFound(): void;
}

/** Seconds between the questions in the background. */
export const askAgain = {every: 30} as const;

export class Reach {
  readonly #objects: ObjectStore;
  readonly #options: ReachOptions;
  #here = new AbortController();
  readonly #asking: NodeJS.Timeout;
  #open = 0;
  #isAsking = false;
  #isClosed = false;

  constructor(objects: ObjectStore, options: ReachOptions) {
    this.#objects = objects;
    this.#options = options;
    this.#asking = setInterval(() => void this.#ask(), askAgain.every * 1000).unref();
  }

  get isGone(): boolean {
    return this.#here.signal.aborted;
  }

  /** Does it, unless the store is gone or goes meanwhile; then the signal is aborted, and nobody waits for the work. Other errors are thrown. */
  async attempt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | typeof gone> {
    const {signal} = this.#here;
    if (signal.aborted) return gone;
    let leave = (): void => undefined;
    const left = new Promise<typeof gone>((resolve) => {
      leave = () => resolve(gone);
      signal.addEventListener('abort', leave, {once: true});
    });
    this.#open++;
    try {
      return await Promise.race([work(signal), left]);
    } catch (error) {
      if (signal.aborted) return gone;
      if (!(error instanceof StoreError)) throw error;
      this.lose(error);
      return gone;
    } finally {
      this.#open--;
      signal.removeEventListener('abort', leave);
    }
  }

  lose(error: StoreError): void {
    if (this.isGone) return;
    this.#here.abort();
    this.#options.onLost(error);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || (this.#open === 0 && !this.isGone)) return;
    this.#isAsking = true;
    try {
      await this.#objects.size('none');
      this.#find();
    } catch (error) {
      if (error instanceof StoreError) this.lose(error);
    } finally {
      this.#isAsking = false;
    }
  }

  #find(): void {
    if (!this.isGone || this.#isClosed) return;
    this.#here = new AbortController();
    this.#options.onFound();
  }

  /** Nobody waits for it any more, and nothing is said of what it did not answer. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#asking);
    this.#here.abort();
  }
}
