/** What is on its way into a store, beside further work. What can't be pushed now is owed, and pushed when the store answers again, or by a later run. */
import {setMaxListeners} from 'node:events';
import PQueue from 'p-queue';
import type {Digest} from '../../../core/base/canonical.ts';
import {bytes, plural} from '../../../core/base/text.ts';
import {messageOf} from '../../../core/base/thrown.ts';
import type {Manifest} from '../../stages/stage.ts';
import type {Entry} from '../cache/draft.ts';
import {type Pushed, pushEntry} from './entries.ts';
import type {Journal} from './journal.ts';
import type {RemoteLease} from './lease.ts';
import type {ObjectStore} from './objects.ts';
import {gone, type Reach} from './reach.ts';

export interface PushesOptions {
  readonly objects: ObjectStore;
  readonly reach: Reach;
  readonly journal: Journal;
  /** Entries whose copy in the store is known to be damaged. */
  readonly damaged: Set<Digest>;
  warn(message: string): void;
}

interface Waiting {
  readonly entry: Entry;
  /** Given back when the entry is pushed: only then do others find the result. */
  readonly lease?: RemoteLease;
}

export class Pushes {
  readonly #options: PushesOptions;
  readonly #queue = new PQueue({concurrency: 3});
  readonly #waiting = new Map<Digest, Waiting>();
  /** Files that were sent, and their bytes. */
  #sent = 0;
  #entries = 0;

  constructor(options: PushesOptions) {
    this.#options = options;
  }

  /** Entries that were pushed, and the bytes of their files that the store did not have. */
  get done(): {readonly entries: number; readonly bytes: number} {
    return {entries: this.#entries, bytes: this.#sent};
  }

  /** Entries that are not pushed yet. */
  get left(): number {
    return this.#waiting.size;
  }

  add(entry: Entry, lease?: RemoteLease): void {
    const {fingerprint} = entry.manifest;
    const {journal} = this.#options;
    if (journal.isThere(fingerprint) && !this.#options.damaged.has(fingerprint)) return void lease?.release();
    if (this.#waiting.has(fingerprint)) return void lease?.release();
    journal.owe(fingerprint);
    this.#waiting.set(fingerprint, {entry, ...(lease && {lease})});
    this.#start(fingerprint);
  }

  /** What could not be pushed is tried again. */
  again(): void {
    if (this.#queue.size + this.#queue.pending > 0) return;
    for (const fingerprint of this.#waiting.keys()) this.#start(fingerprint);
  }

  #start(fingerprint: Digest): void {
    void this.#queue.add(async () => {
      const waiting = this.#waiting.get(fingerprint);
      if (!waiting) return;
      await this.#push(waiting.entry);
      if (!this.#waiting.has(fingerprint)) await waiting.lease?.release();
    });
  }

  async #push(entry: Entry): Promise<void> {
    const {fingerprint, label} = entry.manifest;
    const {objects, reach, journal, damaged, warn} = this.#options;
    const again = damaged.has(fingerprint);
    let pushed: Pushed | typeof gone;
    try {
      pushed = await reach.attempt(() => pushEntry(objects, entry, {again}));
    } catch (error) {
      this.#waiting.delete(fingerprint);
      return warn(`"${label}" was not pushed: ${messageOf(error)}`);
    }
    if (pushed === gone) return;
    this.#waiting.delete(fingerprint);
    damaged.delete(fingerprint);
    journal.there(fingerprint);
    this.#sent += pushed.bytes;
    if (pushed.state === 'pushed') this.#entries++;
    const said = noticeOf(pushed, label);
    if (said !== undefined) warn(said);
  }

  /** Until nothing is on its way, or the signal comes, or the store is gone. `say` hears now and then what is left. */
  async finish(signal: AbortSignal, say: (message: string) => void): Promise<void> {
    const tell = (): void => {
      if (this.left > 0) say(`pushing ${plural(this.left, 'result')} to the store; ${bytes(this.#sent)} sent`);
    };
    this.again();
    const first = setTimeout(tell, 1000);
    const further = setInterval(tell, 15_000);
    setMaxListeners(0, signal);
    let leave = (): void => undefined;
    try {
      await Promise.race([
        this.#queue.onIdle(),
        new Promise<void>((resolve) => {
          leave = resolve;
          if (signal.aborted) resolve();
          signal.addEventListener('abort', leave, {once: true});
        }),
      ]);
    } finally {
      signal.removeEventListener('abort', leave);
      clearTimeout(first);
      clearInterval(further);
    }
  }
}

/** What people must hear of a push: of two results for one stage, with who made them, and of damage that it has mended. */
export function noticeOf(pushed: Pushed, label: string): string | undefined {
  if (pushed.state === 'differs') return differenceText(pushed);
  return pushed.damage && `the store's copy of "${label}" was damaged, and is replaced: ${pushed.damage}`;
}

const differenceText = ({first, own}: Extract<Pushed, {state: 'differs'}>): string =>
  `"${own.label}" has other bytes in the store, where ${makerText(first)} put it first, than ${makerText(own)} computed: what was first stays`;

/** `run 2026… on build-3`. */
function makerText({provenance}: Manifest): string {
  const {run, host} = provenance as {readonly run?: string; readonly host?: string};
  return `${run === undefined ? 'another run' : `run ${run}`}${host === undefined ? '' : ` on ${host}`}`;
}
