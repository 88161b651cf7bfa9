import {expect, test} from 'vitest';
import {Ending, type EndingStage} from '../../../src/pipeline/ending/ending.ts';
import type {RunEvent} from '../../../src/pipeline/events.ts';

const recipe = (seed: number) => ({
  learner: {type: 'rotation', epochs: 10},
  versions: {},
  augment: [],
  seed,
  normal: 'bag',
});
const images = {images: {stage: 'data', file: 'train.arrow'}};
/** Three trainings on the same data, each with one embedding. */
const graph: readonly EndingStage[] = [
  {id: 'data', kind: 'data', lane: 'cpu', recipe: {}, inputs: {}},
  ...[0, 1, 2].flatMap((seed): EndingStage[] => [
    {id: `learn ${seed}`, kind: 'learn', lane: 'accelerator', recipe: recipe(seed), inputs: images},
    {
      id: `embed ${seed}`,
      kind: 'embed',
      lane: 'accelerator',
      recipe: {layer: 'pool'},
      inputs: {weights: {stage: `learn ${seed}`, file: 'weights.arrow'}},
    },
  ]),
];

function hear(ending: Ending, second: number, stage: string, event: object): void {
  const of = graph.find(({id}) => id === stage)!;
  const at = new Date(1000 * second).toISOString();
  ending.hear({at, stage, kind: of.kind, label: stage, ...event} as unknown as RunEvent);
}
const started = {type: 'stage-started'};
const finished = (seconds: number, summary: unknown = null) => ({
  type: 'stage-finished',
  how: 'computed',
  seconds,
  summary,
});
/** Of a training of ten epochs of one step each. */
const trained = (epochs: number) => ({
  type: 'stage-progress',
  progress: {of: 'training', epoch: epochs - 1, epochs: 10, step: 0, steps: 1},
});
const data = finished(1, {classes: ['bag'], train: [500], test: [100]});

test('nothing is said while nothing is known', () => {
  const ending = new Ending(graph);
  expect(ending.secondsLeft(0)).toBeUndefined();
  hear(ending, 0, 'data', started);
  hear(ending, 1, 'data', data);
  hear(ending, 1, 'learn 0', started);
  expect(ending.secondsLeft(2000)).toBeUndefined();
});

test('the speed of a training that runs is that of the others', () => {
  const ending = new Ending(graph);
  hear(ending, 1, 'data', data);
  hear(ending, 1, 'learn 0', started);
  hear(ending, 5, 'learn 0', trained(1));
  hear(ending, 25, 'learn 0', trained(3));
  // 0.1 in 10 s: 70 s are left, and the two others take 100 s each.
  expect(ending.secondsLeft(25_000)).toBeCloseTo(270, 6);
  expect(ending.secondsLeft(35_000)).toBeCloseTo(260, 6);
});

test('one report says nothing of the speed: the first step of a training takes longer than those after it', () => {
  const ending = new Ending(graph);
  hear(ending, 1, 'data', data);
  hear(ending, 1, 'learn 0', started);
  hear(ending, 9, 'learn 0', trained(1));
  expect(ending.secondsLeft(9000)).toBeUndefined();
  hear(ending, 18, 'learn 0', trained(10));
  hear(ending, 18, 'learn 0', finished(17));
  hear(ending, 18, 'learn 1', started);
  // 0.9 in 9 s: what came before does not come again.
  expect(ending.secondsLeft(18_000)).toBeCloseTo(2 * 10, 6);
  // At its first report, what is left is left at the speed of those like it.
  hear(ending, 19, 'learn 1', trained(1));
  expect(ending.secondsLeft(19_000)).toBeCloseTo(9 + 10, 6);
});

test('two that ran side by side use two places, and what has ended is what counts', () => {
  const ending = new Ending(graph);
  hear(ending, 1, 'data', data);
  hear(ending, 1, 'learn 0', started);
  hear(ending, 1, 'learn 1', started);
  hear(ending, 41, 'learn 0', finished(40));
  hear(ending, 41, 'embed 0', started);
  hear(ending, 43, 'embed 0', finished(2));
  hear(ending, 43, 'learn 2', started);
  // learn 1 was to end at 41 s: it counts as ending now; learn 2 until 83 s; then embed 1 and embed 2, 2 s each.
  expect(ending.secondsLeft(43_000)).toBeCloseTo(42, 6);
});

test('a training that goes on from a checkpoint has its own speed, not that of its share', () => {
  const ending = new Ending(graph);
  hear(ending, 1, 'data', data);
  for (const seed of [0, 1]) hear(ending, 2, `learn ${seed}`, {type: 'stage-skipped', because: 'x'});
  for (const seed of [0, 1]) hear(ending, 2, `embed ${seed}`, {type: 'stage-skipped', because: 'x'});
  hear(ending, 2, 'learn 2', started);
  hear(ending, 3, 'learn 2', trained(8));
  expect(ending.secondsLeft(3000)).toBeUndefined();
  hear(ending, 13, 'learn 2', trained(9));
  expect(ending.secondsLeft(13_000)).toBeCloseTo(10, 6);
});

