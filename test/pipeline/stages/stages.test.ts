import {mkdirSync, mkdtempSync, readdirSync, readFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {beforeAll, expect, test} from 'vitest';
import type {Json} from '../../../src/core/canonical.ts';
import {readArrays, writeArrays} from '../../../src/core/table/arrays.ts';
import {readFeatures, writeFeatures} from '../../../src/core/table/features.ts';
import {readCurve, readMetrics, readScores, writeScores} from '../../../src/core/table/small.ts';
import type {StageKind, StageProgress} from '../../../src/pipeline/events.ts';
import {runStage} from '../../../src/pipeline/stages/index.ts';
import type {StageContext} from '../../../src/pipeline/stages/stage.ts';
import {toyPlugins, writeToys} from '../../rig/toys.ts';

const plugins = toyPlugins();
const folder = mkdtempSync(join(tmpdir(), 'stages-'));
let made = 0;

interface Ran {
  readonly out: string;
  readonly summary: Json;
  readonly progress: readonly StageProgress[];
  readonly warnings: readonly string[];
}

async function run(kind: StageKind, recipe: object, more: Partial<StageContext> = {}): Promise<Ran> {
  const [out, scratch] = [join(folder, `${made}-out`), join(folder, `${made++}-scratch`)];
  mkdirSync(out);
  mkdirSync(scratch);
  const progress: StageProgress[] = [];
  const warnings: string[] = [];
  const summary = await runStage({
    kind,
    recipe: recipe as StageContext['recipe'],
    inputs: {},
    sources: [],
    out,
    scratch,
    plugins,
    signal: new AbortController().signal,
    report: (one) => progress.push(one),
    warn: (message) => warnings.push(message),
    ...more,
  });
  return {out, summary, progress, warnings};
}

const learner = {type: 'mean-colour', epochs: 4, diverges: false};
const learnRecipe = {learner, versions: {'learner mean-colour': 1}, augment: [], seed: 0, normal: 'green'};
const embedRecipe = {learner, versions: {'learner mean-colour': 1}, layer: 'mean'};
const scoreRecipe = {classifier: {type: 'distance', broken: false}, version: 1, seed: 0};
const evaluateRecipe = {metrics: [{type: 'auc'}], versions: {'metric auc': 1}, normal: 'green'};

let images: string;
let weights: string;

beforeAll(async () => {
  const sources = await writeToys(folder, {train: [40, 300, 20], test: [30, 30, 30]});
  const data = await run('data', {dataset: {type: 'toy'}, version: 1}, {sources});
  expect(data.summary).toEqual({classes: ['red', 'green', 'blue'], train: [40, 300, 20], test: [30, 30, 30]});
  images = data.out;
});

const image = (split: 'train' | 'test') => join(images, `${split}.arrow`);

test('from images to a metric', async () => {
  const learnt = await run('learn', learnRecipe, {inputs: {images: image('train')}});
  expect(readdirSync(learnt.out)).toEqual(['curve.arrow', 'weights.arrow']);
  const curve = await readCurve(join(learnt.out, 'curve.arrow'));
  expect(curve.map(({epoch}) => epoch)).toEqual([1, 2, 3, 4]);
  expect(learnt.summary).toEqual({epochs: 4, loss: curve[3]!.loss});
  expect(learnt.progress).toHaveLength(4);
  expect(learnt.progress[0]).toMatchObject({of: 'training', epoch: 1, epochs: 4});
  weights = join(learnt.out, 'weights.arrow');
  // Green alone was learnt from, channel by channel about 63, 191 and 63 of 255.
  const {data} = (await readArrays(weights)).get('mean')!;
  expect(data[1]! - data[2]!).toBeGreaterThan(0.3);

  const train = await run('embed', {...embedRecipe, normal: 'green'}, {inputs: {weights, images: image('train')}});
  expect(train.summary).toEqual({rows: 300, columns: 3});
  expect(train.progress.at(-1)).toMatchObject({of: 'items', done: 300, total: 300, unit: 'images'});
  const features = join(train.out, 'features.arrow');
  expect(new Set((await readFeatures(features)).classes)).toEqual(new Set([1]));
  const test = await run('embed', embedRecipe, {inputs: {weights, images: image('test')}});
  expect(test.summary).toEqual({rows: 90, columns: 3});

  const inputs = {train: features, test: join(test.out, 'features.arrow')};
  const scored = await run('score', scoreRecipe, {inputs});
  expect(scored.summary).toEqual({trained: 300, scored: 90});
  expect((await readArrays(join(scored.out, 'classifier.arrow'))).get('mean')!.shape).toEqual([3]);
  const scores = join(scored.out, 'scores.arrow');
  expect((await readScores(scores)).classNames).toEqual(['red', 'green', 'blue']);

  const evaluated = await run('evaluate', evaluateRecipe, {inputs: {scores}});
  expect(evaluated.summary).toEqual({metrics: {auc: 1}, normal: 30, anomalous: 60});
  expect(await readMetrics(join(evaluated.out, 'metrics.arrow'))).toEqual(new Map([['auc', 1]]));
});

test('every stage leaves the same bytes again', async () => {
  const twice = async (kind: StageKind, recipe: object, inputs: StageContext['inputs']) => {
    const [one, two] = [await run(kind, recipe, {inputs}), await run(kind, recipe, {inputs})];
    for (const name of readdirSync(one.out)) {
      expect(readFileSync(join(two.out, name)).equals(readFileSync(join(one.out, name))), name).toBe(true);
    }
    return one.out;
  };
  const learnt = await twice('learn', learnRecipe, {images: image('train')});
  const weights = join(learnt, 'weights.arrow');
  const train = await twice('embed', {...embedRecipe, normal: 'green'}, {weights, images: image('train')});
  const test = await twice('embed', embedRecipe, {weights, images: image('test')});
  await twice('score', scoreRecipe, {train: join(train, 'features.arrow'), test: join(test, 'features.arrow')});
});

test('a training that diverged is told as such, by learn and by embed', async () => {
  const recipe = {...learnRecipe, learner: {...learner, diverges: true}};
  await expect(run('learn', recipe, {inputs: {images: image('train')}})).rejects.toMatchObject({
    message: 'the mean-colour learner\'s training diverged: its weights "mean" are no finite numbers',
    hint: 'Lower its learning rate, or train with a larger batch.',
  });
  const weights = join(folder, 'fine.arrow');
  await writeArrays(weights, new Map([['mean', {shape: [3], data: new Float32Array(3)}]]));
  const broken = {...embedRecipe, layer: 'broken'};
  await expect(run('embed', broken, {inputs: {weights, images: image('test')}})).rejects.toMatchObject({
    message: 'layer "broken" of the mean-colour learner gives Infinity for an image: its training has diverged',
    hint: "Lower the learner's learning rate.",
  });
});

test('scores that are no numbers are not kept', async () => {
  const features = join(folder, 'features.arrow');
  const matrix = {rows: 2, columns: 1, data: Float32Array.of(1, 2)};
  const chunk = {features: matrix, classes: Int32Array.of(0, 1)};
  await writeFeatures(features, [chunk], {columns: 1, classNames: ['red', 'green']});
  const recipe = {...scoreRecipe, classifier: {type: 'distance', broken: true}};
  await expect(run('score', recipe, {inputs: {train: features, test: features}})).rejects.toMatchObject({
    message: 'classifier "distance" gave image 0 the score NaN',
    hint: 'The features are probably so large or so equal that training has diverged or collapsed: lower the learning rate.',
  });
});

test('a class without images, and a test of one class only', async () => {
  const nothing = {...learnRecipe, normal: 'red'};
  const sources = await writeToys(mkdtempSync(join(folder, 'none-')), {train: [1, 1, 1], test: [0, 2, 0]});
  const {out} = await run('data', {dataset: {type: 'toy'}, version: 1}, {sources});
  const only = join(out, 'test.arrow');
  await expect(run('learn', nothing, {inputs: {images: only}})).rejects.toMatchObject({
    message: 'there are no training images of class "red"',
    hint: 'Check the dataset, or raise limit.train.',
  });
  const weights = join(folder, 'zero.arrow');
  await writeArrays(weights, new Map([['mean', {shape: [3], data: new Float32Array(3)}]]));
  await expect(run('embed', {...embedRecipe, normal: 'red'}, {inputs: {weights, images: only}})).rejects.toMatchObject({
    message: 'there are no images of class "red" to embed',
  });
  const scores = join(folder, 'scores.arrow');
  await writeScores(scores, {
    scores: Float64Array.of(1, 2),
    classes: Int32Array.of(1, 1),
    classNames: ['red', 'green', 'blue'],
  });
  const evaluated = await run('evaluate', evaluateRecipe, {inputs: {scores}});
  expect(evaluated.summary).toEqual({metrics: {auc: null}, normal: 2, anomalous: 0});
  expect(evaluated.warnings).toEqual(['all 2 test images are normal: metrics are undefined']);
});

test('a plug-in of another version than planned is refused', async () => {
  const recipe = {...learnRecipe, versions: {'learner mean-colour': 2}};
  await expect(run('learn', recipe, {inputs: {images: image('train')}})).rejects.toMatchObject({
    message: 'the run was planned with version 2 of learner "mean-colour", but version 1 is installed now',
    hint: 'The program was changed meanwhile. Run it again.',
  });
});

test('an aborted stage stops', async () => {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  const more = {signal: controller.signal, inputs: {images: image('train')}};
  await expect(run('learn', learnRecipe, more)).rejects.toThrow('enough');
});

test('a learner that does not train gets no images, only their shape', async () => {
  const {normal: _, ...recipe} = learnRecipe;
  const {summary} = await run('learn', recipe, {inputs: {images: image('train')}});
  expect(summary).toEqual({epochs: 0});
});
