/**
 * What one job does: a stage that is not cached, with the stages that follow it and wait for nothing else. A training's features,
 * scores and metrics take seconds, so they run where it ran. Pure: knows neither the scheduler nor the cache.
 */
import type {Digest} from '../../core/base/canonical.ts';
import {dependents, topological, upstream} from '../plan/order.ts';
import type {StageNode} from '../stages/stage.ts';

export interface Unit {
  /** The stage that begins it: its kind says which resources the job gets. */
  readonly root: StageNode;
  /** In an order in which they may run; the root first. */
  readonly nodes: readonly StageNode[];
  /** Stages that they read and that are in the cache: id → fingerprint. */
  readonly given: ReadonlyMap<string, Digest>;
}

/** A graph with its ways forward. */
export interface Links {
  readonly stages: ReadonlyMap<string, StageNode>;
  readonly after: ReadonlyMap<string, readonly string[]>;
}

export const linksOf = (graph: readonly StageNode[]): Links => ({
  stages: new Map(graph.map((node) => [node.id, node])),
  after: dependents(graph),
});

/**
 * The unit that a stage begins whose inputs are there. `made`: what is in the cache, id → fingerprint; `isTaken`: whether a stage
 * belongs to another unit. A stage that computes tensors never joins one that does not: that has no GPU.
 */
export function unitOf(
  root: StageNode,
  {stages, after}: Links,
  made: ReadonlyMap<string, Digest>,
  isTaken: (stage: string) => boolean,
): Unit {
  const nodes = new Map([[root.id, root]]);
  const isThere = (id: string): boolean => nodes.has(id) || made.has(id);
  // The loop goes on over what is added to it.
  for (const {id: from} of nodes.values())
    for (const id of after.get(from)!) {
      const node = stages.get(id)!;
      if (isThere(id) || isTaken(id) || node.absent || (root.lane === 'cpu' && node.lane === 'accelerator')) continue;
      if (upstream(node).every(isThere)) nodes.set(id, node);
    }
  return {root, nodes: [...nodes.values()], given: givenTo([...nodes.values()], made)};
}

/** What of the cache these stages read. */
export function givenTo(nodes: readonly StageNode[], made: ReadonlyMap<string, Digest>): ReadonlyMap<string, Digest> {
  const inside = new Set(nodes.map(({id}) => id));
  const resumed = nodes.flatMap(({resumes}) => (resumes !== undefined && made.has(resumes) ? [resumes] : []));
  const outside = [...nodes.flatMap(upstream), ...resumed].filter((id) => !inside.has(id));
  return new Map(outside.map((id) => [id, made.get(id)!]));
}

/**
 * The units of a graph in waves, each submitted when the one before is done, if every stage that is not in `made` has to run: what
 * `plan` shows. Stages without data, and those that wait for them, are in none.
 */
export function wavesOf(graph: readonly StageNode[], made: ReadonlyMap<string, Digest>): readonly (readonly Unit[])[] {
  const links = linksOf(graph);
  const ordered = topological(graph);
  const done = new Map(made);
  const waves: (readonly Unit[])[] = [];
  for (;;) {
    const taken = new Set<string>();
    const isReady = (node: StageNode) =>
      !done.has(node.id) && !node.absent && upstream(node).every((id) => done.has(id));
    const wave = ordered.filter(isReady).map((root) => {
      const unit = unitOf(root, links, done, (id) => taken.has(id));
      for (const {id} of unit.nodes) taken.add(id);
      return unit;
    });
    if (wave.length === 0) return waves;
    waves.push(wave);
    for (const id of taken) done.set(id, '' as Digest); // its content is not known before it has run
  }
}
