/** A temporary project for tests of the pipeline: a cache, remote-controlled stages, and ears for events. */
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type Json, sha256} from '../../src/core/base/canonical.ts';
import {stateOf} from '../../src/core/base/files.ts';
import type {SourceFile} from '../../src/core/contracts/dataset.ts';
import type {CodeFile} from '../../src/core/plugin/code.ts';
import {emitter, type RunEvent, type StageKind} from '../../src/pipeline/events.ts';
import {type ExecuteOptions, execute, type RunOutcome} from '../../src/pipeline/execute/executor.ts';
import type {StageNode} from '../../src/pipeline/stages/stage.ts';
import {openCache} from '../../src/pipeline/store/cache/cache.ts';
import {openFileDigests} from '../../src/pipeline/store/sources.ts';

export interface FakeStage {
  readonly needs?: readonly string[];
  /** What it leaves; default: its name and what its inputs say. */
  readonly text?: string;
  /** Steps of `fake-stages.js`. */
  readonly script?: readonly (readonly [verb: string, argument?: Json])[];
  /** Its name in the recipe, for stages that are to be equal; default: its id. */
  readonly as?: string;
  readonly kind?: StageKind;
  readonly lane?: StageNode['lane'];
  /** Paths. */
  readonly sources?: readonly (string | SourceFile)[];
  readonly code?: readonly string[];
}

export interface Happening {
  readonly outcome: Promise<RunOutcome>;
  readonly events: readonly RunEvent[];
  /** Resolves when the stage has told the word. */
  told(word: string): Promise<void>;
  /** Ends the run as Ctrl-C does. */
  interrupt(): void;
}

export class World implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pipeline-'));
  readonly cacheRoot = join(this.root, 'cache');
  readonly warnings: string[] = [];

  [Symbol.dispose](): void {
    rmSync(this.root, {recursive: true, force: true});
  }

  /** Writes a file of the project, or gives the signal of that name. */
  write(name: string, text = ''): string {
    const path = join(this.root, name);
    mkdirSync(join(path, '..'), {recursive: true});
    writeFileSync(path, text);
    return path;
  }

  /** What stages have done so far: `start a`, `end a`. */
  get journal(): readonly string[] {
    const path = join(this.root, 'journal');
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  }

  graph(stages: {readonly [id: string]: FakeStage}): readonly StageNode[] {
    return Object.entries(stages).map(([id, stage]) => fakeNode(this.root, id, stage));
  }

  cache() {
    return openCache(this.cacheRoot, {warn: (message) => this.warnings.push(message)});
  }

  /** Starts a run of fake stages. */
  start(stages: {readonly [id: string]: FakeStage}, options: Partial<ExecuteOptions> = {}): Happening {
    const controller = new AbortController();
    const events: RunEvent[] = [];
    const waiting = new Map<string, () => void>();
    const heard = new Set<string>();
    const listen = (event: RunEvent): void => {
      events.push(event);
      if (event.type !== 'stage-progress' || event.progress.of !== 'items') return;
      heard.add(event.progress.unit);
      waiting.get(event.progress.unit)?.();
    };
    const outcome = execute({
      run: 'run',
      plan: {name: 'test', tasks: []},
      graph: this.graph(stages),
      plugins: {modules: []},
      cache: this.cache(),
      digests: openFileDigests(this.cacheRoot),
      engine: () => Promise.reject(new Error('no test wants one')),
      cores: 2,
      signal: controller.signal,
      emit: emitter([listen]),
      stages: fakeStages,
      ...options,
    });
    return {
      outcome,
      events,
      interrupt: () => controller.abort(),
      told: (word) =>
        new Promise((resolve) => {
          if (heard.has(word)) resolve();
          else waiting.set(word, resolve);
        }),
    };
  }

  /** Runs fake stages to the end. */
  async run(stages: {readonly [id: string]: FakeStage}, options: Partial<ExecuteOptions> = {}) {
    const happening = this.start(stages, options);
    const outcome = await happening.outcome;
    return {...outcome, events: happening.events};
  }
}

export const fakeStages = new URL('./fake-stages.js', import.meta.url);

const named = (files: readonly (string | SourceFile)[] = []) =>
  files.map((file) => (typeof file === 'string' ? {name: file.split('/').at(-1)!, path: file} : file));

/** A file of code that may be read at any moment of a stage. */
const lateCode = (path: string): CodeFile => ({
  name: path.split('/').at(-1)!,
  path,
  sha256: sha256(readFileSync(path)),
  late: stateOf(path).state,
});

function fakeNode(world: string, id: string, stage: FakeStage): StageNode {
  const {needs = [], text, script, as = id, kind = 'data', lane = 'cpu', sources, code} = stage;
  return {
    id,
    kind,
    label: `stage ${id}`,
    recipe: {
      world,
      name: as,
      ...(text === undefined ? {} : {text}),
      ...(script ? {script: script as readonly Json[]} : {}),
    },
    inputs: Object.fromEntries(needs.map((from, i) => [`input ${i + 1}`, {stage: from, file: 'out'}])),
    sources: named(sources),
    ...(code ? {code: code.map(lateCode)} : {}),
    lane,
    tasks: [],
  };
}

/** What became of every stage, in a word: for snapshots. */
export const fates = (outcome: Pick<RunOutcome, 'stages'>): {readonly [id: string]: string} =>
  Object.fromEntries([...outcome.stages].map(([id, {status}]) => [id, status]));

/** Events without times, ids of processes and the like: for snapshots. */
export const told = (events: readonly RunEvent[], type: RunEvent['type']): readonly object[] =>
  events.filter((event) => event.type === type).map(({at: _, ...event}) => event);
