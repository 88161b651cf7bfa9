/** One task, looked at closely: its scores, the map of its features, its images. */
import type {Result} from '../../core/base/result.ts';
import type {Task} from '../../pipeline/config/spec.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {StageKey} from '../../pipeline/plan/fingerprint.ts';
import {type MetricValue, testMetricsOf} from '../../pipeline/store/runs/numbers.ts';
import type {RunRecord, StageRecord} from '../../pipeline/store/runs/record.ts';
import type {Artifacts} from './artifacts.ts';
import {type Embedding, embeddingOf} from './embedding.ts';
import {type Made, madeOf} from './made.ts';
import {type Scored, scoresOf} from './scores.ts';
import {type TestFiles, testFilesOf} from './test-files.ts';
import {dataStageOf} from './test-images.ts';

export interface CloseUp {
  readonly task: Task;
  readonly method: string;
  readonly scored: readonly Scored[];
  readonly embedding?: Embedding;
  readonly made?: Made;
  /** The file of the test images, and what their own files were called; absent: an ensemble's alone, or not in the cache any more. */
  readonly images?: {readonly path: string; readonly files?: TestFiles};
  /** Classifier → the file of its heat maps. */
  readonly maps: ReadonlyMap<string, string>;
  /** Its metrics that have values of kinds of anomalies. */
  readonly ofKinds: readonly MetricValue[];
  /** What could not be read, and why. */
  readonly missing: readonly string[];
}

/** `tasks`: so many are looked at closely. */
export async function closeUpOf(
  record: RunRecord,
  task: Task,
  method: string,
  artifacts: Artifacts,
  tasks: number,
): Promise<CloseUp> {
  const missing = new Set<string>();
  const foundIn = <T>(result: Result<T, Problem>): T | undefined => {
    if (result.ok) return result.value;
    for (const {message, hint} of result.failures) missing.add([message, hint].filter(Boolean).join('. '));
    return undefined;
  };
  const scored = foundIn(await scoresOf(record, task, artifacts)) ?? [];
  const embedding = foundIn(await embeddingOf(record, task, scored, artifacts, tasks));
  const made = foundIn(await madeOf(record, task, scored, artifacts));
  const data = scored.map((one) => dataStageOf(one, artifacts)).find((stage) => stage !== undefined);
  const path = data && foundIn(await artifacts.file(data, 'test.arrow'));
  const files = data && namesOf(data, scored[0]!, artifacts);
  const maps = new Map<string, string>();
  for (const {classifier, stage} of scored) {
    const file = stage.kind === 'localize' ? foundIn(await artifacts.file(stage, 'maps.arrow')) : undefined;
    if (file !== undefined) maps.set(classifier, file);
  }
  return {
    task,
    method,
    scored,
    ...(embedding && {embedding}),
    ...(made && {made}),
    ...(path !== undefined && {images: {path, ...(files && {files})}}),
    maps,
    ofKinds: testMetricsOf(record).filter((value) => value.task === task.id && value.kinds.length > 0),
    missing: [...missing],
  };
}

function namesOf(data: StageRecord, {classes, classNames}: Scored, artifacts: Artifacts): TestFiles | undefined {
  const manifest = artifacts.manifest(data);
  if (!manifest.ok) return undefined;
  return testFilesOf(Object.keys((manifest.value.key as unknown as StageKey).sources), classes, classNames);
}
