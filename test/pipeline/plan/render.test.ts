import {appendFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {previewPlan} from '../../../src/pipeline/plan/preview.ts';
import {render} from '../../../src/pipeline/plan/render.ts';
import {openFileDigests} from '../../../src/pipeline/store/sources.ts';
import {type FakeStage, World} from '../../rig/world.ts';

const stages: {readonly [id: string]: FakeStage} = {
  data: {},
  learn: {needs: ['data']},
  score: {needs: ['learn', 'data']},
};

const preview = (world: World, of: {readonly [id: string]: FakeStage}) =>
  previewPlan({graph: world.graph(of), cache: world.cache(), digests: openFileDigests(world.cacheRoot)});

test('a preview shows what is cached, what must run and why, and what depends on that', async () => {
  using world = new World();
  const states = async (of: {readonly [id: string]: FakeStage}) =>
    Object.fromEntries(
      [...(await preview(world, of))].map(([id, forecast]) => [
        id,
        forecast.state === 'hit' ? 'hit' : 'reasons' in forecast ? forecast.reasons : forecast.waitsFor,
      ]),
    );
  expect(await states(stages)).toEqual({
    data: ['never run'],
    learn: ['stage data'],
    score: ['stage learn', 'stage data'],
  });
  await world.run(stages);
  expect(await states(stages)).toEqual({data: 'hit', learn: 'hit', score: 'hit'});
  expect(await states({...stages, learn: {needs: ['data'], text: 'other'}})).toEqual({
    data: 'hit',
    learn: ['text none → other'],
    score: ['stage learn'],
  });
});

test('a preview reads the current sources', async () => {
  using world = new World();
  const path = world.write('images.bin', 'pixels');
  const reads = {data: {sources: [path]}};
  await world.run(reads);
  appendFileSync(path, '!');
  expect((await preview(world, reads)).get('data')).toMatchObject({
    state: 'miss',
    reasons: ['file images.bin changed'],
  });
});

test('a graph as Mermaid and as DOT', async () => {
  using world = new World();
  await world.run({data: {}});
  const forecasts = await preview(world, stages);
  const graph = world
    .graph(stages)
    .map((node) => ({...node, label: node.id === 'learn' ? 'learn "rotation" · #1 [x] \\ <b>|' : node.label}));
  expect(render('mermaid', graph, forecasts)).toMatchInlineSnapshot(`
    "flowchart LR
      s1["stage data"]:::hit
      s2["learn #34;rotation#34; · #35;1 #91;x#93; #92; #60;b#62;#124;"]:::miss
      s3["stage score"]:::unknown
      s1 -->|out| s2
      s2 -->|out| s3
      s1 -->|out| s3
      classDef hit fill:#d9f2d9,stroke:#3c8d40
      classDef miss fill:#ffe3c2,stroke:#c46a00
      classDef unknown fill:#eeeeee,stroke:#888888
    "
  `);
  expect(render('dot', graph, forecasts)).toMatchInlineSnapshot(`
    "digraph pipeline {
      rankdir=LR
      node [shape=box style="rounded,filled" fillcolor=white]
      s1 [label="stage data" fillcolor="#d9f2d9" color="#3c8d40" tooltip="cached"]
      s2 [label="learn \\"rotation\\" · #1 [x] \\\\ <b>|" fillcolor="#ffe3c2" color="#c46a00" tooltip="will run"]
      s3 [label="stage score" fillcolor="#eeeeee" color="#888888" tooltip="depends"]
      s1 -> s2 [label="out"]
      s2 -> s3 [label="out"]
      s1 -> s3 [label="out"]
    }
    "
  `);
  expect(render('mermaid', graph.slice(0, 1))).toMatchInlineSnapshot(`
    "flowchart LR
      s1["stage data"]
    "
  `);
  expect(render('dot', graph.slice(0, 1))).toMatchInlineSnapshot(`
    "digraph pipeline {
      rankdir=LR
      node [shape=box style="rounded,filled" fillcolor=white]
      s1 [label="stage data"]
    }
    "
  `);
});
