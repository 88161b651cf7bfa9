/** Has the system ended processes because memory ran out? */
import {readFileSync} from 'node:fs';

/** How many it has ended since it started, in all control groups; undefined where it does not say (no Linux). */
export function outOfMemoryKills(): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}
