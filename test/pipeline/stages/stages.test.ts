import {mkdirSync, mkdtempSync, readdirSync, readFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {beforeAll, expect, test} from 'vitest';
import type {Json} from '../../../src/core/base/canonical.ts';
import {defineMetric} from '../../../src/core/contracts/metric.ts';
import {readArrays, writeArrays} from '../../../src/core/formats/arrow/arrays.ts';
import {readFeatures, writeFeatures} from '../../../src/core/formats/arrow/features.ts';
import {readCurve, readMetrics, readScores, writeScores} from '../../../src/core/formats/arrow/small.ts';
import type {AnyDefinition} from '../../../src/core/plugin/registry.ts';
import {Type} from '../../../src/core/plugin/type.ts';
import type {StageKind, StageProgress} from '../../../src/pipeline/events.ts';
import {writeImages} from '../../../src/pipeline/stages/image-streams.ts';
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

async function run(kind: StageKind, recipe: object, more: Partial<StageContext<never>> = {}): Promise<Ran> {
  const [out, scratch] = [join(folder, `${made}-out`), join(folder, `${made++}-scratch`)];
  mkdirSync(out);
  mkdirSync(scratch);
  const progress: StageProgress[] = [];
  const warnings: string[] = [];
  const summary = await runStage({
    kind,
    recipe: recipe as {readonly [key: string]: Json},
    inputs: {},
    sources: [],
    out,
    scratch,
    plugins,
    signal: new AbortController().signal,
    report: (one) => progress.push(one),
    warn: (message) => warnings.push(message),
    note: () => undefined,
    checkpointEvery: 120,
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

test('stages lead from images to a metric', async () => {
  const learnt = await run('learn', learnRecipe, {inputs: {images: image('train')}});
  expect(readdirSync(learnt.out)).toEqual(['curve.arrow', 'weights.arrow']);
  const curve = await readCurve(join(learnt.out, 'curve.arrow'));
  expect(curve.map(({epoch}) => epoch)).toEqual([0, 1, 2, 3]);
  expect(learnt.summary).toEqual({epochs: 4, loss: curve[3]!.loss});
  expect(learnt.progress).toHaveLength(4);
  expect(learnt.progress[0]).toMatchObject({of: 'training', epoch: 0, epochs: 4});
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
  const kind = {images: 30, metrics: {auc: 1}};
  expect(evaluated.summary).toEqual({
    metrics: {auc: 1},
    normal: 30,
    anomalous: 60,
    kinds: {red: kind, blue: kind},
  });
  expect(await readMetrics(join(evaluated.out, 'metrics.arrow'))).toEqual(new Map([['auc', 1]]));
});

test('embed takes an even share of each class, at least one image', async () => {
  const inputs = {weights, images: image('train')};
  const embed = async (recipe: object) => {
    const {out, progress} = await run('embed', {...embedRecipe, ...recipe}, {inputs});
    const {features, classes} = await readFeatures(join(out, 'features.arrow'));
    expect(progress.at(-1)).toMatchObject({done: features.rows, total: features.rows});
    const {columns, data} = features;
    return [0, 1, 2].map((label) =>
      [...classes.keys()].filter((i) => classes[i] === label).map((i) => data.slice(i * columns, (i + 1) * columns)),
    );
  };
  const whole = await embed({});
  const tenth = await embed({most: 36});
  expect(tenth.map(({length}) => length)).toEqual([4, 30, 2]);
  expect(tenth).toEqual(whole.map((rows) => rows.filter((_, i) => i % 10 === 0)));
  expect((await embed({most: 2})).map(({length}) => length)).toEqual([1, 2, 1]);
  expect((await embed({most: 30, normal: 'green'}))[1]).toEqual(tenth[1]);
  expect(await embed({most: 360})).toEqual(whole);
});

test('every stage writes the same bytes again', async () => {
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

test('learn and embed report a training that diverged', async () => {
  const recipe = {...learnRecipe, learner: {...learner, diverges: true}};
  await expect(run('learn', recipe, {inputs: {images: image('train')}})).rejects.toMatchObject({
    message: 'the mean-colour learner\'s training diverged: its weights "mean" are not finite numbers',
    hint: 'Lower its learning rate, or train with a larger batch.',
  });
  const weights = join(folder, 'fine.arrow');
  await writeArrays(weights, new Map([['mean', {shape: [3], data: new Float32Array(3)}]]));
  const broken = {...embedRecipe, layer: 'broken'};
  await expect(run('embed', broken, {inputs: {weights, images: image('test')}})).rejects.toMatchObject({
    message: 'layer "broken" of the mean-colour learner gives Infinity for image 0, because its training has diverged',
    hint: "Lower the learner's learning rate.",
  });
});

test('numbers that are not finite, of a learner that does not train, are those of its file or of its random weights', async () => {
  const still = {...plugins.get('learner', 'mean-colour'), name: 'still', trains: false};
  const more = {plugins: plugins.extend([still as AnyDefinition])};
  const own = {learner: {...learner, type: 'still'}, versions: {'learner still': 1}};
  const weights = join(folder, 'still.arrow');
  await writeArrays(weights, new Map([['mean', {shape: [3], data: new Float32Array(3)}]]));
  const inputs = {weights, images: image('test')};
  const broken = {...embedRecipe, ...own, layer: 'broken'};
  const sources = [{name: 'path', path: '/nets/a.onnx'}];
  await expect(run('embed', broken, {...more, inputs, sources})).rejects.toMatchObject({
    message:
      'layer "broken" of the still learner gives Infinity for image 0: nothing was trained here, so it is the network in /nets/a.onnx',
    hint: expect.stringContaining('Check the file'),
  });
  await expect(run('embed', broken, {...more, inputs})).rejects.toMatchObject({
    message: expect.stringContaining('gives Infinity for image 0, whose weights are random'),
  });
});

test('an image without a foreground has all its places scored, and is counted in a warning', async () => {
  // 5 · 5 places: an object in the middle, 9 of them, and an image of equal places.
  const object = Array.from({length: 25}, (_, i) =>
    Math.abs((i % 5) - 2) <= 1 && Math.abs(Math.floor(i / 5) - 2) <= 1 ? 9 : 0,
  );
  const path = async (name: string, images: readonly (readonly number[])[]) => {
    const file = join(folder, `${name}.arrow`);
    const chunks = images.map((data) => ({
      features: {rows: 25, columns: 1, data: Float32Array.from(data)},
      classes: new Int32Array(25),
    }));
    await writeFeatures(file, chunks, {columns: 1, classNames: ['green', 'red'], grid: [5, 5]});
    return file;
  };
  const equal = new Array<number>(25).fill(4);
  const shape = {height: 5, width: 5, channels: 1} as const;
  const pictures = join(folder, 'pictures.arrow');
  const batch = {shape, count: 2, pixels: new Uint8Array(50), classes: new Int32Array(2)};
  async function* batches() {
    yield batch;
  }
  await writeImages(pictures, {shape, classes: ['green', 'red']}, batches());
  const recipe = {
    classifier: {type: 'distance', broken: false},
    version: 1,
    seed: 0,
    per_location: false,
    normal: 'green',
    sigma: 1,
    image_score: 'largest-window',
    foreground: 1,
  };
  const test = await path('places-test', [object, equal]);
  const inputs = {train: await path('places-train', [object, object]), test, images: pictures};
  const {out, warnings} = await run('localize', recipe, {inputs});
  const {scores} = await readScores(join(out, 'scores.arrow'));
  expect(scores[1]).toBeGreaterThan(0);
  expect(warnings).toEqual([
    'in 1 of 2 scored images no place is of the foreground, so all their places count. Use a smaller "localize.foreground", or none',
  ]);
  const none = {...inputs, train: await path('places-none', [equal, equal])};
  await expect(run('localize', recipe, {inputs: none})).rejects.toThrow('no place of any training image is of the');
});

test('scores that are not numbers are an error', async () => {
  const features = join(folder, 'features.arrow');
  const matrix = {rows: 2, columns: 1, data: Float32Array.of(1, 2)};
  const chunk = {features: matrix, classes: Int32Array.of(0, 1)};
  await writeFeatures(features, [chunk], {columns: 1, classNames: ['red', 'green']});
  const recipe = {...scoreRecipe, classifier: {type: 'distance', broken: true}};
  await expect(run('score', recipe, {inputs: {train: features, test: features}})).rejects.toMatchObject({
    message: 'classifier "distance" gave image 0 the score NaN',
    hint: 'Probably training has diverged or collapsed, so that features are too large or too equal. Lower the learning rate.',
  });
});

test('scores of seeds are averaged unchanged, or standardised first', async () => {
  const classes = Int32Array.of(1, 0, 1);
  const classNames = ['red', 'green'];
  const files = await Promise.all(
    [
      [1, 2, 6],
      [30, 10, 20],
    ].map(async (scores, seed) => {
      const path = join(folder, `member-${seed}.arrow`);
      await writeScores(path, {scores: Float64Array.from(scores), classes, classNames});
      return path;
    }),
  );
  const inputs = {'seed 0': files[0]!, 'seed 1': files[1]!};
  const mean = await run('ensemble', {combine: 'mean'}, {inputs});
  expect(mean.summary).toEqual({members: 2, scored: 3});
  const read = await readScores(join(mean.out, 'scores.arrow'));
  expect(read).toEqual({scores: Float64Array.of(15.5, 6, 13), classes, classNames});
  const even = await run('ensemble', {combine: 'standardised-mean'}, {inputs});
  const {scores} = await readScores(join(even.out, 'scores.arrow'));
  // Deviations √14/√3 about 3, and √200/√3 about 20.
  const expected = [-2, -1, 3].map((it, i) => (it / Math.sqrt(14 / 3) + [10, -10, 0][i]! / Math.sqrt(200 / 3)) / 2);
  for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(expected[i]!, 12);
  const other = join(folder, 'other.arrow');
  await writeScores(other, {scores: new Float64Array(3), classes: Int32Array.of(1, 1, 1), classNames});
  await expect(run('ensemble', {combine: 'mean'}, {inputs: {...inputs, 'seed 2': other}})).rejects.toThrow(
    'the members of an ensemble have scored different images',
  );
});

test('views are seeded draws of the augmentation: reproducible, different for each draw, and only of the normal class', async () => {
  const weights = join(folder, 'mean.arrow');
  await writeArrays(weights, new Map([['mean', {shape: [3], data: new Float32Array(3)}]]));
  const augment = [{type: 'dim'}];
  const embed = async (draw: number, seed = 0) => {
    const versions = {...embedRecipe.versions, 'transform dim': 1};
    const recipe = {...embedRecipe, versions, normal: 'green', view: {augment, seed, draw}};
    const {out} = await run('embed', recipe, {inputs: {weights, images: image('train')}});
    return (await readFeatures(join(out, 'features.arrow'))).features;
  };
  const [one, again, other, seeded] = [await embed(0), await embed(0), await embed(1), await embed(0, 1)];
  expect(one.rows).toBe(300);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
  expect(seeded).not.toEqual(one);
  // Images at the same place of two batches of 256 are not dimmed alike.
  const {features: plain} = await readFeatures(
    join(
      (await run('embed', {...embedRecipe, normal: 'green'}, {inputs: {weights, images: image('train')}})).out,
      'features.arrow',
    ),
  );
  const factor = (row: number) => one.data[3 * row]! / plain.data[3 * row]!;
  expect(Math.abs(factor(0) - factor(256))).toBeGreaterThan(1e-3);
});

test('a metric of features', async () => {
  const write = async (name: string, values: readonly number[], classes: readonly number[]) => {
    const path = join(folder, name);
    const features = {rows: values.length, columns: 1, data: Float32Array.from(values)};
    const chunk = {features, classes: Int32Array.from(classes)};
    await writeFeatures(path, [chunk], {columns: 1, classNames: ['red', 'green']});
    return path;
  };
  const features = await write('all.arrow', [5, 1, 2], [0, 1, 1]);
  const recipe = {metric: {type: 'range'}, version: 1, normal: 'green', seed: 0};
  const {summary, out, warnings} = await run('measure', recipe, {inputs: {features}});
  expect(summary).toEqual({
    metrics: {range: 1},
    normal: 2,
    anomalous: 1,
    numbers: ['range'],
    testLabels: {range: 'it was made up'},
  });
  expect(await readMetrics(join(out, 'metrics.arrow'))).toEqual(new Map([['range', 1]]));
  expect(warnings).toEqual([]);
  const views = {first: await write('1.arrow', [1, 2], [1, 1]), second: await write('2.arrow', [4, 2], [1, 1])};
  expect((await run('measure', recipe, {inputs: {features, ...views}})).summary).toMatchObject({metrics: {range: 3}});
  const none = await run('measure', {...recipe, normal: 'blue'}, {inputs: {features}});
  expect(none.summary).toMatchObject({metrics: {range: null}, normal: 0, anomalous: 3});
  expect(none.warnings).toEqual(['metric "range" is undefined: all 3 test images are anomalous']);
});

test('a class without images and a test with one class are reported', async () => {
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
  const reasons = {auc: 'all 2 test images are normal'};
  expect(evaluated.summary).toEqual({metrics: {auc: null}, reasons, normal: 2, anomalous: 0});
  expect(evaluated.warnings).toEqual(['metric "auc" is undefined: all 2 test images are normal']);
});

test('a plug-in of another version than planned is refused', async () => {
  const recipe = {...learnRecipe, versions: {'learner mean-colour': 2}};
  await expect(run('learn', recipe, {inputs: {images: image('train')}})).rejects.toMatchObject({
    message: 'the run was planned with version 2 of learner "mean-colour", but version 1 is installed now',
    hint: 'The program changed in the meantime. Run the command again.',
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

test('a metric that is infinite, NaN or not a number, and one that writes into its argument, costs no other', async () => {
  const odd = (name: string, value: unknown) =>
    defineMetric({
      name,
      version: 1,
      summary: '',
      options: Type.Object({}),
      better: 'higher',
      create: () => ({
        compute(scores: Float64Array, labels: Uint8Array) {
          scores.fill(0);
          labels.fill(0);
          return value as number;
        },
      }),
    }) as unknown as AnyDefinition;
  const names = ['endless', 'bottomless', 'nothing', 'words', 'auc'];
  const odds = [odd('endless', Infinity), odd('bottomless', -Infinity), odd('nothing', NaN), odd('words', 'much')];
  const scores = join(folder, 'two.arrow');
  await writeScores(scores, {
    scores: Float64Array.of(0, 1),
    classes: Int32Array.of(0, 1),
    classNames: ['green', 'red'],
  });
  const recipe = {
    metrics: names.map((type) => ({type})),
    versions: Object.fromEntries(names.map((name) => [`metric ${name}`, 1])),
    normal: 'green',
  };
  const ran = await run('evaluate', recipe, {inputs: {scores}, plugins: plugins.extend(odds)});
  expect(ran.summary).toEqual({
    metrics: {auc: 1, endless: 'Infinity', bottomless: '-Infinity', nothing: null, words: null},
    reasons: {
      endless: 'the metric gave Infinity',
      bottomless: 'the metric gave -Infinity',
      nothing: 'the metric gave NaN',
      words: 'the metric gave string instead of a number',
    },
    normal: 1,
    anomalous: 1,
  });
  expect(await readMetrics(join(ran.out, 'metrics.arrow'))).toEqual(
    new Map([
      ['auc', 1],
      ['endless', Infinity],
      ['bottomless', -Infinity],
      ['nothing', NaN],
      ['words', NaN],
    ]),
  );
  expect(ran.warnings).toHaveLength(4);
});
