/** Which process is meant, and whether it still lives: told apart from later ones with its number, on this host or elsewhere. */
import {readlinkSync} from 'node:fs';
import {hostname} from 'node:os';
import {codeOf, readText} from './files.ts';

/** A process, distinguished from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Identifies one boot of a host and one container in it: processes see each other only within one place. */
  readonly place: string;
  /** When the process began, in clock ticks since boot; absent if the system does not say. */
  readonly started?: string;
}

const whole = (path: string): string | undefined => {
  try {
    return readText(path).trim();
  } catch {
    return undefined;
  }
};

const pidNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
};

let self: ProcessIdentity | undefined;

/** This process. */
export function thisProcess(): ProcessIdentity {
  if (!self) {
    const started = startTimeOf(process.pid);
    self = {
      pid: process.pid,
      host: hostname(),
      place: `${whole('/proc/sys/kernel/random/boot_id') ?? ''} ${pidNamespace()}`.trim(),
      ...(started !== undefined && started !== 'gone' && {started}),
    };
  }
  return self;
}

/** What `/proc/<pid>/stat` says from the third field on (state; the start time is the 22nd); undefined: there is no such process. */
function statOf(pid: number | 'self'): readonly string[] | undefined {
  const stat = whole(`/proc/${pid}/stat`);
  // The name in parentheses may contain anything; fields are counted after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/**
 * Clock ticks from boot to the start of a process; `gone` if there is no such process (or only a zombie); undefined without /proc.
 */
export function startTimeOf(pid: number): string | 'gone' | undefined {
  const fields = statOf(pid);
  if (fields === undefined) return statOf('self') === undefined ? undefined : 'gone';
  return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : fields[19];
}

/** True for a process that somebody has stopped (SIGSTOP, Ctrl-Z). */
export const isStopped = (pid: number): boolean => statOf(pid)?.[0] === 'T';

/**
 * `unknown`: on another host or in another container, where only its heartbeat can tell. Where start times can't be had, `alive` may be
 * said of another process that got the number of a dead one.
 */
export function stateOf(owner: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  const me = thisProcess();
  if (owner.host !== me.host || owner.place !== me.place) return 'unknown';
  const started = startTimeOf(owner.pid);
  if (started === 'gone') return 'dead';
  if (started !== undefined && owner.started !== undefined) return started === owner.started ? 'alive' : 'dead';
  try {
    process.kill(owner.pid, 0);
    return 'alive';
  } catch (error) {
    return codeOf(error) === 'ESRCH' ? 'dead' : 'alive';
  }
}
