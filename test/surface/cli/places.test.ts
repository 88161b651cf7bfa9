// @module-tag slow
/** Places of a network's maps, from a spec to the table: a file's (`pretrained`) and our own, with distances computed anew by hand. */
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, expect, test, vi} from 'vitest';
import {readFeatures} from '../../../src/core/formats/arrow/features.ts';
import {readMaps} from '../../../src/core/formats/arrow/maps.ts';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {foregroundOf} from '../../../src/core/images/foreground.ts';
import type {RunEvent} from '../../../src/pipeline/events.ts';
import {Project} from '../../rig/command.ts';

vi.setConfig({testTimeout: 180_000});

const project = new Project();
afterAll(() => project[Symbol.dispose]());
const tiny = fileURLToPath(new URL('../../fixtures/models/tiny.onnx', import.meta.url));

const spec = (learner: string, localize: string, classifier: string): string => `
dataset: {type: synthetic, size: 24, classes: 2, train: 10, test: 8, defects: true, inliers: [stripes], limit: {test: 6}}
learner: ${learner}
localize: {type: places, ${localize}}
classifiers: [${classifier}]
metrics: [auc, pixel-auc, aupro]
`;

async function run(text: string) {
  project.write('places.yaml', text);
  const {status, err, events} = await project.events('places.yaml');
  expect([status, err]).toEqual([0, expect.any(String)]);
  const entries = (kind: string): readonly string[] =>
    events.flatMap((event: RunEvent) =>
      event.type === 'stage-finished' && event.kind === kind
        ? [join(project.folder, 'runs', 'cache', event.fingerprint.slice(0, 2), event.fingerprint)]
        : [],
    );
  const embedded = await Promise.all(entries('embed').map((entry) => readFeatures(join(entry, 'features.arrow'))));
  // Of the training images there are more; what is cached comes first.
  const [train, test, wholeTrain, wholeTest] = embedded.sort((a, b) => b.features.rows - a.features.rows);
  const [localized] = entries('localize');
  return {
    train: train!.features,
    test: test!.features,
    whole: [wholeTrain?.features, wholeTest?.features] as const,
    maps: await readMaps(join(localized!, 'maps.arrow')),
    scores: (await readScores(join(localized!, 'scores.arrow'))).scores,
  };
}

type Made = Awaited<ReturnType<typeof run>>;

const row = ({columns, data}: Made['train'], at: number): Float32Array =>
  data.subarray(at * columns, (at + 1) * columns);
const distance = (a: Float32Array, b: Float32Array): number =>
  Math.hypot(...Array.from(a, (value, i) => value - b[i]!));

/** The distance of every place of the test images to the nearest of the training images, and that one's number. */
const nearest = ({train, test}: Made) =>
  Array.from({length: test.rows}, (_, i) => {
    const all = Array.from({length: train.rows}, (_, j) => distance(row(test, i), row(train, j)));
    const least = Math.min(...all);
    return {least, at: all.indexOf(least), all};
  });

/** Bilinear between the middles of places, then a Gaussian of 9 · 9 … weights, all at once; beyond the edge the edge goes on. */
function mapByHand(scores: readonly number[], side: number, to: number, sigma: number): number[] {
  const clamp = (at: number, most: number): number => Math.min(most, Math.max(0, at));
  const value = (y: number, x: number): number => {
    const [v, u] = [y, x].map((at) => clamp(((clamp(at, to - 1) + 0.5) * side) / to - 0.5, side - 1)) as [
      number,
      number,
    ];
    const at = (row: number, column: number): number => scores[clamp(row, side - 1) * side + clamp(column, side - 1)]!;
    const [top, left] = [Math.floor(v), Math.floor(u)];
    const [dy, dx] = [v - top, u - left];
    const above = (1 - dx) * at(top, left) + dx * at(top, left + 1);
    return (1 - dy) * above + dy * ((1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1));
  };
  const reach = Math.round(4 * sigma);
  return Array.from({length: to * to}, (_, pixel) => {
    let [sum, weights] = [0, 0];
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        const weight = Math.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma));
        weights += weight;
        sum += weight * value(Math.floor(pixel / to) + dy, (pixel % to) + dx);
      }
    return sum / weights;
  });
}

