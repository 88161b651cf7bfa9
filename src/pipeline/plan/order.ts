/** Orders a graph. Does not run it, and does not look at the cache. */
import {invariant} from '../../core/base/result.ts';
import type {InputRef} from '../stages/stage.ts';

/** The part of a stage on which its order depends. */
export interface Ordered {
  readonly id: string;
  readonly inputs: {readonly [role: string]: Pick<InputRef, 'stage'>};
}

/** Ids of the stages that a stage waits for, without repeats. */
export const upstream = (node: Ordered): readonly string[] => [
  ...new Set(Object.values(node.inputs).map((input) => input.stage)),
];

/** A part of a graph as a graph of its own: without inputs from outside, which are settled or on their way. */
export function within<N extends Ordered>(part: readonly N[]): readonly N[] {
  const ids = new Set(part.map(({id}) => id));
  const isInside = ([, input]: readonly [string, {readonly stage: string}]): boolean => ids.has(input.stage);
  return part.map((node) => ({...node, inputs: Object.fromEntries(Object.entries(node.inputs).filter(isInside))}));
}

/** Id → ids of the stages that wait for it, in the order of `nodes`. */
export function dependents(nodes: readonly Ordered[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>(nodes.map((node) => [node.id, []]));
  for (const node of nodes) for (const from of upstream(node)) found.get(from)?.push(node.id);
  return found;
}

/** The first cycle as a path that ends where it began (a → b → a), or undefined. Throws if an input names no stage: a bug of ours. */
export function findCycle(nodes: readonly Ordered[]): readonly string[] | undefined {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const done = new Set<string>();
  for (const start of nodes) {
    // An explicit stack: a graph may be deeper than the call stack.
    const path: {readonly id: string; readonly rest: Iterator<string>}[] = [];
    const onPath = new Set<string>();
    const enter = (id: string): void => {
      const node = byId.get(id);
      invariant(node, `a stage has an input from "${id}", which is not in the graph`);
      path.push({id, rest: upstream(node)[Symbol.iterator]()});
      onPath.add(id);
    };
    if (!done.has(start.id)) enter(start.id);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const next = top.rest.next();
      if (next.done) {
        path.pop();
        onPath.delete(top.id);
        done.add(top.id);
      } else if (onPath.has(next.value)) {
        const ids = path.map((step) => step.id);
        return [...ids.slice(ids.indexOf(next.value)), next.value];
      } else if (!done.has(next.value)) enter(next.value);
    }
  }
  return undefined;
}

/** Puts every stage after those that it waits for; otherwise keeps the order of `nodes`. Throws an error that names a cycle. */
export function topological<N extends Ordered>(nodes: readonly N[]): readonly N[] {
  const after = dependents(nodes);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const waiting = new Map(nodes.map((node) => [node.id, upstream(node).length]));
  const ordered = nodes.filter((node) => waiting.get(node.id) === 0);
  for (const node of ordered) {
    for (const id of after.get(node.id)!) {
      const left = waiting.get(id)! - 1;
      waiting.set(id, left);
      if (left === 0) ordered.push(byId.get(id)!); // the loop reaches what is added here
    }
  }
  if (ordered.length < nodes.length) {
    const cycle = findCycle(nodes);
    invariant(!cycle, `the stages wait for each other in a circle: ${cycle?.join(' → ')}`);
  }
  return ordered;
}

/** Length of the longest path from a stage to the end of the graph, the stage included. The longest should start first. */
export function priorities(nodes: readonly Ordered[]): ReadonlyMap<string, number> {
  const after = dependents(nodes);
  const lengths = new Map<string, number>();
  for (const node of topological(nodes).toReversed()) {
    const rest = after.get(node.id)!.map((id) => lengths.get(id)!);
    lengths.set(node.id, 1 + rest.reduce((longest, length) => Math.max(longest, length), 0));
  }
  return lengths;
}
