/** The messages between the main process and a worker. All of them can be cloned (structured clone). */
import type {Json} from '../../core/base/canonical.ts';
import type {KernelChecks} from '../../core/engine/check/findings.ts';
import type {EngineInfo, ResolvedEngine} from '../../core/engine/contract.ts';
import type {KernelTime} from '../../core/engine/profile.ts';
import type {ModuleRef} from '../../core/plugin/code.ts';
import type {StageProgress} from '../events.ts';
import type {StageContext, StageNode} from '../stages/stage.ts';

/** A stage to run: the part of its context that can be sent to a worker. */
export type Job = Omit<StageContext<StageNode['recipe']>, 'plugins' | 'signal' | 'report' | 'warn' | 'note'>;

export type ToWorker =
  /** The first message: what to load. */
  | {
      readonly type: 'start';
      /** Modules of plug-ins. */
      readonly plugins: readonly ModuleRef[];
      /** Module that exports `runStage`. */
      readonly stages: string;
      /** Absent if the worker's stages compute no tensors. */
      readonly engine?: ResolvedEngine;
      /** Time the engine's kernels. */
      readonly profile: boolean;
    }
  /** One at a time; answered by `done` or `failed`. */
  | {readonly type: 'run'; readonly job: Job}
  | {readonly type: 'abort'};

export type FromWorker =
  | {readonly type: 'ready'; readonly engine?: EngineInfo}
  | {readonly type: 'progress'; readonly progress: StageProgress}
  | {readonly type: 'warning' | 'note'; readonly message: string}
  | {
      readonly type: 'done';
      readonly summary: Json;
      readonly peakMemory: number;
      readonly kernels?: readonly KernelTime[];
      /** Only if the stage's kernels are checked. */
      readonly checks?: KernelChecks;
    }
  | {readonly type: 'failed'; readonly message: string; readonly hint?: string};
