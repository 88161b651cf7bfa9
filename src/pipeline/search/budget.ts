/** When a search begins no more trials: after hours of this run, or when its trainings have taken so many operations. */
import type {Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';
import type {Emit} from '../events.ts';
import {flopOf, workOfTraining} from '../plan/estimate.ts';
import {isStage} from '../stages/define.ts';
import {learn, trainingKey} from '../stages/learn.ts';
import type {StageNode} from '../stages/stage.ts';
import type {Search} from './read.ts';

export class Budget {
  readonly #limits: Search['budget'];
  readonly #plugins: Plugins;
  readonly #now: () => number;
  readonly #began: number;
  /** Training, whatever its last epoch → the operations up to the furthest epoch that was asked for. */
  readonly #flop = new Map<string, number>();

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(limits: Search['budget'], plugins: Plugins, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#plugins = plugins;
    this.#now = now;
    this.#began = now();
  }

  /** Cached trainings count as well, so that a search that was interrupted ends with the trial at which it would have ended. */
  add(tasks: readonly Task[], stages: readonly StageNode[]): void {
    if (this.#limits.pflop === undefined) return;
    const byId = new Map(tasks.map((task) => [task.id, task]));
    for (const node of stages) {
      const task = isStage(learn, node) && node.tasks.map((id) => byId.get(id)).find((one) => one !== undefined);
      if (!task) continue;
      const {until} = node.recipe;
      const work = workOfTraining(task, node, stages, this.#plugins);
      const epochs = task.learner['epochs'];
      const share = typeof until === 'number' && typeof epochs === 'number' ? until / epochs : 1;
      if (work) this.#flop.set(trainingKey(node), share * flopOf(work));
    }
  }

  /** Says so, if it is. */
  isSpent(emit: Emit): boolean {
    const {hours, pflop} = this.#limits;
    const spentHours = (this.#now() - this.#began) / 3_600_000;
    const spent = [...this.#flop.values()].reduce((sum, one) => sum + one, 0) / 1e15;
    if (hours !== undefined && spentHours >= hours) {
      emit({type: 'note', message: `no more trials begin: the budget of ${hours} hours is spent`});
      return true;
    }
    if (pflop !== undefined && spent >= pflop) {
      emit({type: 'note', message: `no more trials begin: the budget of ${pflop} PFLOP is spent`});
      return true;
    }
    return false;
  }
}
