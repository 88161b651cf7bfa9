/** A kind of stage is one definition: planned from a spec, keyed, run in a worker and recorded, without a change elsewhere. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {buildGraph} from '../../../src/pipeline/plan/graph.ts';
import {locateSources} from '../../../src/pipeline/plan/sources.ts';
import {stages} from '../../../src/pipeline/stages/index.ts';
import {metricsOf} from '../../../src/pipeline/store/runs/numbers.ts';
import {joinRecord} from '../../../src/pipeline/store/runs/run-record.ts';
import {builtinPlugins} from '../../../src/surface/cli/builtin.ts';
import {tinySpec} from '../../rig/command.ts';
import {largest} from '../../rig/toy-stage.js';
import {fates, World} from '../../rig/world.ts';

test('a new kind of stage runs from spec to result', async () => {
  using world = new World();
  const learner = '{ type: untrained, network: { type: small, width: 4 } }';
  const file = world.write('tiny.yaml', tinySpec({learner, augment: '[]', classifiers: '[kde, gde]'}));
  const read = await readPlan(file, {builtin: builtinPlugins()});
  if (!read.ok) throw new Error(read.failures[0]!.message);
  const {plan, plugins} = read.value;
  const sources = await locateSources(plan, plugins, {folders: []});
  if (!sources.ok) throw new Error(sources.failures[0]!.message);
  const graph = buildGraph(plan, plugins, sources.value, [...stages, largest]);
  expect(graph.slice(-2).map(({kind, label, lane}) => [kind, label, lane])).toEqual([
    ['largest', 'largest kde', 'cpu'],
    ['largest', 'largest gde', 'cpu'],
  ]);

  const options = {
    graph,
    plugins,
    stages: new URL('../../rig/toy-stage.js', import.meta.url),
    engine: async () => ({name: 'wasm', threads: 1}) as const,
  };
  const {events, ...outcome} = await world.run({}, options);
  expect(new Set(Object.values(fates(outcome)))).toEqual(new Set(['computed']));
  const folderOf = (label: string): string => {
    const found = outcome.stages.get(graph.find((node) => node.label === label)!.id)!;
    return 'entry' in found ? found.entry.folder : expect.unreachable(label);
  };
  const {scores} = await readScores(join(folderOf('score kde · untrained · stripes · seed 0'), 'scores.arrow'));
  const expected = 2 * Math.max(...scores);
  expect(readFileSync(join(folderOf('largest kde'), 'largest.txt'), 'utf8')).toBe(String(expected));
  const record = joinRecord(
    {folder: world.root, plan: {name: plan.name, tasks: plan.tasks, stages: graph}, environment: {}},
    events,
  );
  expect(metricsOf(record).find(({metric, classifier}) => metric === 'largest' && classifier === 'kde')).toMatchObject({
    value: expected,
    task: plan.tasks[0]!.id,
  });

  const again = await world.run({}, options);
  expect(new Set(Object.values(fates(again)))).toEqual(new Set(['cached']));
});
