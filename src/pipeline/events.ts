/** All that happens in a run. Events are the only way progress leaves this floor, and `events.ndjson` is the log. */
import type {Digest} from '../core/base/canonical.ts';
import type {Verdict} from '../core/engine/check/verdicts.ts';
import type {EngineInfo, Precision} from '../core/engine/contract.ts';
import type {KernelTime} from '../core/engine/profile.ts';
import type {Task} from './config/spec.ts';
import type {Maker} from './maker.ts';
import type {StageKind, StageProgress} from './stages/progress.ts';
import type {RecordedStage} from './stages/stage.ts';

export {progressShare, type StageKind, type StageProgress} from './stages/progress.ts';

export type RunEvent = {readonly at: string} & (
  | {
      readonly type: 'run-started';
      readonly run: string;
      readonly spec: string;
      readonly tasks: number;
      readonly stages: number;
      /** What its results are to be computed by; absent: not known before something is computed. */
      readonly asked?: Maker;
      /** Those in which its networks are computed; absent: float32 alone. */
      readonly precisions?: readonly Precision[];
      /** Of one job of a run. */
      readonly where?: Where;
    }
  /** More was planned while the run goes on: it has these tasks and stages as well. */
  | {
      readonly type: 'plan-grown';
      readonly tasks: readonly Task[];
      readonly stages: readonly RecordedStage[];
      /** Stages that were there before, and the new tasks and results for which they serve as well. */
      readonly shared: readonly Pick<RecordedStage, 'id' | 'tasks' | 'results'>[];
    }
  | {readonly type: 'engine-started'; readonly engine: EngineInfo}
  /** A stage waits for a place on a cluster: said again when the reason changes. */
  | {
      readonly type: 'stage-queued';
      readonly stage: string;
      readonly kind: StageKind;
      readonly label: string;
      /** As the scheduler calls it: `4711_3`. */
      readonly job: string;
      /** The queue in which it waits, such as `gpu`; absent: not known yet. */
      readonly partition?: string;
      /** Why it waits, in the scheduler's word; absent: not known yet. */
      readonly because?: string;
    }
  | {
      readonly type: 'stage-started';
      readonly stage: string;
      readonly kind: StageKind;
      readonly label: string;
      /** Absent: in the process that drives the run. */
      readonly where?: Where;
    }
  | {
      readonly type: 'stage-progress';
      readonly stage: string;
      readonly label: string;
      readonly progress: StageProgress;
    }
  | {
      readonly type: 'stage-finished';
      readonly stage: string;
      readonly kind: StageKind;
      readonly label: string;
      readonly how: 'computed' | 'cached';
      /** Of a cached stage: it was fetched from the store just now. */
      readonly fetched?: true;
      readonly fingerprint: Digest;
      readonly seconds: number;
      /** Bytes; absent for a cached stage. */
      readonly peakMemory?: number;
      /** Of a computed stage of a run that was profiled: where the engine's time went. */
      readonly kernels?: readonly KernelTime[];
      /** What the checks of its kernels found, now or when it was cached; absent: its engine needs none. */
      readonly checked?: CheckedKernels;
      /** What computed it, now or when it was cached; absent: no tensors. */
      readonly engine?: string;
      readonly threads?: number;
      /** The stage's small result, as in its manifest (metrics of an `evaluate` stage). */
      readonly summary: unknown;
    }
  | {
      readonly type: 'stage-failed';
      readonly stage: string;
      readonly kind: StageKind;
      readonly label: string;
      readonly message: string;
      readonly hint?: string;
      /** Its process was ended from outside; absent: it failed by itself. */
      readonly killed?: Killed;
    }
  | {
      readonly type: 'stage-skipped';
      readonly stage: string;
      readonly kind: StageKind;
      readonly label: string;
      readonly because: string;
    }
  /** Something that a person waiting wants to know, such as a library being downloaded. */
  | {readonly type: 'note'; readonly message: string}
  /** `wait`: the run waits for somebody else, or has waited in vain: said even where little is. */
  | {readonly type: 'warning'; readonly stage?: string; readonly message: string; readonly wait?: true}
  | {
      readonly type: 'run-finished';
      readonly run: string;
      readonly outcome: 'done' | 'failed' | 'interrupted';
      readonly computed: number;
      readonly cached: number;
      readonly failed: number;
      readonly skipped: number;
      readonly seconds: number;
    }
);

/** Who has ended a process: the system, as memory ran out; or somebody, as far as is known. */
export type Killed = 'memory' | 'somebody';

/** A place on a cluster. */
export interface Where {
  readonly node: string;
  /** As the scheduler calls it: `4711_3`. */
  readonly job: string;
  /** The queue that it came from; absent: the scheduler has not said. */
  readonly partition?: string;
}

/** Of the kernels that a stage has used: how many, each shape counted; and which were computed another way. */
export interface CheckedKernels {
  readonly kernels: number;
  readonly replaced: readonly Omit<Verdict, 'key'>[];
  /** Number of functions whose graph computes other values than their kernels one by one; absent: none. */
  readonly refusedGraphs?: number;
}

/** An event without its time, as its maker writes it: the emitter stamps it. */
export type Unstamped<E = RunEvent> = E extends unknown ? Omit<E, 'at'> : never;
export type Emit = (event: Unstamped) => void;

/** Stamps events with their time and hands them to every listener, in order. */
export function emitter(listeners: readonly ((event: RunEvent) => void)[], now: () => Date = () => new Date()): Emit {
  return (event) => {
    const stamped = {at: now().toISOString(), ...event} as RunEvent;
    for (const listener of listeners) listener(stamped);
  };
}
