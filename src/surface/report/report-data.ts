/** All that a run's page shows, read and reduced; nothing here knows HTML. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Result} from '../../core/base/result.ts';
import {parseSource} from '../../pipeline/config/parse.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import {rowsOf} from '../../pipeline/store/results/rows.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Comparison} from '../tables/compare.ts';
import {methodsOf} from '../tables/names.ts';
import {type RunReport, reportRun} from '../tables/show.ts';
import {Artifacts} from './artifacts.ts';
import {chosenTasks} from './chosen.ts';
import {type Embedding, embeddingOf} from './embedding-data.ts';
import {type Gallery, galleryOf, type HeatGallery, heatGalleriesOf} from './gallery-data.ts';
import {type Provenance, provenanceOf} from './provenance-data.ts';
import {type Scored, scoresOf} from './scores-data.ts';
import {type SeedValues, seedValuesOf} from './seeds.ts';
import {type Sweep, sweepsOf} from './sweeps-data.ts';
import {type Timeline, timelineOf} from './timeline-data.ts';
import {type Trainings, trainingsOf} from './training-data.ts';

export interface ReportData {
  readonly record: RunRecord;
  readonly report: RunReport;
  /** Of the spec; absent where it has none. */
  readonly description?: string;
  /** Text of the spec. */
  readonly source: string;
  /** Absent where the run has no numbers. */
  readonly comparison?: Comparison;
  readonly seeds: SeedValues;
  readonly closeUps: readonly CloseUp[];
  readonly trainings: Trainings;
  readonly sweeps: readonly Sweep[];
  readonly timeline: Timeline;
  readonly provenance: Provenance;
}

/** One task, looked at closely. */
export interface CloseUp {
  readonly task: Task;
  readonly method: string;
  readonly scored: readonly Scored[];
  readonly embedding?: Embedding;
  readonly gallery?: Gallery;
  readonly heat: readonly HeatGallery[];
  /** What could not be read, and why. */
  readonly missing: readonly string[];
}

export interface ReportOptions {
  /** The cache's folder. */
  readonly cache: string;
  readonly comparison?: Comparison;
  /** Part of the ids of the tasks to look at closely. */
  readonly wanted?: string;
}

export async function gatherReport(record: RunRecord, options: ReportOptions): Promise<ReportData> {
  const {cache, comparison, wanted} = options;
  const artifacts = new Artifacts(record, cache);
  const methods = methodsOf(record.tasks);
  const rows = rowsOf(record);
  const closeUps: CloseUp[] = [];
  for (const task of chosenTasks(record, wanted))
    closeUps.push(await closeUpOf(record, task, methods.get(task.id)!, artifacts));
  const source = readFileSync(join(record.folder, 'pipeline.yaml'), 'utf8');
  const description = descriptionOf(source);
  return {
    record,
    report: reportRun(record),
    source,
    ...(description !== undefined && {description}),
    ...(comparison && {comparison}),
    seeds: seedValuesOf(rows),
    closeUps,
    trainings: await trainingsOf(record, methods, artifacts),
    sweeps: sweepsOf(record),
    timeline: timelineOf(record),
    provenance: provenanceOf(record, rows, methods, artifacts),
  };
}

async function closeUpOf(record: RunRecord, task: Task, method: string, artifacts: Artifacts): Promise<CloseUp> {
  const missing = new Set<string>();
  const foundIn = <T>(result: Result<T, Problem>): T | undefined => {
    if (result.ok) return result.value;
    for (const {message, hint} of result.failures) missing.add([message, hint].filter(Boolean).join('. '));
    return undefined;
  };
  const scored = foundIn(await scoresOf(record, task, artifacts)) ?? [];
  const embedding = foundIn(await embeddingOf(task, scored, artifacts));
  const gallery = foundIn(await galleryOf(scored, artifacts));
  const heat = foundIn(await heatGalleriesOf(scored, artifacts)) ?? [];
  return {task, method, scored, ...(embedding && {embedding}), ...(gallery && {gallery}), heat, missing: [...missing]};
}

function descriptionOf(source: string): string | undefined {
  const read = parseSource(source, 'pipeline.yaml');
  const {description} = (read.ok ? read.value.value : {}) as {readonly description?: unknown};
  return typeof description === 'string' ? description.trim() : undefined;
}
