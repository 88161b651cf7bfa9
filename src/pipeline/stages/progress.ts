/** What a stage is called, and what it reports while it runs. */
import type {LearnProgress} from '../../core/contracts/learner.ts';

/** As the kinds of stages are called in events and files (`stages/index.ts`); open, as the names of plug-ins are. */
export type StageKind = string;

/** What a running stage reports: a training's state, or items done of all. */
export type StageProgress =
  | ({readonly of: 'training'} & LearnProgress)
  | {
      readonly of: 'items';
      readonly done: number;
      readonly total?: number;
      readonly unit: string;
      readonly perSecond?: number;
    };

/** Share done in [0, 1]; undefined when the end is not known. */
export function progressShare(progress: StageProgress): number | undefined {
  if (progress.of === 'training') return (progress.epoch + (progress.step + 1) / progress.steps) / progress.epochs;
  return progress.total ? progress.done / progress.total : undefined;
}
