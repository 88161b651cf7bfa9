/** The command as its users run it, in a project folder of its own: in this process, or in a child that may be killed. */
import {type ChildProcess, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import type {RunEvent} from '../../src/pipeline/events.ts';
import {type Ended, runHere} from './in-process.ts';

export type {Ended} from './in-process.ts';

export const packageFolder = fileURLToPath(new URL('../../', import.meta.url));
export const command = join(packageFolder, 'bin', 'pipeline.js');

interface Started {
  readonly child: ChildProcess;
  /** Of a command with `--json`. */
  readonly events: readonly RunEvent[];
  /** Resolves at the first event that fits; rejects when the command ends before. */
  heard(fits: (event: RunEvent) => boolean): Promise<RunEvent>;
  readonly ended: Promise<Ended>;
}

function environment(changes: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const {PIPELINE_RUNS: _, PIPELINE_DATA: __, NO_COLOR: ___, FORCE_COLOR: ____, ...inherited} = process.env;
  delete inherited['npm_lifecycle_event']; // it tells whether npx has started us
  // One process that loads tfjs is enough for a few stages: starting it takes longer than they do.
  return {...inherited, PIPELINE_ENGINE: 'wasm', PIPELINE_JOBS: '1', ...changes};
}

export class Project implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'pipeline-')));

  [Symbol.dispose](): void {
    // Again and again: a runner that was cancelled may write its last files meanwhile.
    rmSync(this.folder, {recursive: true, force: true, maxRetries: 20, retryDelay: 100});
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), {recursive: true});
    writeFileSync(this.path(name), text);
  }

  /** Makes `import … from 'one-class-pipeline'` work, as `npm install` of it would. */
  install(): void {
    mkdirSync(this.path('node_modules'));
    symlinkSync(packageFolder, this.path('node_modules', 'one-class-pipeline'), 'dir');
  }

  /** Ids of runs, oldest first. */
  get runs(): readonly string[] {
    return readdirSync(this.path('runs'))
      .filter((name) => /^\d{8}-\d{6}\.\d{3}-/.test(name))
      .sort();
  }

  /** Files that a cache keeps only while something runs, or after something went wrong. */
  get litter(): readonly string[] {
    return ['tmp', 'scratch', 'locks', 'damaged'].flatMap((name) =>
      readdirSync(this.path('runs', 'cache', name)).map((file) => `${name}/${file}`),
    );
  }

  /** Runs a command line to its end, in this process. */
  run(...args: readonly string[]): Promise<Ended> {
    return this.runWith({}, ...args);
  }

  /** The same, with environment variables. */
  runWith(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> {
    return runHere({command, args, folder: this.folder, env: environment(env)});
  }

  /** `run` of a spec, with the events that it prints. */
  async events(spec: string, ...args: readonly string[]): Promise<Ended & {readonly events: readonly RunEvent[]}> {
    const ended = await this.run('run', spec, '--json', ...args);
    return {
      ...ended,
      events: ended.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as RunEvent),
    };
  }

  /** Starts one in a process of its own, and in a process group as a shell does. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}, nodeOptions: readonly string[] = []): Started {
    const child = spawn(process.execPath, [...nodeOptions, command, ...args], {
      cwd: this.folder,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const events: RunEvent[] = [];
    const waiting = new Set<() => void>();
    let out = '';
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const lines = createInterface({input: child.stdout});
    lines.on('line', (line) => {
      out += `${line}\n`;
      if (!args.includes('--json') || args[0] !== 'run') return;
      events.push(JSON.parse(line) as RunEvent);
      for (const check of waiting) check();
    });
    const closed = new Promise<void>((resolve) => lines.once('close', resolve));
    const ended = new Promise<Ended>((resolve) => {
      child.once('close', (code, signal) => void closed.then(() => resolve({status: signal ?? code!, out, err})));
    });
    const heard = (fits: (event: RunEvent) => boolean): Promise<RunEvent> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const event = events.find(fits);
          if (!event) return;
          waiting.delete(check);
          resolve(event);
        };
        waiting.add(check);
        check();
        void ended.then(() => reject(new Error(`the command ended before: ${err}${out}`)));
      });
    return {child, events, heard, ended};
  }

  /** What differs from machine to machine and from run to run, masked: for snapshots. */
  masked(text: string): string {
    return text
      .replaceAll(this.folder, '<folder>')
      .replaceAll(/^\[ *\d+\/\d+\] … .*\n/gm, '') // of stages that take long, on a busy machine
      .replaceAll(/\d{8}-\d{6}\.\d{3}-([\w-]+?)-[\da-f]{4}\b/g, '<time>-$1')
      .replaceAll(/\b[\da-f]{64}\b/g, '<digest>')
      .replaceAll(/\b\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?\b/g, '<date>')
      .replaceAll(/\b(\d+ min )?\d+(\.\d+)? s · \d+ MB peak/g, '<time> · <memory> peak')
      .replaceAll(/\b(\d+ min )?\d+(\.\d+)? s\b/g, '<time>')
      .replaceAll(/ +\d+ MB$/gm, ' <memory>')
      .replaceAll(/\b\d\.\d{3,}\b/g, '<n>')
      .replaceAll(/(<digest>|\b[\da-f]{64})-[\da-z]+-\d+\b/g, '<digest>-<suffix>')
      .replaceAll(/ +<time>/g, ' <time>')
      .replaceAll(/─+/g, '──');
  }
}

/** Drawn images, a network of a few filters: a run is a matter of seconds, on every machine. */
export const tinySpec = (changes: {readonly [key: string]: string} = {}): string =>
  Object.entries({
    name: 'tiny',
    dataset: '{ type: synthetic, size: 16, train: 32, test: 16, classes: 3, inliers: [stripes] }',
    learner: '{ type: rotation, network: { type: small, width: 4, head: [16] }, epochs: 2, batch: 16 }',
    augment: '[hflip]',
    classifiers: '[kde]',
    metrics: '[auc, fpr95]',
    seeds: '1',
    ...changes,
  })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');

/** The table that a run ends with, without its title and without the lines below it. */
export const tableOf = (out: string): string =>
  out.slice(out.indexOf('normal class')).replace(/(?:\nbest: [\s\S]*)?\nLook closer: .*\n$/, '');
