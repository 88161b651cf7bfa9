/** The trials of a search that are still to come: each may take what those took that have ended. Pure. */
import type {RunEvent} from '../events.ts';
import type {SearchSize} from '../search/size.ts';
import type {StageNode} from '../stages/stage.ts';
import type {Ahead} from './schedule.ts';

type Spent = {[lane in StageNode['lane']]: number};

export class Trials {
  readonly #size: SearchSize;
  #begun = 0;
  /** Stage → the only trial that needs it; undefined: several do, and it is paid only once. */
  readonly #ownerOf = new Map<string, number | undefined>();
  /** Stage → its seconds, computed. */
  readonly #seconds = new Map<string, {readonly lane: StageNode['lane']; readonly seconds: number}>();

  constructor(size: SearchSize) {
    this.#size = size;
  }

  grow({tasks, stages, shared}: Extract<RunEvent, {type: 'plan-grown'}>): void {
    const trial = tasks[0]?.trial?.number;
    if (trial === undefined) return;
    this.#begun = Math.max(this.#begun, trial + 1);
    for (const {id} of stages) this.#ownerOf.set(id, trial);
    for (const {id} of shared) if (this.#ownerOf.get(id) !== trial) this.#ownerOf.set(id, undefined);
  }

  computed({id, lane}: Pick<StageNode, 'id' | 'lane'>, seconds: number): void {
    this.#seconds.set(id, {lane, seconds});
  }

  /** What each trial that has not begun computes, as stages; undefined: not known how many there are, or what one takes. */
  ahead(): readonly Ahead[] | undefined {
    const {trials, parallel} = this.#size;
    if (trials === undefined) return undefined;
    const left = Math.max(0, trials - this.#begun);
    if (left === 0) return [];
    const mean = this.#mean(this.#begun - parallel);
    if (!mean) return undefined;
    return Array.from({length: left}, (_, k): readonly Ahead[] => {
      const id = `trial ${this.#begun + k}`;
      const tensors = `${id}, tensors`;
      return [
        {id: tensors, lane: 'accelerator', seconds: mean.accelerator, isRunning: false, inputs: {}},
        {id, lane: 'cpu', seconds: mean.cpu, isRunning: false, inputs: {tensors: {stage: tensors}}},
      ];
    }).flat();
  }

  /** Of the trials before `end` that have computed something: from the cache, a trial takes no time, but new ones are not there. */
  #mean(end: number): Spent | undefined {
    const sum: Spent = {cpu: 0, accelerator: 0};
    const paid = new Set<number>();
    for (const [id, {lane, seconds}] of this.#seconds) {
      const trial = this.#ownerOf.get(id);
      if (trial === undefined || trial >= end) continue;
      paid.add(trial);
      sum[lane] += seconds;
    }
    return paid.size === 0 ? undefined : {cpu: sum.cpu / paid.size, accelerator: sum.accelerator / paid.size};
  }
}