test('before that, what the cache says of the same engine', () => {
  const ending = new Ending(graph);
  const wasm = {name: 'wasm', device: 'cpu'};
  ending.learn([
    {kind: 'learn', recipe: recipe(9), images: 500, seconds: 30, engine: wasm},
    {kind: 'learn', recipe: recipe(9), images: 500, seconds: 3, engine: {name: 'webgpu', device: 'A GPU'}},
    {kind: 'embed', recipe: {layer: 'pool'}, seconds: 1, engine: wasm},
  ]);
  hear(ending, 1, 'data', data);
  hear(ending, 1, 'learn 0', started);
  expect(ending.secondsLeft(1000)).toBeUndefined();
  ending.hear({at: '', type: 'engine-started', engine: {...wasm, version: '1', threads: 1}});
  expect(ending.secondsLeft(11_000)).toBeCloseTo(20 + 2 * 30 + 3, 6);
});

test('a stage whose job is lost waits again', () => {
  const ending = new Ending(graph);
  hear(ending, 1, 'data', data);
  hear(ending, 1, 'learn 0', started);
  hear(ending, 41, 'learn 0', finished(40));
  hear(ending, 41, 'learn 1', started);
  expect(ending.secondsLeft(51_000)).toBeCloseTo(30 + 40, 6);
  hear(ending, 51, 'learn 1', {type: 'stage-queued', job: '1_0'});
  expect(ending.secondsLeft(51_000)).toBeCloseTo(40 + 40, 6);
});

test('at the end there is nothing left to say', () => {
  const ending = new Ending(graph);
  for (const {id} of graph) hear(ending, 1, id, finished(1));
  expect(ending.secondsLeft(1000)).toBeUndefined();
});

/** Each trial: a training and an embedding; all read the same data. */
const planned = (trial: number) => ({
  type: 'plan-grown',
  tasks: [{id: `task ${trial}`, trial: {number: trial, setting: 0}}],
  stages: graph.slice(1 + 2 * trial, 3 + 2 * trial).concat(trial === 0 ? graph[0]! : []),
  shared: trial === 0 ? [] : [{id: 'data', tasks: []}],
});
const grow = (ending: Ending, second: number, trial: number) =>
  ending.hear({at: new Date(1000 * second).toISOString(), ...planned(trial)} as unknown as RunEvent);

/** A trial of so many seconds of training; it embeds for 2 s. The first also reads the data, for 5 s. */
function trial(ending: Ending, second: number, number: number, seconds: number): void {
  grow(ending, second, number);
  if (number === 0) hear(ending, second, 'data', finished(5));
  hear(ending, second, `learn ${number}`, started);
  hear(ending, second + seconds, `learn ${number}`, finished(seconds));
  hear(ending, second + seconds, `embed ${number}`, started);
  hear(ending, second + seconds + 2, `embed ${number}`, finished(2));
}

test('trials of a search that are still to come count as the mean of those that have ended; what they share counts once', () => {
  const ending = new Ending([], {trials: 10, parallel: 1});
  trial(ending, 0, 0, 20);
  // Nothing shows yet that the first trial has ended, and what of it is shared.
  expect(ending.secondsLeft(22_000)).toBeUndefined();
  trial(ending, 22, 1, 40);
  expect(ending.secondsLeft(64_000)).toBeCloseTo(8 * 22, 6);
  grow(ending, 64, 2);
  hear(ending, 64, 'learn 2', started);
  // Trials 0 and 1: 32 s each. Trial 2 takes as long as the trainings like it, 30 s, and 2 s.
  expect(ending.secondsLeft(74_000)).toBeCloseTo(20 + 2 + 7 * 32, 6);
});

test('of a search that only a budget ends nothing is said, and nothing more comes after its last trial', () => {
  const open = new Ending([], {parallel: 1});
  const whole = new Ending([], {trials: 2, parallel: 1});
  const strange = new Ending([]);
  for (const ending of [open, whole, strange]) {
    trial(ending, 0, 0, 20);
    grow(ending, 22, 1);
    hear(ending, 22, 'learn 1', started);
  }
  expect(open.secondsLeft(32_000)).toBeUndefined();
  expect(strange.secondsLeft(32_000)).toBeUndefined();
  expect(whole.secondsLeft(32_000)).toBeCloseTo(10 + 2, 6);
});

test('trials from the cache say nothing of those that are computed', () => {
  const ending = new Ending([], {trials: 3, parallel: 1});
  for (const number of [0, 1]) {
    grow(ending, 0, number);
    for (const kind of ['learn', 'embed']) hear(ending, 0, `${kind} ${number}`, {...finished(0), how: 'cached'});
  }
  expect(ending.secondsLeft(1000)).toBeUndefined();
});
