/** What a run has taken of a cluster. */
import {duration, plural} from '../../core/base/text.ts';

interface Use {
  readonly gpus: number;
  /** Seconds of its starts before the last one, when it was requeued. */
  before: number;
  /** Seconds since it started last, as the scheduler last said. */
  last: number;
  /** Seconds in which it gave signs of life: for a job of which the scheduler never said anything. */
  alive: number;
}

export class Bill {
  /** Jobs that followed one without a result. */
  again = 0;
  readonly #uses = new Map<string, Use>();

  get isOpen(): boolean {
    return this.#uses.size > 0;
  }

  /** From now on a job counts, with so many GPUs. */
  open(job: string, gpus: number): void {
    this.#uses.set(job, {gpus, before: 0, last: 0, alive: 0});
  }

  /** What the scheduler says: seconds since a job started last, up to its end. Jobs that were not opened do not count. */
  see(job: string, seconds: number): void {
    const use = this.#uses.get(job);
    if (!use) return;
    if (seconds < use.last) use.before += use.last;
    use.last = seconds;
  }

  /** What its logs say: seconds since a job's first sign of life. */
  hear(job: string, seconds: number): void {
    const use = this.#uses.get(job);
    if (use) use.alive = seconds;
  }

  /** `12 jobs ran for 3 h 20 min in all (GPUs: 3 h 10 min); 2 followed one without a result`; undefined: none has run. */
  get text(): string | undefined {
    const ran = [...this.#uses.values()]
      .map(({gpus, before, last, alive}) => ({gpus, seconds: before + last || alive}))
      .filter(({seconds}) => seconds > 0);
    if (ran.length === 0) return undefined;
    const all = ran.reduce((sum, {seconds}) => sum + seconds, 0);
    const onGpus = ran.reduce((sum, {gpus, seconds}) => sum + gpus * seconds, 0);
    const gpus = onGpus > 0 ? ` (GPUs: ${duration(onGpus)})` : '';
    const again = this.again > 0 ? `; ${this.again} followed one without a result` : '';
    return `${plural(ran.length, 'job')} ran for ${duration(all)} in all${gpus}${again}`;
  }
}
