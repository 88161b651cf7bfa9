// @module-tag slow
/** Models whose task explains their scores, as ONNX files: they give the scores and maps of the run. */
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {afterAll, expect, test, vi} from 'vitest';
import {readImageSet} from '../../../src/core/formats/arrow/images.ts';
import {readMaps} from '../../../src/core/formats/arrow/maps.ts';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {readOnnx} from '../../../src/core/formats/onnx/file.ts';
import {startOnnx} from '../../../src/core/formats/onnx/runtime.ts';
import {Project} from '../../rig/command.ts';
import {expectNear, filesOf} from '../../rig/exported.ts';
import {writeImage} from '../../rig/images.ts';
import {noPython, runPython} from '../../rig/python.ts';

vi.setConfig({testTimeout: 180_000});

const project = new Project();
afterAll(() => project[Symbol.dispose]());

const synthetic =
  '{type: synthetic, size: 24, classes: 2, train: 24, test: 8, defects: true, inliers: [stripes], limit: {test: 6}}';
const cutpaste =
  '{type: cutpaste, network: {type: small, width: 8, head: [16]}, epochs: 2, steps_per_epoch: 8, batch: 8}';

/** Runs a spec; the file that a stage of it left. */
async function run(localize: string, classifiers: string, {dataset = synthetic, learner = cutpaste} = {}) {
  project.write(
    'spec.yaml',
    `
dataset: ${dataset}
learner: ${learner}
localize: {${localize}}
classifiers: [${classifiers}]
metrics: [auc]
`,
  );
  const {status, err, events} = await project.events('spec.yaml');
  expect([status, err]).toEqual([0, expect.any(String)]);
  return filesOf(project, events);
}

type Files = Awaited<ReturnType<typeof run>>;

async function inputOf(file: Files) {
  const {shape, count, pixels} = await readImageSet(file('data', 'test.arrow'));
  const data = Float32Array.from(pixels, (value) => value / 255);
  return {name: 'images', shape: [count, shape.height, shape.width, shape.channels], data};
}

/** Exports a classifier, whose maps have this name. */
async function expectExported(file: Files, classifier: string, maps: string): Promise<void> {
  const {status, out, err} = await project.run('export', 'latest', '--classifier', classifier);
  expect([status, err]).toEqual([0, '']);
  expect(out).toContain('checked in ONNX Runtime on 6 test images');
  expect(readOnnx(project.path('model.onnx')).outputs).toEqual(['score', 'features', 'map']);
  const model = await startOnnx(readFileSync(project.path('model.onnx')));
  try {
    const input = await inputOf(file);
    expectNear(await model.run(input, 'map'), (await readMaps(file(`localize ${maps}`, 'maps.arrow'))).data);
    const {scores} = await readScores(file(`score ${classifier}`, 'scores.arrow'));
    expectNear(await model.run(input, 'score'), scores);
  } finally {
    await model.dispose();
  }
}

const classifiers = ['gde', 'kde', 'oc-svm-rbf', 'oc-svm-linear', '1-nn'];
test('GradCAM of the score of each classifier with slopes', async () => {
  const file = await run('type: gradcam', 'gde, kde, oc-svm, {type: oc-svm, kernel: linear, layer: classes}, knn');
  for (const classifier of classifiers) await expectExported(file, classifier, `gradcam ${classifier}`);
  const page = readFileSync(project.path('model.md'), 'utf8');
  expect(page).toContain('| output | `features` | float32 (N, 64) | the input of the classifier |');
  expect(page).toContain('| output | `map` | float32 (N, 24, 24) | what raises the score, for every pixel |');
  expect(page).toContain('(score,), (map,) = session.run(["score", "map"]');
  // All of them share one table of the training images.
  await writeImage(project.path('photos', 'one.png'), {seed: 'one', height: 24, width: 24});
  const predicted = await project.run('predict', 'latest', 'photos', '--maps', 'maps');
  expect(predicted.status).toBe(0);
  expect(readdirSync(project.path('maps'))).toHaveLength(classifiers.length);
});

const noRuntime = noPython('numpy', 'onnxruntime');
test.skipIf(noRuntime)(`the same in Python${noRuntime ? ` (${noRuntime})` : ''}`, async () => {
  const file = await run('type: gradcam', 'gde');
  expect((await project.run('export', 'latest')).status).toBe(0);
  const {data, shape} = await inputOf(file);
  writeFileSync(project.path('images.bin'), data);
  const code = `
import numpy as np, onnxruntime
images = np.fromfile("images.bin", np.float32).reshape(${JSON.stringify(shape)})
(made,) = onnxruntime.InferenceSession("model.onnx").run(["map"], {"images": images})
made.tofile("map.bin")`;
  runPython(['-c', code], {cwd: project.path()});
  const got = new Float32Array(new Uint8Array(readFileSync(project.path('map.bin'))).buffer);
  expectNear(got, (await readMaps(file('localize', 'maps.arrow'))).data);
});

const rotation = '{type: rotation, network: {type: small, width: 4, head: [8]}, epochs: 1, batch: 8}';
const denoising = '{type: denoising, network: {type: small, width: 4}, epochs: 1, batch: 8}';
const grey = '{type: fashion-mnist, edition: small, inliers: [bag], limit: {train: 20, test: 6}}';
const own = '{type: gde, layer: embed}';
test.for([
  ['slopes of pixels', 'type: gradient', 'kde, rotation', {learner: rotation}, 'rotation', 'gradient rotation'],
  ['integrated gradients', 'type: integrated-gradients, steps: 4', 'gde', {}, 'gde', 'integrated-gradients gde'],
  ['the learner’s own score', 'type: gradcam, score: learner', own, {}, 'gde', 'gradcam'],
  ['grey images', 'type: gradient', 'gde', {dataset: grey, learner: denoising}, 'gde', 'gradient gde'],
] as const)('%s', async ([, localize, of, what, classifier, maps]) => {
  await expectExported(await run(localize, of, what), classifier, maps);
});
