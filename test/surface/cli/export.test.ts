// @module-tag slow
/** A finished run's model as an ONNX file: it scores as the run does, in ONNX Runtime and without this program. */
import {readFileSync, statSync} from 'node:fs';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {readImageSet} from '../../../src/core/formats/arrow/images.ts';
import {readMaps} from '../../../src/core/formats/arrow/maps.ts';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {readOnnx} from '../../../src/core/formats/onnx/file.ts';
import {startOnnx} from '../../../src/core/formats/onnx/runtime.ts';
import {type Ended, Project, tinySpec} from '../../rig/command.ts';
import {imageFixture, writeImage} from '../../rig/images.ts';
import {noPython, runPython} from '../../rig/python.ts';

const project = new Project();
afterAll(() => project[Symbol.dispose]());

const all = ({status, out, err}: Ended): string =>
  project
    .masked([out, err && `--- stderr\n${err}`, `--- status ${status}`].filter((part) => part !== '').join(''))
    .replaceAll(/\d\.\de-\d+/g, '<part>')
    .replaceAll(/\d+(\.\d)? kB/g, '<size>');
const shown = async (...args: readonly string[]): Promise<string> => all(await project.run('export', ...args));

/** Runs a spec; the file that a stage of it left. */
async function run(spec: string) {
  project.write('spec.yaml', spec);
  const {status, err, events} = await project.events('spec.yaml');
  expect([status, err]).toEqual([0, '']);
  return (label: string, file: string): string => {
    const stage = events.find((event) => event.type === 'stage-finished' && event.label.startsWith(label));
    if (stage?.type !== 'stage-finished') throw new Error(`no stage ${label}`);
    return project.path('runs', 'cache', stage.fingerprint.slice(0, 2), stage.fingerprint, file);
  };
}

let file: Awaited<ReturnType<typeof run>>;
beforeAll(async () => {
  file = await run(tinySpec({classifiers: '[kde, rotation]'}));
});

test('the model scores the test images as the run has, and says what it is', async () => {
  expect(await shown('tiny', '--classifier', 'kde', '--out', 'out/kde.onnx')).toMatchInlineSnapshot(`
    "<folder>/out/kde.onnx: kde of task tiny/stripes/rotation/seed=0, <size>
    checked in ONNX Runtime on 48 test images: scores differ by at most <part> of their range
    an image is anomalous above <n>
    how to use it: <folder>/out/kde.md
    --- status 0"
  `);
  const {shape, count, pixels} = await readImageSet(file('data', 'test.arrow'));
  const {scores} = await readScores(file('score kde', 'scores.arrow'));
  const model = await startOnnx(readFileSync(project.path('out', 'kde.onnx')));
  const data = Float32Array.from(pixels, (value) => value / 255);
  const sizes = [count, shape.height, shape.width, shape.channels];
  const got = await model.run({name: 'images', shape: sizes, data}, 'score');
  const features = await model.run({name: 'images', shape: sizes, data}, 'features');
  await model.dispose();
  const range = Math.max(...scores) - Math.min(...scores);
  expect(got).toHaveLength(count);
  expect(Math.max(...got.map((score, i) => Math.abs(score - scores[i]!))) / range).toBeLessThan(1e-4);
  expect(features).toHaveLength(count * 32);
  expect(readOnnx(project.path('out', 'kde.onnx')).outputs).toEqual(['score', 'features']);
});

test('the page beside it', async () => {
  const {status} = await project.run('export', 'tiny', '--classifier', 'rotation');
  expect(status).toBe(0);
  expect(statSync(project.path('model.onnx')).size).toBeGreaterThan(1000);
  const page = readFileSync(project.path('model.md'), 'utf8').replaceAll(/\d\.\de-\d+/g, '<part>');
  expect(project.masked(page)).toMatchInlineSnapshot(`
    "# model.onnx

    How anomalous an image is, where stripes is normal: encoder and classifier \`rotation\` of task
    \`tiny/stripes/rotation/seed=0\`, run \`<time>-tiny\`.

    | | name | type | meaning |
    |---|---|---|---|
    | input | \`images\` | float32 (N, 16, 16, 3) | red, green, blue from 0 to 1; no mean is subtracted |
    | output | \`score\` | float32 (N) | higher = more anomalous |
    | output | \`features\` | float32 (N, 4) | the input of the classifier |

    Threshold: <n>. 95 % of the held-out scores of the 32 training images are lower. Held out
    means that the classifier was fitted without the image. The encoder has seen all images, so slightly more new normal images may
    score higher.

    \`\`\`python
    import sys

    import numpy as np
    import onnxruntime
    from PIL import Image, ImageOps

    session = onnxruntime.InferenceSession("model.onnx")


    def load(path):
        image = ImageOps.exif_transpose(Image.open(path))
        if image.mode.startswith("I"):  # 16 bits: the upper 8
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        image = image.convert("RGB")
        if image.size != (16, 16):
            image = image.resize((16, 16), Image.Resampling.BICUBIC)
        return np.asarray(image, dtype=np.float32) / 255


    for path in sys.argv[1:]:
        (score,) = session.run(["score"], {"images": load(path)[np.newaxis]})[0]
        print(path, score, "anomalous" if score > <n> else "normal")
    \`\`\`

    \`load\` prepares images as the training images were prepared: dataset \`synthetic\` (size: 16, train: 32, test: 16, classes: 3, seed: 0, defects: false).
    Drawn textures in random colours, for first experiments; one against the rest. Needs no files.
    Pixels and scores are those of \`pipeline predict\`.

    Checked in ONNX Runtime on 48 test images of the run: scores differ by at most <part>
    of their range. The file's metadata lists everything that it was made from (\`session.get_modelmeta().custom_metadata_map\`).
    "
  `);
});

