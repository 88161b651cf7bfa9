// @module-tag slow
/**
 * Several hosts with one folder of runs between them: each with a name, processes, a clock and a place for the folder of its own
 * (namespaces of Linux), as machines have that mount a team's disk.
 */
import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {command, tableOf, tinySpec} from '../../rig/command.ts';

const spaces = ['--uts', '--pid', '--fork', '--kill-child', '--mount', '--mount-proc'];
const lacks = spawnSync('unshare', [...spaces, 'true']).status === 0 ? undefined : 'no rights to make namespaces';
const preload = new URL('../../campaign/preload.js', import.meta.url).href;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hosts-'));
  mkdirSync(join(root, 'shared'));
});
afterEach(() => rmSync(root, {recursive: true, force: true}));

interface Host {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<{readonly status: number | string; readonly text: string}>;
}

/** Runs a command on a host that sees the shared folder as `runs` in a folder of its own. `clock`: hours by which it is wrong. */
function on(name: string, clock: number, ...words: readonly string[]): Host {
  const folder = join(root, name, 'project');
  mkdirSync(join(folder, 'runs'), {recursive: true});
  writeFileSync(join(folder, 'tiny.yaml'), tinySpec({seeds: '4'}));
  const script = 'hostname "$1" && mount --bind "$2" runs && shift 2 && exec "$@"';
  const args = [...spaces, 'sh', '-c', script, 'sh', name, join(root, 'shared'), process.execPath, command, ...words];
  const child = spawn('unshare', args, {
    cwd: folder,
    env: {
      ...process.env,
      PIPELINE_ENGINE: 'wasm',
      PIPELINE_JOBS: '1',
      NODE_OPTIONS: `--import=${preload}`,
      CAMPAIGN_CLOCK: String(clock * 3_600_000),
      CAMPAIGN_BEATS: '0.2 3',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  const ended = new Promise<{status: number | string; text: string}>((resolve) =>
    child.once('close', (status, signal) => resolve({status: signal ?? status!, text})),
  );
  return {name, child, ended};
}

/** Events of every run, by the host that it was made on. */
function eventsByHost(): ReadonlyMap<string, readonly RunEvent[]> {
  const runs = readdirSync(join(root, 'shared')).filter((name) => name.includes('-tiny-'));
  return new Map(
    runs.map((run) => {
      const read = (file: string): string => readFileSync(join(root, 'shared', run, file), 'utf8');
      const {host} = JSON.parse(read('environment.json')) as {host: string};
      const lines = read('events.ndjson').trimEnd().split('\n');
      return [host, lines.map((line) => JSON.parse(line) as RunEvent)] as const;
    }),
  );
}

const computedBy = (events: readonly RunEvent[] = []): readonly string[] =>
  events.flatMap((event) => (event.type === 'stage-finished' && event.how === 'computed' ? [event.stage] : []));

describe.skipIf(lacks !== undefined)(`hosts${lacks === undefined ? '' : ` (${lacks})`}`, () => {
  test('three share the stages of a spec: each is computed once, all have the same table', async () => {
    const hosts = ['north', 'south', 'west'].map((name, i) => on(name, 24 * (i - 1), 'run', 'tiny.yaml', '--plain'));
    const ends = await Promise.all(hosts.map(({ended}) => ended));
    expect(ends.map(({status}) => status)).toEqual([0, 0, 0]);
    const computed = [...eventsByHost().values()].flatMap(computedBy);
    expect(computed).toHaveLength(21);
    expect(new Set(computed).size).toBe(21);
    const tables = ends.map(({text}) => tableOf(text).split('\nLook closer')[0]);
    expect(tables).toEqual([tables[0], tables[0], tables[0]]);
    expect([...eventsByHost().keys()].sort()).toEqual(['north', 'south', 'west']);
  });

  test('one that loses its power is waited for, watched, and replaced', async () => {
    const first = on('north', -24, 'run', 'tiny.yaml', '--plain');
    const isTraining = (): boolean => {
      try {
        return [...eventsByHost().values()]
          .flat()
          .some((event) => event.type === 'stage-started' && event.kind === 'learn');
      } catch {
        return false; // its record is being made
      }
    };
    await expect.poll(isTraining, {timeout: 60_000, interval: 20}).toBe(true);
    process.kill(-first.child.pid!, 'SIGKILL');
    await first.ended;
    const second = await on('south', 24, 'run', 'tiny.yaml', '--plain').ended;
    expect(second.status).toBe(0);
    expect(second.text).toMatch(/warning: waiting for process \d+ on north to finish "/);
    expect(second.text).toContain('gave no sign of life for 3 s: its holder counts as dead');
    const events = eventsByHost();
    const computed = [...computedBy(events.get('north')), ...computedBy(events.get('south'))];
    expect(new Set(computed).size).toBe(21);
    expect(computed).toHaveLength(21);
    for (const litter of ['tmp', 'scratch', 'locks'])
      expect(readdirSync(join(root, 'shared', 'cache', litter)).filter((name) => !name.startsWith('.new-'))).toEqual(
        [],
      );
  });
});
