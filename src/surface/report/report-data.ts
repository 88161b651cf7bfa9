/** All that a run's page shows, read and reduced; each section has its own part. */
import {join} from 'node:path';
import {readText} from '../../core/base/files.ts';
import {systemProblem} from '../../core/base/system-error.ts';
import {messageOf} from '../../core/base/thrown.ts';
import {parseSource} from '../../pipeline/config/parse.ts';
import {headMetric} from '../../pipeline/config/spec.ts';
import {rowsOf} from '../../pipeline/store/results/rows.ts';
import type {RunRecord} from '../../pipeline/store/runs/record.ts';
import type {Better} from '../tables/best-of.ts';
import type {Comparison} from '../tables/compare.ts';
import {runNames} from '../tables/run-names.ts';
import {type RunReport, reportRun} from '../tables/show.ts';
import {type Sweep, sweepsOf} from '../tables/sweeps.ts';
import {type Answer, answersOf, answersOfSearch} from './answer.ts';
import {Artifacts} from './artifacts.ts';
import {chosenTasks} from './chosen.ts';
import {type CloseUp, closeUpOf} from './close-up.ts';
import {type Curves, curvesOf} from './curves.ts';
import {type Pictures, picturesOf} from './pictures.ts';
import {type Provenance, provenanceOf} from './provenance.ts';
import {type Searched, searchedOf} from './search.ts';
import {type SeedValues, seedValuesOf} from './seeds.ts';
import {type SideBySide, sideBySideOf} from './side-by-side.ts';
import {type Timeline, timelineOf} from './timeline.ts';
import {type Trainings, trainingsOf} from './trainings.ts';

export interface ReportData {
  readonly record: RunRecord;
  readonly report: RunReport;
  /** Of the spec; absent where it has none. */
  readonly description?: string;
  /** Text of the spec. */
  readonly source: string;
  /** Absent where the run has no numbers. */
  readonly comparison?: Comparison;
  readonly answers: readonly Answer[];
  readonly seeds: SeedValues;
  readonly closeUps: readonly CloseUp[];
  readonly sideBySide: readonly SideBySide[];
  readonly pictures: Pictures;
  readonly trainings: Trainings;
  readonly sweeps: readonly Sweep[];
  readonly curves: readonly Curves[];
  /** Absent: the run has no search. */
  readonly searched?: Searched;
  readonly timeline: Timeline;
  readonly provenance: Provenance;
}

export interface ReportOptions {
  /** The cache's folder. */
  readonly cache: string;
  readonly comparison?: Comparison;
  readonly better: Better;
  /** Every test image has a picture, small rather than missing. */
  readonly allImages?: boolean;
  /** Part of the ids of the tasks to look at closely. */
  readonly wanted?: string;
  /** false: no task is looked at closely, which takes most of the time. */
  readonly closely?: boolean;
}

export async function gatherReport(record: RunRecord, options: ReportOptions): Promise<ReportData> {
  const {cache, comparison, better, wanted, allImages = false, closely = true} = options;
  const artifacts = new Artifacts(record, cache);
  const names = runNames(record);
  const rows = rowsOf(record);
  const closeUps: CloseUp[] = [];
  const chosen = closely ? chosenTasks(record, wanted) : [];
  for (const task of chosen)
    closeUps.push(await closeUpOf(record, task, names.tasks.get(task.id)!, artifacts, chosen.length));
  const pictures = await picturesOf(closeUps, allImages);
  const sideBySide = await sideBySideOf(closeUps, pictures, artifacts);
  const source = specOf(record.folder);
  const searched = await searchedOf(record);
  const description = descriptionOf(source);
  return {
    record,
    report: reportRun(record),
    source,
    ...(description !== undefined && {description}),
    ...(comparison && {comparison}),
    answers: comparison ? answersIn(comparison, record, searched, better) : [],
    seeds: seedValuesOf(rows),
    closeUps,
    // What could not be read is said where the task is looked at closely.
    sideBySide: sideBySide.ok ? sideBySide.value : [],
    pictures,
    trainings: await trainingsOf(record, artifacts),
    sweeps: searched ? [] : sweepsOf(record, better),
    curves: searched ? [] : curvesOf(record),
    ...(searched && {searched}),
    timeline: timelineOf(record),
    provenance: provenanceOf(record, rows, artifacts),
  };
}

function answersIn(
  comparison: Comparison,
  {tasks}: RunRecord,
  searched: Searched | undefined,
  better: Better,
): readonly Answer[] {
  const metric = headMetric(tasks);
  if (!searched) return answersOf(comparison, metric, better);
  const {results} = searched;
  return answersOfSearch(comparison, results, [
    results.search.objective.metric,
    ...(metric === undefined ? [] : [metric]),
  ]);
}

/** The spec as it was run; where that can't be read any more, why. */
function specOf(folder: string): string {
  try {
    return readText(join(folder, 'pipeline.yaml'));
  } catch (error) {
    return `# ${systemProblem(error)?.message ?? messageOf(error)}\n`;
  }
}

function descriptionOf(source: string): string | undefined {
  const read = parseSource(source, 'pipeline.yaml');
  const {description} = (read.ok ? read.value.value : {}) as {readonly description?: unknown};
  return typeof description === 'string' ? description.trim() : undefined;
}
