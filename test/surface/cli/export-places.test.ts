// @module-tag slow
/** Models of places, and networks from files, as ONNX files: they give the scores and maps of the run and of predict. */
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {afterAll, expect, test, vi} from 'vitest';
import {readImageSet} from '../../../src/core/formats/arrow/images.ts';
import {readMaps} from '../../../src/core/formats/arrow/maps.ts';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {startOnnx} from '../../../src/core/formats/onnx/runtime.ts';
import {Project} from '../../rig/command.ts';
import {expectNear, filesOf} from '../../rig/exported.ts';

vi.setConfig({testTimeout: 180_000});

const project = new Project();
afterAll(() => project[Symbol.dispose]());
const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/models/${name}`, import.meta.url));
const pretrained = (name: string, more = ''): string => `{type: pretrained, path: '${fixture(name)}'${more}}`;
const untrained = '{type: untrained, network: {type: small, width: 8}}';

/** Runs a spec; the file that a stage of it left. */
async function run(learner: string, localize: string, classifier: string) {
  project.write(
    'spec.yaml',
    `
dataset: {type: synthetic, size: 24, classes: 2, train: 10, test: 8, defects: true, inliers: [stripes], limit: {test: 6}}
learner: ${learner}
${localize === '' ? '' : `localize: {type: places, ${localize}}`}
classifiers: [${classifier}]
metrics: [auc]
`,
  );
  const {status, err, events} = await project.events('spec.yaml');
  expect([status, err]).toEqual([0, expect.any(String)]);
  return filesOf(project, events);
}

async function exported(file: Awaited<ReturnType<typeof run>>) {
  const {status, err} = await project.run('export', 'latest', '--out', 'model.onnx');
  expect([status, err]).toEqual([0, '']);
  const {shape, count, pixels} = await readImageSet(file('data', 'test.arrow'));
  const bytes = readFileSync(project.path('model.onnx'));
  const model = await startOnnx(bytes);
  const data = Float32Array.from(pixels, (value) => value / 255);
  const input = {name: 'images', shape: [count, shape.height, shape.width, shape.channels], data};
  return {bytes, get: (output: string) => model.run(input, output), [Symbol.asyncDispose]: () => model.dispose()};
}

const knn = '{type: knn, distance: euclidean, coreset: {share: 0.2, projection: 4}, reweight: 5}';
const gde = '{type: gde, normalise: false, regularisation: 0.01}';
test.for([
  ['PatchCore on a file', pretrained('tiny.onnx'), 'layers: [map, features], neighbourhood: 3, density: shared', knn],
  ['the same by cosine', pretrained('tiny.onnx'), 'layers: [map], density: shared', '{type: knn, k: 2, reweight: 3}'],
  [
    'a file with weights beside it, stretched images',
    pretrained('tiny-outside.onnx', ', size: 40'),
    'layers: [features]',
    gde,
  ],
  ['PaDiM on our network', untrained, 'layers: [conv1, conv2], channels: {random: 5}, density: per-location', gde],
  ['the highest share of places', untrained, 'layers: [conv2, conv3], turns: 2, image: {top: 0.1}', 'knn'],
] as const)('%s: the model gives the scores and maps of the run', async ([, learner, localize, classifier]) => {
  const file = await run(learner, localize, classifier);
  await using model = await exported(file);
  expectNear(await model.get('map'), (await readMaps(file('localize', 'maps.arrow'))).data);
  expectNear(await model.get('score'), (await readScores(file('localize', 'scores.arrow'))).scores);
  const photo = fileURLToPath(new URL('../../fixtures/images/rgb.png', import.meta.url));
  const {out} = await project.run('predict', 'latest', photo, '--json');
  const predicted = JSON.parse(out).classifiers[0] as {threshold: number};
  const told = JSON.parse((await project.run('export', 'latest', '--json')).out) as {threshold: number};
  expect(told.threshold).toBe(predicted.threshold);
});

test('whole images with a network from a file: what comes after the layer is left out', async () => {
  const file = await run(pretrained('tiny.onnx', ', output: features, size: 20'), '', 'kde');
  await using model = await exported(file);
  expectNear(await model.get('score'), (await readScores(file('score kde', 'scores.arrow'))).scores);
  expect(await model.get('features')).toHaveLength(6 * 4);
  expect(model.bytes.includes('network/filter')).toBe(true);
  expect(model.bytes.includes('network/dense')).toBe(false);
});

test('what cannot be exported says so, and what to do', async () => {
  const refused = async (...spec: Parameters<typeof run>): Promise<string> => {
    await run(...spec);
    const {status, err} = await project.run('export', 'latest');
    expect(status).toBe(1);
    return err.replaceAll(fixture(''), '');
  };
  expect([
    await refused(pretrained('tiny.onnx'), 'layers: [map], similar: 3', 'knn'),
    await refused(pretrained('tiny.onnx'), 'layers: [map], foreground: 0.1', 'knn'),
    await refused(pretrained('tiny-fixed.onnx'), '', 'knn'),
    await refused(pretrained('tfjs'), '', 'knn'),
  ]).toMatchInlineSnapshot(`
    [
      "✗ a model that compares an image with similar training images ("similar") cannot be written as ONNX
       Only plug-ins with a "graph" of ONNX nodes can be exported; "pipeline predict" scores images with any model.
    ",
      "✗ a model that leaves out the background ("foreground") cannot be written as ONNX
       Only plug-ins with a "graph" of ONNX nodes can be exported; "pipeline predict" scores images with any model.
    ",
      "✗ tiny-fixed.onnx takes 2 images at once; only one that takes any number can be exported
       Write the network anew as such a file, or score images with "pipeline predict".
    ",
      "✗ tfjs/model.json is no ONNX file, and only those can become a part of another one
       Write the network anew as such a file, or score images with "pipeline predict".
    ",
    ]
  `);
});
