/** Finds what a run would do, without doing it. */
import type {Digest} from '../../core/base/canonical.ts';
import type {Manifest, StageNode} from '../stages/stage.ts';
import {explainMiss} from './explain.ts';
import {fingerprintOf, keyOf} from './fingerprint.ts';
import {topological, upstream} from './order.ts';

export type Forecast =
  | {readonly state: 'hit'; readonly fingerprint: Digest; readonly manifest: Manifest}
  | {readonly state: 'miss'; readonly fingerprint: Digest; readonly reasons: readonly string[]}
  /** A dataset's files are not available: its stage and those that depend on it can't run. */
  | {readonly state: 'absent'; readonly reasons: readonly string[]}
  /** Its inputs are not there yet. Whether it must run depends on the files that the stages before it will leave. */
  | {readonly state: 'unknown'; readonly waitsFor: readonly string[]};

export interface PreviewOptions {
  readonly graph: readonly StageNode[];
  readonly cache: {
    find(fingerprint: Digest): Promise<{readonly manifest: Manifest} | undefined>;
    list(): AsyncIterable<{readonly manifest: Manifest}>;
  };
  readonly digests: {digest(path: string): Promise<Digest>};
}

/**
 * Stage's id → forecast. Verifies cache entries, as a run does. `waitsFor` has labels of the stages before it that are not known to be
 * cached.
 */
export async function previewPlan({graph, cache, digests}: PreviewOptions): Promise<ReadonlyMap<string, Forecast>> {
  const forecasts = new Map<string, Forecast>();
  const labels = new Map(graph.map((node) => [node.id, node.label]));
  let cached: readonly Manifest[] | undefined;
  for (const node of topological(graph)) {
    if (node.absent) {
      forecasts.set(node.id, {state: 'absent', reasons: [node.absent.message, node.absent.hint]});
      continue;
    }
    const made = new Map<string, Manifest>();
    const waitsFor: string[] = [];
    const without: string[] = [];
    for (const id of upstream(node)) {
      const forecast = forecasts.get(id)!;
      if (forecast.state === 'absent') without.push(labels.get(id)!);
      else if (forecast.state === 'hit') made.set(id, forecast.manifest);
      else waitsFor.push(labels.get(id)!);
    }
    if (without.length > 0) {
      forecasts.set(node.id, {state: 'absent', reasons: [`without ${without.join(', ')}`]});
      continue;
    }
    if (waitsFor.length > 0) {
      forecasts.set(node.id, {state: 'unknown', waitsFor});
      continue;
    }
    const key = await keyOf(
      node,
      (id) => made.get(id)!,
      (path) => digests.digest(path),
    );
    const fingerprint = fingerprintOf(key);
    const entry = await cache.find(fingerprint);
    if (entry) forecasts.set(node.id, {state: 'hit', fingerprint, manifest: entry.manifest});
    else {
      cached ??= await manifestsOf(cache);
      forecasts.set(node.id, {state: 'miss', fingerprint, reasons: explainMiss(key, node.label, cached)});
    }
  }
  return forecasts;
}

async function manifestsOf(cache: PreviewOptions['cache']): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for await (const {manifest} of cache.list()) manifests.push(manifest);
  return manifests;
}
