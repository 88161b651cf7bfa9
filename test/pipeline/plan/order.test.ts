import fc from 'fast-check';
import {expect, test} from 'vitest';
import {findCycle, type Ordered, priorities, topological, upstream} from '../../../src/pipeline/plan/order.ts';

/** Id → ids that it waits for. */
const graph = (edges: {readonly [id: string]: readonly string[]}): readonly Ordered[] =>
  Object.entries(edges).map(([id, from]) => ({
    id,
    inputs: Object.fromEntries(from.map((stage, i) => [`role ${i}`, {stage}])),
  }));

const ids = (nodes: readonly Ordered[]): readonly string[] => nodes.map((node) => node.id);

/** Graphs without cycles, in any order: each node waits for some of those made before it. */
const acyclic = fc
  .array(fc.array(fc.nat(1000), {maxLength: 4}), {maxLength: 30})
  .chain((choices) => {
    const made = choices.map((picks, i) => [`n${i}`, i === 0 ? [] : picks.map((pick) => `n${pick % i}`)] as const);
    return fc.shuffledSubarray(made, {minLength: made.length});
  })
  .map((entries) => graph(Object.fromEntries(entries)));

test('a cycle is a path that ends where it began', () => {
  expect(findCycle(graph({start: ['a'], a: ['b'], b: ['c'], c: ['a']}))).toEqual(['a', 'b', 'c', 'a']);
  expect(findCycle(graph({self: ['self']}))).toEqual(['self', 'self']);
  expect(findCycle(graph({a: [], b: ['a'], c: ['a', 'b']}))).toBeUndefined();
  expect(() => topological(graph({a: ['b'], b: ['a']}))).toThrowErrorMatchingInlineSnapshot(
    `[Error: Internal error: the stages wait for each other in a circle: a → b → a. Please report it with the command you ran.]`,
  );
});

test('an input from an unknown stage is an internal error', () => {
  expect(() => topological(graph({a: ['ghost']}))).toThrowErrorMatchingInlineSnapshot(
    `[Error: Internal error: a stage has an input from "ghost", which is not in the graph. Please report it with the command you ran.]`,
  );
});

test('independent stages keep their order', () => {
  expect(ids(topological(graph({b: [], last: ['b', 'a'], a: [], c: []})))).toEqual(['b', 'a', 'c', 'last']);
});

test('a chain of thousands does not overflow the stack', () => {
  const chain = Object.fromEntries(Array.from({length: 20_000}, (_, i) => [`n${i}`, i === 0 ? [] : [`n${i - 1}`]]));
  const nodes = graph(chain);
  expect(topological(nodes.toReversed()).at(-1)!.id).toBe('n19999');
  expect(priorities(nodes).get('n0')).toBe(20_000);
});

test('the priority is the length of the longest path to the end', () => {
  const nodes = graph({data: [], learn: ['data'], train: ['learn', 'data'], test: ['learn'], score: ['train', 'test']});
  expect(Object.fromEntries(priorities(nodes))).toEqual({data: 4, learn: 3, train: 2, test: 2, score: 1});
});

test('in any graph, every stage comes once, after its inputs and with a lower priority', () => {
  fc.assert(
    fc.property(acyclic, (nodes) => {
      const ordered = ids(topological(nodes));
      expect([...ordered].sort()).toEqual([...ids(nodes)].sort());
      const urgent = priorities(nodes);
      for (const node of nodes) {
        for (const from of upstream(node)) {
          expect(ordered.indexOf(from)).toBeLessThan(ordered.indexOf(node.id));
          expect(urgent.get(from)).toBeGreaterThan(urgent.get(node.id)!);
        }
      }
    }),
  );
});

test('in any graph, an edge back to a stage is found as a cycle of edges', () => {
  fc.assert(
    fc.property(acyclic, fc.nat(), fc.nat(), (nodes, a, b) => {
      const ordered = topological(nodes);
      if (ordered.length === 0) return;
      const [early, late] = [a % ordered.length, b % ordered.length].sort((x, y) => x - y) as [number, number];
      const from = ordered[early]!;
      const closed = nodes.map((node) =>
        node.id === from.id ? {...node, inputs: {...node.inputs, back: {stage: ordered[late]!.id}}} : node,
      );
      const cycle = findCycle(closed);
      if (!cycle) return; // the later one does not depend on the earlier
      const byId = new Map(closed.map((node) => [node.id, node]));
      expect(cycle.at(-1)).toBe(cycle[0]);
      for (const [i, id] of cycle.slice(0, -1).entries()) expect(upstream(byId.get(id)!)).toContain(cycle[i + 1]);
      expect(new Set(cycle).size).toBe(cycle.length - 1);
    }),
  );
});