test('PatchCore’s way of a file’s maps: distances, PatchCore’s image score, and maps are those computed by hand', async () => {
  const localize = 'layers: [map, features], neighbourhood: 3, sigma: 1, density: shared';
  const made = await run(
    spec(`{type: pretrained, path: '${tiny}'}`, localize, '{type: knn, distance: euclidean, reweight: 3}'),
  );
  const places = 12 * 12; // the network halves the side
  expect([made.train.rows, made.train.columns, made.test.rows]).toEqual([10 * places, 8, 6 * places]);
  const found = nearest(made);
  for (const image of [0, 5]) {
    const own = found.slice(image * places, (image + 1) * places);
    const highest = own.reduce((most, one) => (one.least > most.least ? one : most));
    const about = Array.from({length: made.train.rows}, (_, j) => j)
      .sort(
        (a, b) =>
          distance(row(made.train, a), row(made.train, highest.at)) -
          distance(row(made.train, b), row(made.train, highest.at)),
      )
      .slice(0, 3);
    const sum = about.reduce((total, j) => total + Math.exp(highest.all[j]!), 0);
    expect(made.scores[image]! / ((1 - Math.exp(highest.least) / sum) * highest.least)).toBeCloseTo(1, 3);
    const wanted = mapByHand(
      own.map(({least}) => least),
      12,
      24,
      1,
    );
    const range = Math.max(...wanted);
    const got = made.maps.data.subarray(image * 576, (image + 1) * 576);
    for (const [i, value] of got.entries()) expect(Math.abs(value - wanted[i]!) / range).toBeLessThan(1e-3);
  }
});

test('PaDiM’s way of our own network’s maps: random channels, a Gaussian at each place', async () => {
  const learner = '{type: untrained, network: {type: small, width: 8}}';
  const localize = 'layers: [conv1, conv2], channels: {random: 5}, density: per-location';
  const gde = '{type: gde, normalise: false, regularisation: 0.01}';
  const made = await run(spec(learner, localize, gde));
  expect([made.train.rows, made.train.columns]).toEqual([10 * 144, 5]);
  const all = await run(spec(learner, 'layers: [conv1, conv2], density: per-location', gde));
  expect(all.train.columns).toBe(24);
  // The five are among all, and in their order.
  const columnOf = (of: Made['train'], column: number): string =>
    Array.from({length: of.rows}, (_, i) => of.data[i * of.columns + column]).join();
  const whole = Array.from({length: 24}, (_, column) => columnOf(all.train, column));
  const chosen = Array.from({length: 5}, (_, column) => whole.indexOf(columnOf(made.train, column)));
  expect(chosen).toEqual([...new Set(chosen)].sort((a, b) => a - b));
  expect(Math.min(...chosen)).toBeGreaterThanOrEqual(0);
  const listed = await run(
    spec(learner, `layers: [conv1, conv2], channels: [${chosen.join(', ')}], density: per-location`, gde),
  );
  expect(listed.scores).toEqual(made.scores);
});