test('--json', async () => {
  const {out} = await project.run('export', 'tiny', '--classifier', 'kde', '--quantile', '1', '--json');
  const told = JSON.parse(out) as {threshold: number; checked: {images: number; difference: number}};
  expect(told).toMatchObject({
    file: project.path('model.onnx'),
    readme: project.path('model.md'),
    classifier: 'kde',
    checked: {images: 48},
  });
  expect(Number.isFinite(told.threshold)).toBe(true);
  expect(told.checked.difference).toBeLessThan(1e-4);
});

test('where test images have become training images, it is tried on those that are left', async () => {
  const dataset =
    '{ type: synthetic, size: 16, train: 32, test: 16, classes: 2, defects: true, inliers: [stripes], contaminate: 0.1 }';
  await run(tinySpec({name: 'mixed', dataset}));
  expect(await shown('mixed', '--out', 'mixed.onnx')).toContain('checked in ONNX Runtime on 13 test images');
});

test('grey images are an input of one channel', async () => {
  const dataset = '{ type: fashion-mnist, edition: small, inliers: [bag], limit: { train: 20, test: 40 } }';
  const learner = '{ type: untrained, network: { type: small, width: 4 } }';
  await run(
    tinySpec({name: 'grey', dataset, learner, augment: '[]', classifiers: '[{ type: oc-svm, kernel: linear }]'}),
  );
  expect(await shown('grey')).toMatchInlineSnapshot(`
    "<folder>/model.onnx: oc-svm-linear of task grey/bag/untrained/seed=0, <size>
    checked in ONNX Runtime on 40 test images: scores differ by at most <part> of their range
    an image is anomalous above -<n>
    how to use it: <folder>/model.md
    --- status 0"
  `);
  expect(readFileSync(project.path('model.md'), 'utf8')).toContain('float32 (N, 32, 32, 1) | grey from 0 to 1');
});

const noRuntime = noPython('numpy', 'PIL', 'onnxruntime');
test.skipIf(noRuntime)(
  `the page's script gives the scores of predict${noRuntime ? ` (${noRuntime})` : ''}`,
  async () => {
    const files = ['28x28', '32x32', '60x45'].map((size) => {
      const [height, width] = size.split('x').map(Number);
      return {path: project.path('photos', `${size}.png`), height: height!, width: width!};
    });
    for (const {path, height, width} of files) await writeImage(path, {seed: path.slice(-9), height, width});
    const paths = [...files.map(({path}) => path), ...['turned.jpg', 'grey16.png', 'inks.tif'].map(imageFixture)];
    expect((await project.run('export', 'grey', '--out', 'grey.onnx')).status).toBe(0);
    const code = /```python\n([\s\S]*?)```/.exec(readFileSync(project.path('grey.md'), 'utf8'))![1]!;
    const lines = runPython(['-c', code, ...paths], {cwd: project.path()})
      .toString()
      .trim()
      .split('\n');
    const {out} = await project.run('predict', 'grey', ...paths, '--json');
    const {images} = JSON.parse(out) as {images: readonly {scores: readonly {score: number; verdict: string}[]}[]};
    const wanted = images.map(({scores}) => scores[0]!);
    const range = Math.max(...wanted.map(({score}) => score)) - Math.min(...wanted.map(({score}) => score));
    expect(lines).toHaveLength(paths.length);
    for (const [i, line] of lines.entries()) {
      const [path, score, verdict] = line.split(' ');
      expect([path, verdict]).toEqual([paths[i], wanted[i]!.verdict]);
      expect(Math.abs(Number(score) - wanted[i]!.score) / range).toBeLessThan(1e-4);
    }
  },
);

test('what can not be exported is told, and nothing is written', async () => {
  expect(await shown('tiny')).toMatchInlineSnapshot(`
    "--- stderr
    ✗ task tiny/stripes/rotation/seed=0 has 2 classifiers: kde, rotation
       Choose one: --classifier <name>.
    --- status 2"
  `);
  expect(await shown('tiny', '--out', 'model.bin')).toMatchInlineSnapshot(`
    "--- stderr
    error: option '--out <file>' argument 'model.bin' is invalid. expected a name that ends in .onnx.
    (see --help)
    --- status 2"
  `);
  expect(statSync(project.path('model.bin'), {throwIfNoEntry: false})).toBeUndefined();
});

