/**
 * Reads a run's folder: joins plan, events and environment, without the database. A run that was killed is read as far as it got;
 * the last line of `events.ndjson` may be incomplete ("torn"). Only this file decides whether a run is damaged; `regain.ts` finds in
 * the cache what its record has lost.
 */
import {closeSync, fstatSync, readSync} from 'node:fs';
import type {Json} from '../../../core/base/canonical.ts';
import {codeOf, openToRead, statIfThere} from '../../../core/base/files.ts';
import {readLines} from '../../../core/base/lines.ts';
import {type Result, succeed} from '../../../core/base/result.ts';
import {systemProblem} from '../../../core/base/system-error.ts';
import type {RunEvent} from '../../events.ts';
import type {Problem} from '../../failures.ts';
import type {StageNode} from '../../stages/stage.ts';
import {readEnvironment, readPlanFile} from './plan-file.ts';
import {regained} from './regain.ts';
import {eventsFile, joinRecord, type Losses, noLosses, type RunHead, type RunRecord, strangeTo} from './run-record.ts';
import {eventOf} from './shape.ts';

export type {Outcome, RunRecord, StageRecord, StageStatus} from './run-record.ts';

/** Reads `runs/<id>/`. */
export function readRecord(folder: string): Result<RunRecord, Problem> {
  const head = readHead(folder);
  return head.ok ? succeed(regained(joinRecord(head.value, ...readEvents(head.value)))) : head;
}

/** Reads `runs/<id>/` without the events. */
export function readHead(folder: string): Result<RunHead, Problem> {
  const plan = readPlanFile(folder);
  if (!plan.ok) return plan;
  const stages = plan.value.stages.map((stage): StageNode => ({...stage, lane: stage.lane ?? laneOf(stage.kind)}));
  return succeed({
    folder,
    plan: {...plan.value, stages},
    environment: readEnvironment<{[key: string]: Json}>(folder) ?? {},
  });
}

/** Sizes and times of plan and events. While they are the same, the record need not be read again. */
export const recordState = (folder: string): string =>
  `${stateOf(`${folder}/plan.json`)}, ${stateOf(`${folder}/events.ndjson`)}`; // called for thousands of runs, so without join()

function stateOf(file: string): string {
  const stat = statIfThere(file);
  return stat?.isFile() ? `${stat.size} ${stat.mtimeNs}` : 'lost';
}

/**
 * Whether a run's record is final: the run's end is written, or the record is damaged. The last complete line decides; it is looked
 * for in the last bytes, because the file may be large.
 */
export function hasEnded(folder: string): boolean {
  let events: number;
  try {
    events = openToRead(eventsFile(folder));
  } catch {
    return true;
  }
  try {
    const tail = Buffer.alloc(64 * 1024);
    const from = Math.max(0, fstatSync(events).size - tail.length);
    const text = tail.toString('utf8', 0, readSync(events, tail, 0, tail.length, from));
    const lines = text.split('\n');
    // The text after the last newline is an incomplete line, or a complete one that only lacks its newline.
    const rest = eventOf(lines.pop()!);
    const line = lines.findLast((one) => one !== '');
    if (rest || line === undefined || (from > 0 && line === lines[0])) return rest?.type === 'run-finished';
    const last = eventOf(line);
    return last === undefined || last.type === 'run-finished';
  } finally {
    closeSync(events);
  }
}

/** The lane of a stage in a plan that an older version wrote without lanes. */
const laneOf = (kind: string): StageNode['lane'] =>
  ['data', 'evaluate', 'ensemble'].includes(kind) ? 'cpu' : 'accelerator';

/** All events except progress, which is most of the file and says nothing about the result; and what can't be read. */
function readEvents({folder, plan}: RunHead): readonly [readonly RunEvent[], Losses] {
  const file = eventsFile(folder);
  const isStrange = strangeTo(plan);
  const events: RunEvent[] = [];
  let strange = 0;
  /** The last complete line. */
  let end: Buffer | undefined;
  try {
    for (const {line, torn} of readLines(file)) {
      const isProgress = line.includes('"type":"stage-progress"');
      const event = isProgress && !torn ? undefined : eventOf(line.toString('utf8'));
      if (event && !isStrange(event) && !isProgress) events.push(event);
      else if (!torn && !isProgress) strange++;
      if (event || !torn) end = Buffer.from(line); // copied, because its buffer is used again
    }
  } catch (error) {
    return [[], {...noLosses, file: systemProblem(error)?.message ?? `${file} cannot be read (${codeOf(error)})`}];
  }
  return [events, {strange, atEnd: end !== undefined && eventOf(end.toString('utf8')) === undefined}];
}
