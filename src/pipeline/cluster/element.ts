/** What a job does: the stages of one element of a batch, by the same code as a run on one machine, under the same locks. */
import {readFileSync} from 'node:fs';
import {sha256} from '../../core/base/canonical.ts';
import {stateOf} from '../../core/base/files.ts';
import {ExpectedError, systemProblem} from '../../core/base/system-error.ts';
import {messageOf} from '../../core/base/thrown.ts';
import type {ResolvedEngine} from '../../core/engine/contract.ts';
import type {ModuleRef} from '../../core/plugin/code.ts';
import {CodeChangedError} from '../../core/plugin/code.ts';
import {type Emit, emitter, type RunEvent, type Where} from '../events.ts';
import {execute, type RunOutcome} from '../execute/executor.ts';
import type {StageNode} from '../stages/stage.ts';
import {openCache} from '../store/cache/cache.ts';
import {openLog} from '../store/runs/runs.ts';
import {openFileDigests} from '../store/sources.ts';
import {attemptFile, type BatchFile, type ElementFile, readBatch, readElement} from './batch.ts';

export interface ElementOptions {
  readonly folder: string;
  readonly index: number;
  readonly where: Where;
  /** Of the built-in plug-ins, as they lie on this host. */
  readonly modules: readonly ModuleRef[];
  /** Of this host and this package. */
  readonly provenance: {readonly version: string; readonly [key: string]: string};
  readonly signal: AbortSignal;
  /** Told of all that happens, besides the log. */
  readonly listener: (event: RunEvent) => void;
  readonly engine: (asked: BatchFile['engine'], note: (message: string) => void) => Promise<ResolvedEngine>;
}

/** Milliseconds that a training gets for its checkpoint: less than Slurm's KillWait, which is 30 s unless a site changes it. */
const grace = 20_000;

/** Returns how it ended, which its log says last. */
export async function runElement(options: ElementOptions): Promise<RunOutcome['outcome']> {
  const {folder, index, where, listener} = options;
  const batch = readBatch(folder);
  const element = readElement(folder, index);
  const record = openLog(attemptFile(folder, index, where.job));
  const emit = emitter([record.log, listener]);
  try {
    return await runStages(options, batch, element, emit);
  } catch (error) {
    // Not a stage failed but what runs them: all of them, then.
    const {hint} = error as {readonly hint?: unknown};
    const why = systemProblem(error) ?? {message: messageOf(error), ...(typeof hint === 'string' && {hint})};
    for (const {id: stage, kind, label} of element.nodes) emit({type: 'stage-failed', stage, kind, label, ...why});
    const counts = {computed: 0, cached: 0, failed: element.nodes.length, skipped: 0, seconds: 0};
    emit({type: 'run-finished', run: batch.run, outcome: 'failed', ...counts});
    return 'failed';
  } finally {
    record.close();
  }
}

async function runStages(
  {where, modules, provenance, signal, engine}: ElementOptions,
  batch: BatchFile,
  {nodes, given, jobs}: ElementFile,
  emit: Emit,
): Promise<RunOutcome['outcome']> {
  if (batch.version !== provenance.version)
    throw new ExpectedError(
      `the run was started by version ${batch.version} of this program, but ${where.node} has version ${provenance.version}: correct "command" in the site file`,
    );
  const {outcome} = await execute({
    run: batch.run,
    plan: {name: batch.name, tasks: []},
    graph: [...given.map(({node}) => node), ...nodes.map(asHere)],
    given: new Map(given.map(({node, fingerprint}) => [node.id, fingerprint])),
    plugins: {modules: [...modules, ...batch.modules]},
    cache: openCache(batch.cache, {warn: (message) => emit({type: 'warning', message})}),
    digests: openFileDigests(batch.cache),
    emit,
    signal,
    jobs,
    where,
    grace,
    checkpointEvery: batch.checkpointEvery,
    profile: batch.profile,
    provenance: {run: batch.run, ...provenance, job: where.job},
    engine: () => engine(batch.engine, (message) => emit({type: 'note', message})),
  });
  return outcome;
}

/** With the state that the code of the user's plug-ins has on this host. Throws where it is other code. */
function asHere(node: StageNode): StageNode {
  if (!node.code) return node;
  const code = node.code.map((file) => {
    if (file.late === undefined) return file;
    const {state} = stateOf(file.path);
    if (sha256(readFileSync(file.path)) !== file.sha256)
      throw new CodeChangedError(`${file.path} changed after the run began`);
    return {...file, late: state};
  });
  return {...node, code};
}
