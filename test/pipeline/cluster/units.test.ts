import {expect, test} from 'vitest';
import {linksOf, unitOf, wavesOf} from '../../../src/pipeline/cluster/units.ts';
import {made, stagesOf} from './rig.ts';

const graph = stagesOf(
  'data',
  'learn:a < data',
  'embed:a < learn:a, data',
  'score:a < embed:a',
  'evaluate:a < score:a',
  'learn:b < data',
  'embed:b < learn:b, data',
  'score:b < embed:b',
  'evaluate:b < score:b',
  'ensemble < score:a, score:b',
  'evaluate:both < ensemble',
);
const links = linksOf(graph);
const none = (): boolean => false;
const stage = (id: string) => links.stages.get(id)!;

const namesOf = (waves: ReturnType<typeof wavesOf>) =>
  waves.map((wave) => wave.map(({nodes}) => nodes.map(({id}) => id)));

test('what follows a training alone goes with it; what several follow does not', () => {
  const {nodes, given} = unitOf(stage('learn:a'), links, made('data'), none);
  expect(nodes.map(({id}) => id)).toEqual(['learn:a', 'embed:a', 'score:a', 'evaluate:a']);
  expect([...given]).toEqual([...made('data')]);
});

test('what follows two stages goes with the second when the first is there', () => {
  const {nodes, given} = unitOf(stage('learn:b'), links, made('data', 'learn:a', 'embed:a', 'score:a'), none);
  expect(nodes.map(({id}) => id)).toContain('ensemble');
  expect([...given.keys()].sort()).toEqual(['data', 'score:a']);
});

test('a job without a GPU takes no stage that computes tensors', () => {
  expect(unitOf(stage('data'), links, made(), none).nodes.map(({id}) => id)).toEqual(['data']);
});

test('what is cached, or in another job, or without data is left out', () => {
  const after = (ids: readonly string[]) =>
    unitOf(stage('learn:a'), links, made('data'), (id) => ids.includes(id)).nodes.map(({id}) => id);
  expect(after(['score:a'])).toEqual(['learn:a', 'embed:a']);
  expect(unitOf(stage('embed:b'), links, made('data', 'learn:b', 'score:a'), none).nodes.map(({id}) => id)).toContain(
    'ensemble',
  );
  const [root, absent] = stagesOf('learn', 'embed! < learn');
  expect(unitOf(root!, linksOf([root!, absent!]), made(), none).nodes).toEqual([root]);
});

test('the jobs of a whole run, in waves', () => {
  expect(namesOf(wavesOf(graph, made()))).toEqual([
    [['data']],
    [
      ['learn:a', 'embed:a', 'score:a', 'evaluate:a'],
      ['learn:b', 'embed:b', 'score:b', 'evaluate:b'],
    ],
    [['ensemble', 'evaluate:both']],
  ]);
  expect(wavesOf(graph, made(...graph.map(({id}) => id)))).toEqual([]);
  expect(namesOf(wavesOf(stagesOf('data!', 'learn < data', 'other'), made()))).toEqual([[['other']]]);
});

test('a sweep of ten thousand trainings is divided at once', () => {
  const many = stagesOf(
    'data',
    ...Array.from({length: 10_000}, (_, i) => [`learn:${i} < data`, `embed:${i} < learn:${i}`]).flat(),
  );
  expect(wavesOf(many, made()).map((wave) => wave.length)).toEqual([1, 10_000]);
});
