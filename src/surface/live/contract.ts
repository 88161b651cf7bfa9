/** What shows a run, and what it writes to. */
import type {EndingStage} from '../../pipeline/ending/ending.ts';
import type {Past} from '../../pipeline/ending/past.ts';
import type {RunEvent} from '../../pipeline/events.ts';
import type {SearchSize} from '../../pipeline/search/size.ts';
import type {PlannedStage} from './tasks.ts';

/** Told of all that happens in a run; shows it. Never decides anything. */
export interface Reporter {
  event(event: RunEvent): void;
  /** Leaves the terminal as it was found; also after Ctrl-C. May be called twice. */
  close(): void;
}

/** What a reporter writes to: a terminal or a pipe, or a string in a test. Its size may change at any moment. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Respects NO_COLOR and similar variables. */
  hasColors?(): boolean;
  write(text: string): unknown;
}

export interface ShownRun {
  /** Whose each stage is, and what it waits for. */
  readonly graph: readonly (PlannedStage & EndingStage)[];
  /** Of a search, for which more stages come. */
  readonly search?: SearchSize;
  /** What stages took before; asked for when something is computed. */
  readonly past?: () => Promise<readonly Past[]>;
}