test('AnomalyDINO’s way: turned copies, the background scores 0, an image’s score is the mean of its highest places', async () => {
  const grid = {height: 12, width: 12};
  const slice = (of: Made['train'], image: number) => ({
    ...of,
    rows: 144,
    data: of.data.subarray(image * 576, (image + 1) * 576),
  });
  const plain = await run(spec(`{type: pretrained, path: '${tiny}'}`, 'layers: [map], sigma: 1', 'knn'));
  // One that leaves something on both sides.
  const threshold = Array.from({length: 100}, (_, i) => i / 10).find((t) => {
    const marked = foregroundOf(slice(plain.test, 0), grid, t).reduce((sum, one) => sum + one, 0);
    return marked > 0 && marked < 130;
  })!;
  const localize = `layers: [map], turns: 4, foreground: ${threshold}, image: {top: 0.1}, sigma: 1`;
  const made = await run(spec(`{type: pretrained, path: '${tiny}'}`, localize, 'knn'));
  expect([made.train.rows, made.test.rows]).toEqual([4 * 10 * 144, 6 * 144]);
  // The same image turned by half a turn has other maps; without a turn, those of the image itself.
  expect(made.train.data.slice(0, 144 * 4)).toEqual(plain.train.data.slice(0, 144 * 4));
  expect(made.train.data.slice(2 * 144 * 4, 3 * 144 * 4)).not.toEqual(plain.train.data.slice(0, 144 * 4));
  const counting = Array.from({length: 40}, (_, image) => [
    ...foregroundOf(slice(made.train, image), grid, threshold),
  ]).flat();
  const memory = counting.flatMap((one, at) => (one === 1 ? [row(made.train, at)] : []));
  expect(memory.length).toBeLessThan(40 * 144);
  const cosine = (a: Float32Array, b: Float32Array): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
  const own = [...foregroundOf(slice(made.test, 0), grid, threshold)];
  expect(new Set(own)).toEqual(new Set([0, 1]));
  const scores = own.map((one, at) =>
    one === 0 ? 0 : 1 - memory.reduce((most, other) => Math.max(most, cosine(row(made.test, at), other)), -1),
  );
  const highest = scores.toSorted((a, b) => b - a).slice(0, 14);
  const wanted = highest.reduce((sum, score) => sum + score, 0) / 14;
  expect(Math.abs(made.scores[0]! - wanted)).toBeLessThan(1e-5);
  const map = mapByHand(scores, 12, 24, 1);
  for (const [i, value] of made.maps.data.subarray(0, 576).entries())
    expect(Math.abs(value - map[i]!)).toBeLessThan(1e-5);
});

test('SPADE’s way: the nearest images first, then the nearest of their places; new images too', async () => {
  const localize = 'layers: [map, features], similar: 3, sigma: 1';
  const made = await run(spec(`{type: pretrained, path: '${tiny}'}`, localize, '{type: knn, distance: squared}'));
  const [ofTrain, ofTest] = made.whole;
  expect([ofTrain!.rows, ofTest!.rows, made.train.rows, made.test.rows]).toEqual([10, 6, 10 * 144, 6 * 144]);
  for (const image of [0, 5]) {
    const squares = Array.from({length: 10}, (_, i) => distance(row(ofTest!, image), row(ofTrain!, i)) ** 2);
    const near = [...squares.keys()].sort((a, b) => squares[a]! - squares[b]!).slice(0, 3);
    const wanted = near.reduce((sum, i) => sum + squares[i]!, 0) / 3;
    expect(made.scores[image]! / wanted).toBeCloseTo(1, 5);
    const gallery = near.flatMap((i) => Array.from({length: 144}, (_, at) => row(made.train, 144 * i + at)));
    const places = Array.from({length: 144}, (_, at) =>
      Math.min(...gallery.map((other) => distance(row(made.test, 144 * image + at), other) ** 2)),
    );
    const map = mapByHand(places, 12, 24, 1);
    const range = Math.max(...map);
    for (const [i, value] of made.maps.data.subarray(image * 576, (image + 1) * 576).entries())
      expect(Math.abs(value - map[i]!) / range).toBeLessThan(1e-4);
  }
  const photo = fileURLToPath(new URL('../../fixtures/images/rgb.png', import.meta.url));
  const {status, err, out} = await project.run('predict', 'latest', photo, '--maps', 'maps', '--format', 'json');
  expect([status, err]).toEqual([0, '']);
  expect(JSON.parse(out).images[0].scores[0].score).toBeGreaterThan(0);
});

