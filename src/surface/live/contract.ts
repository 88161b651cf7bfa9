/** What shows a run, and what it writes to. */
import type {RunEvent} from '../../pipeline/events.ts';

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
