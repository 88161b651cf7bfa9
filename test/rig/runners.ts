/** Runners of fake stages as processes of their own, to be stopped, killed, and set against one another. */
import {type ChildProcess, spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import type {RunEvent} from '../../src/pipeline/events.ts';
import type {FakeStage, World} from './world.ts';

export interface Runner {
  readonly child: ChildProcess;
  readonly events: RunEvent[];
  /** Resolves at the first event that fits. */
  heard(fits: (event: RunEvent) => boolean): Promise<void>;
  readonly ended: Promise<{readonly code: number | null; readonly signal: string | null}>;
}

/** `env`: for the campaign's `preload.js`, which gives it a host and a clock of its own. It leads a process group. */
export function startRunner(
  world: World,
  stages: {readonly [id: string]: FakeStage},
  env?: {readonly [name: string]: string},
): Runner {
  const graph = world.write('graph.json', JSON.stringify(world.graph(stages)));
  const [entry, preload] = ['./runner.js', '../campaign/preload.js'].map((name) => new URL(name, import.meta.url));
  const child = spawn(process.execPath, [fileURLToPath(entry!), world.root, graph], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    ...(env && {env: {...process.env, NODE_OPTIONS: `--import=${preload!.href}`, ...env}}),
  });
  const events: RunEvent[] = [];
  const listeners = new Set<() => void>();
  const lines = createInterface({input: child.stdout});
  lines.on('line', (line) => {
    events.push(JSON.parse(line) as RunEvent);
    for (const listener of listeners) listener();
  });
  const closed = new Promise<void>((resolve) => lines.once('close', resolve));
  const ended = new Promise<{code: number | null; signal: string | null}>((resolve) => {
    child.once('exit', (code, signal) => void closed.then(() => resolve({code, signal})));
  });
  const heard = (fits: (event: RunEvent) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!events.some(fits)) return;
        listeners.delete(check);
        resolve();
      };
      listeners.add(check);
      check();
    });
  return {child, events, heard, ended};
}

/** How every stage ended that did. */
export const finished = (events: readonly RunEvent[]): {readonly [id: string]: string} =>
  Object.fromEntries(events.flatMap((event) => (event.type === 'stage-finished' ? [[event.stage, event.how]] : [])));