test('new images are scored', async () => {
  const learner = '{type: untrained, network: {type: small, width: 8}}';
  const knn = '{type: knn, distance: euclidean, coreset: {share: 0.1, projection: 8}, reweight: 3}';
  await run(spec(learner, 'layers: [conv1, conv2], density: shared', knn));
  const photo = fileURLToPath(new URL('../../fixtures/images/rgb.png', import.meta.url));
  const predicted = await project.run('predict', 'latest', photo, '--format', 'json');
  expect([predicted.status, predicted.err]).toEqual([0, '']);
  const {images} = JSON.parse(predicted.out) as {
    readonly images: readonly {readonly scores: readonly {readonly score: number}[]}[];
  };
  expect(images[0]!.scores[0]!.score).toBeGreaterThan(0);
});

test('mistakes are explained', async () => {
  const told = async (learner: string, localize: string, classifier: string): Promise<string> => {
    project.write('wrong.yaml', spec(learner, localize, classifier));
    const {err} = await project.run('run', 'wrong.yaml');
    return err.replaceAll(project.folder, '').replaceAll(tiny, 'tiny.onnx');
  };
  const learner = '{type: untrained, network: {type: small, width: 8}}';
  expect(await told(learner, 'neighbourhood: 2', 'gde')).toMatchInlineSnapshot(`
    "✗ wrong.yaml:4:11  "localize" of type "places" needs "layers", the maps whose places are scored
        4 │ localize: {type: places, neighbourhood: 2}
          │           ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
       For example "layers: [stage2, stage3]" of a ResNet here, or names of tensors in the file of "pretrained".
    ✗ wrong.yaml:4:41  a neighbourhood of 2 places has no middle
        4 │ localize: {type: places, neighbourhood: 2}
          │                                         ~
       Use an odd number, such as 3.

    2 problems; nothing was run.
    "
  `);
  expect(
    await told(learner, 'layers: [conv1], foreground: 1, density: per-location', '{type: oc-svm, layer: embed}'),
  ).toMatchInlineSnapshot(`
    "✗ wrong.yaml:4:18  classifier "oc-svm" reads the layer "embed" of whole images, but places have the features of "localize.layers"
        4 │ localize: {type: places, layers: [conv1], foreground: 1, density: per-location}
          │                  ~~~~~~
       Remove its option "layer".
    ✗ wrong.yaml:4:55  the background scores 0, and scores of classifier "oc-svm" may be negative
        4 │ localize: {type: places, layers: [conv1], foreground: 1, density: per-location}
          │                                                       ~
       Use a classifier whose scores are never negative (knn, gde), or leave "foreground" out.
    ✗ wrong.yaml:4:67  "foreground" moves places from image to image, so that a classifier at each place has no meaning
        4 │ localize: {type: places, layers: [conv1], foreground: 1, density: per-location}
          │                                                                   ~~~~~~~~~~~~
       Use "density: shared".
    ✗ wrong.yaml:5:37  classifier "oc-svm" reads the layer "embed", which learner "untrained" does not have
        5 │ classifiers: [{type: oc-svm, layer: embed}]
          │                                     ~~~~~
       Layers of "untrained": pool.

    4 problems; nothing was run.
    "
  `);
  const failed = async (learner: string, localize: string): Promise<string> => {
    project.write('wrong.yaml', spec(learner, localize, 'gde'));
    const {events} = await project.events('wrong.yaml');
    const failure = events.find((event) => event.type === 'stage-failed');
    if (failure?.type !== 'stage-failed') throw new Error('no stage has failed');
    return `${failure.message}. ${failure.hint}`.replaceAll(tiny, 'tiny.onnx');
  };
  expect(await told(learner, 'layers: [conv9]', 'gde')).toContain(
    'the network of learner "untrained" has no map "conv9"',
  );
  expect(
    await failed(`{type: pretrained, path: '${tiny}'}`, 'layers: [map], channels: {random: 99}'),
  ).toMatchInlineSnapshot(
    `"the layers have 4 channels together, but "channels" asks for 99 of them. Use at most 4, or leave "channels" out for all."`,
  );
  expect(await failed(`{type: pretrained, path: '${tiny}'}`, 'layers: [feature]')).toMatchInlineSnapshot(
    `"tiny.onnx has no tensor "feature". Did you mean "features"?. Correct "localize.layers"."`,
  );
});
