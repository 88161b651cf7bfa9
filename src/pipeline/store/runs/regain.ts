/**
 * Finds in the cache what a run's record has lost. A stage's result is taken only if no other result fits as well: it has the same
 * recipe and the same inputs, was made by this run or before it, and has the files that later stages of the run have read.
 */
import type {Digest} from '../../../core/base/canonical.ts';
import {topological} from '../../plan/order.ts';
import {cacheOf, canonicalOf, type Left, leftAt, leftByLike} from './left.ts';
import {startOf} from './run-id.ts';
import type {RunRecord, StageRecord} from './run-record.ts';

/** The record with what was found again; the same record if nothing is lost. */
export function regained(record: RunRecord): RunRecord {
  if (record.damage === undefined || !record.stages.some(isOpen)) return record;
  const cache = cacheOf(record.folder);
  const began = record.started ?? startOf(record.id);
  const stages = new Map(record.stages.map((stage) => [stage.id, stage]));
  const leftBy = (id: string): Left | undefined => leftAt(cache, stages.get(id)?.fingerprint);
  const readers = readersOf(record);
  for (const node of topological(record.stages.map((stage) => stage.node))) {
    const stage = stages.get(node.id)!;
    if (!isOpen(stage)) continue;
    const inputs = Object.entries(node.inputs).map(([role, {stage: id, file}]) => [
      role,
      leftBy(id)?.files[file]?.sha256,
    ]);
    const read = (readers.get(node.id) ?? []).flatMap(({reader, role, file}) => {
      const {fingerprint} = stages.get(reader)!;
      return fingerprint === undefined ? [] : [{file, sha256: leftAt(cache, fingerprint)?.inputs[role]}];
    });
    const fitting = leftByLike(cache, node.kind, canonicalOf(node.recipe)).filter(
      (left) =>
        (left.run === record.id || isBefore(left.finished, began)) &&
        inputs.every(([role, digest]) => digest !== undefined && left.inputs[role!] === digest) &&
        (read.length === 0 || read.some(({sha256}) => sha256 !== undefined)) &&
        read.every(({file, sha256}) => sha256 === undefined || left.files[file]?.sha256 === sha256),
    );
    if (fitting.length === 1) stages.set(node.id, foundAgain(stage, fitting[0]!));
  }
  return {...record, stages: record.stages.map(({id}) => stages.get(id)!)};
}

/** The record does not say how the stage ended. */
const isOpen = ({status}: StageRecord): boolean => ['waiting', 'queued', 'started', 'interrupted'].includes(status);

const isBefore = (finished: string | undefined, started: string | undefined): boolean =>
  finished !== undefined && started !== undefined && finished <= started;

const foundAgain = (stage: StageRecord, {fingerprint, summary}: Left): StageRecord => ({
  ...stage,
  status: 'cached',
  fingerprint: fingerprint satisfies Digest,
  summary,
});

interface Reading {
  readonly reader: string;
  readonly role: string;
  readonly file: string;
}

/** Maps each stage to the stages that read its files. */
function readersOf({stages}: RunRecord): ReadonlyMap<string, readonly Reading[]> {
  const readers = new Map<string, Reading[]>();
  for (const {id: reader, node} of stages)
    for (const [role, {stage, file}] of Object.entries(node.inputs)) {
      const found = readers.get(stage);
      if (found) found.push({reader, role, file});
      else readers.set(stage, [{reader, role, file}]);
    }
  return readers;
}