const windowsSpec = (density: string, more = ''): string => `
name: ${density}
dataset: {type: synthetic, size: 32, classes: 2, train: 8, test: 4, defects: true, inliers: [stripes]}
learner: {type: cutpaste, network: {type: small, width: 4, head: [8]}, patch: 16, epochs: 1, steps_per_epoch: 2, batch: 4}
localize: {patch: 16, stride: 8, density: ${density}${more}}
classifiers: [{type: gde, shrinkage: ledoit-wolf}]
metrics: [auc]
`;

test.for([
  ['shared', ''],
  ['per-location', ', sigma: 3, stride: 5'],
] as const)(
  'of a task that localises, %s, the model gives the scores and maps of the run and of predict',
  async ([density, more]) => {
    await writeImage(project.path('photos', '28x28.png'), {seed: 'photo', height: 28, width: 28});
    const file = await run(windowsSpec(density, more).replace(more === '' ? '' : 'stride: 8, ', ''));
    const exported = await shown(density, '--out', 'windows.onnx');
    expect(exported).toContain(`gde of task ${density}/stripes/cutpaste/seed=0`);
    expect(exported).toContain(
      'checked in ONNX Runtime on 4 test images: scores differ by at most <part> of their range',
    );
    const {shape, count, pixels} = await readImageSet(file('data', 'test.arrow'));
    const maps = await readMaps(file('localize', 'maps.arrow'));
    const {scores} = await readScores(file('localize', 'scores.arrow'));
    const model = await startOnnx(readFileSync(project.path('windows.onnx')));
    const input = {
      name: 'images',
      shape: [count, shape.height, shape.width, shape.channels],
      data: Float32Array.from(pixels, (value) => value / 255),
    };
    const [map, score] = [await model.run(input, 'map'), await model.run(input, 'score')];
    await model.dispose();
    const range = Math.max(...maps.data) - Math.min(...maps.data);
    const off = (got: ArrayLike<number>, wanted: ArrayLike<number>): number =>
      Math.max(...Array.from(got, (value, i) => Math.abs(value - wanted[i]!))) / range;
    expect([map.length, score.length]).toEqual([maps.data.length, scores.length]);
    expect(off(map, maps.data)).toBeLessThan(1e-4);
    expect(off(score, scores)).toBeLessThan(1e-4);

    const {out} = await project.run('predict', density, project.path('photos', '28x28.png'), '--json');
    const predicted = JSON.parse(out).classifiers[0] as {threshold: number};
    const told = JSON.parse((await project.run('export', density, '--json')).out) as {threshold: number};
    expect(told.threshold).toBe(predicted.threshold);
    const page = readFileSync(project.path('model.md'), 'utf8');
    expect(page).toContain(
      '| output | `map` | float32 (N, 32, 32) | a score for every pixel; `score` is the largest |',
    );
  },
);

test("a user's own classifier and network without nodes are refused, one with nodes is not", async () => {
  project.install();
  project.write(
    'own.js',
    `import {defineClassifier, Type} from 'one-class-pipeline';
const scorer = (graph) => ({
  score: ({rows, columns, data}) => Float64Array.from({length: rows}, (_, i) => data[i * columns]),
  save: () => new Map(),
  gradient: ({rows, columns}) => ({rows, columns, data: Float32Array.from({length: rows * columns}, (_, i) => (i % columns === 0 ? 1 : 0))}),
  ...graph,
});
const own = (name, graph) => defineClassifier({
  name, version: 1, summary: 'The first feature.', options: Type.Object({}), row: () => name, layer: 'pool',
  create: () => ({fit: () => scorer(graph), restore: () => scorer(graph)}),
});
const first = (builder, features) =>
  builder.node('Squeeze', [builder.node('Gather', [builder.toDouble(features), builder.integers(0)], {axis: 1}), builder.integers(1)]);
export const plugins = [own('first', {graph: first}), own('plain', {})];`,
  );
  const learner = '{ type: untrained, network: { type: small, width: 4 } }';
  await run(tinySpec({name: 'own', plugins: './own.js', learner, augment: '[]', classifiers: '[first, plain]'}));
  expect(await shown('own', '--classifier', 'first', '--out', 'first.onnx')).toMatchInlineSnapshot(`
    "<folder>/first.onnx: first of task own/stripes/untrained/seed=0, <size>
    checked in ONNX Runtime on 48 test images: scores differ by at most <part> of their range
    an image is anomalous above <n>
    how to use it: <folder>/first.md
    --- status 0"
  `);
  expect(await shown('own', '--classifier', 'plain', '--out', 'plain.onnx')).toMatchInlineSnapshot(`
    "--- stderr
    ✗ classifier "plain" cannot be written as ONNX
       Only plug-ins with a "graph" of ONNX nodes can be exported; "pipeline predict" scores images with any model.
    --- status 1"
  `);
  const explained = tinySpec({name: 'explained', plugins: './own.js', learner, augment: '[]', classifiers: '[first]'});
  await run(`${explained}localize: {type: gradcam}\n`);
  expect(await shown('explained')).toMatchInlineSnapshot(`
    "--- stderr
    ✗ the slopes of classifier "first" cannot be written as ONNX
       To export the scores alone, run the spec without "localize": all else is in the cache.
    --- status 1"
  `);
});
