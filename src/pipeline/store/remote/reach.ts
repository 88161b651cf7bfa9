/**
 * Whether the store answers. A run must not wait for a dead server: after the first failure all that is asked of the store is answered
 * here, with `gone`, until a question in the background is answered again.
 */
import {type ObjectStore, StoreError} from './objects.ts';

export const gone = Symbol('gone');

export interface ReachOptions {
  /** Called when it is lost, with the reason, and when it is there again. */
  onLost(error: StoreError): void;
  onFound(): void;
}

/** Seconds between questions to a store that did not answer. */
export const askAgain = {every: 30} as const;

export class Reach {
  readonly #objects: ObjectStore;
  readonly #options: ReachOptions;
  #here = new AbortController();
  #asking: NodeJS.Timeout | undefined;

  constructor(objects: ObjectStore, options: ReachOptions) {
    this.#objects = objects;
    this.#options = options;
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
    try {
      return await Promise.race([work(signal), left]);
    } catch (error) {
      if (signal.aborted) return gone;
      if (!(error instanceof StoreError)) throw error;
      this.lose(error);
      return gone;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  lose(error: StoreError): void {
    if (this.isGone) return;
    this.#here.abort();
    this.#options.onLost(error);
    this.#asking = setInterval(() => {
      this.#objects.size('none').then(
        () => this.#find(),
        () => undefined,
      );
    }, askAgain.every * 1000).unref();
  }

  #find(): void {
    if (!this.isGone) return;
    clearInterval(this.#asking);
    this.#here = new AbortController();
    this.#options.onFound();
  }

  close(): void {
    clearInterval(this.#asking);
  }
}
