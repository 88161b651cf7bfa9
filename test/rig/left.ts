/** Files in the cache beside a made-up run, as its stages would have left them. */
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Json} from '../../src/core/base/canonical.ts';
import {digestOfFile} from '../../src/core/base/files.ts';
import type {CurvePoint} from '../../src/core/contracts/learner.ts';
import {type Scores, writeCurve, writeScores} from '../../src/core/formats/arrow/small.ts';
import {entryFolder, manifestName, sealManifest} from '../../src/pipeline/store/cache/entry.ts';
import type {RunRecord, StageRecord} from '../../src/pipeline/store/runs/run-record.ts';

const entryOf = (record: RunRecord, stage: StageRecord): string =>
  entryFolder(join(record.folder, '..', 'cache'), stage.fingerprint!);

/** One file of a stage, and a manifest of it. */
export async function leaveFile(
  record: RunRecord,
  stage: StageRecord,
  name: string,
  write: (path: string) => Promise<void>,
): Promise<void> {
  const folder = entryOf(record, stage);
  await write(join(folder, name));
  const {sha256, bytes} = await digestOfFile(join(folder, name));
  const key = {kind: stage.kind, recipe: stage.node.recipe, inputs: {}, sources: {}} as Json;
  const parts = {kind: stage.kind, label: stage.label, key, summary: null, provenance: {}};
  const {text} = sealManifest({
    format: 1,
    fingerprint: stage.fingerprint!,
    files: {[name]: {bytes, sha256}},
    ...parts,
  });
  writeFileSync(join(folder, manifestName), text);
}

/**
 * The scores of every stage that has some. Manifests of the numbers are taken away, because they were made of other bytes: the run's own record
 * has them.
 */
export async function leaveScores(
  record: RunRecord,
  scoresOf: (stage: StageRecord) => Scores | undefined,
): Promise<void> {
  for (const stage of record.stages) {
    if (stage.kind === 'evaluate') rmSync(entryOf(record, stage), {recursive: true});
    const scores = stage.kind === 'score' && stage.fingerprint ? scoresOf(stage) : undefined;
    if (scores) await leaveFile(record, stage, 'scores.arrow', (path) => writeScores(path, scores));
  }
}

/** The curve of every training. */
export async function leaveCurves(
  record: RunRecord,
  curveOf: (stage: StageRecord) => readonly CurvePoint[],
): Promise<void> {
  for (const stage of record.stages)
    if (stage.kind === 'learn')
      await leaveFile(record, stage, 'curve.arrow', (path) => writeCurve(path, curveOf(stage)));
}
