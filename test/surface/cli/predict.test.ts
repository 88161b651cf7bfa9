// @module-tag slow
/** New images through a finished run's models: the scores are those that its own test images have. */
import {cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import sharp from 'sharp';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {readImageSet, sizeOf} from '../../../src/core/formats/arrow/images.ts';
import {readScores} from '../../../src/core/formats/arrow/small.ts';
import {decodeImage, encodePng} from '../../../src/core/images/codec.ts';
import type {RunEvent, StageKind} from '../../../src/pipeline/events.ts';
import {noArchive, type TemporaryFolder, unpackedArchive} from '../../rig/archives.ts';
import {type Ended, Project, tinySpec} from '../../rig/command.ts';
import {imageTree} from '../../rig/images.ts';

const project = new Project();
afterAll(() => project[Symbol.dispose]());

interface Printed {
  readonly classifiers: readonly {readonly name: string; readonly threshold: number; readonly training: number}[];
  readonly images: readonly {
    readonly image: string;
    readonly problem?: string;
    readonly scores?: readonly {readonly classifier: string; readonly score: number; readonly verdict: string}[];
  }[];
}

/** Runs a spec; the cache folders of its stages by label. */
async function run(spec: string, ...args: readonly string[]): Promise<ReadonlyMap<string, string>> {
  project.write('spec.yaml', spec);
  const {status, err, events} = await project.events('spec.yaml', ...args);
  expect([status, err]).toEqual([0, '']);
  return new Map(
    events.flatMap((event: RunEvent) =>
      event.type === 'stage-finished' ? [[event.label, entryOf(event.fingerprint)] as const] : [],
    ),
  );
}

const entryOf = (fingerprint: string): string => project.path('runs', 'cache', fingerprint.slice(0, 2), fingerprint);

const called = (entries: ReadonlyMap<string, string>, begins: StageKind | string): string =>
  [...entries].find(([label]) => label.startsWith(begins))![1];

/** Writes a table's images as PNG files, in order. */
async function draw(table: string, folder: string, most = Number.POSITIVE_INFINITY): Promise<void> {
  const {shape, count, pixels} = await readImageSet(table);
  const {height, width, channels} = shape;
  mkdirSync(project.path(folder), {recursive: true});
  for (let i = 0; i < Math.min(count, most); i++) {
    const own = pixels.subarray(i * sizeOf(shape), (i + 1) * sizeOf(shape));
    const colour =
      channels === 3 ? own : Uint8Array.from({length: own.length * 3}, (_, at) => own[Math.floor(at / 3)]!);
    const png = await encodePng({height, width, pixels: Uint8Array.from(colour)});
    writeFileSync(project.path(folder, `${String(i).padStart(3, '0')}.png`), png);
  }
}

async function predicted(...args: readonly string[]): Promise<Printed> {
  const {status, out, err} = await project.run('predict', 'latest', ...args, '--format', 'json');
  expect([status, err]).toEqual([0, '']);
  return JSON.parse(out) as Printed;
}

/** To a millionth of the largest. */
function expectSame(got: readonly number[], wanted: ArrayLike<number>): void {
  expect(got.length).toBe(wanted.length);
  const largest = Math.max(...Array.from(wanted, Math.abs));
  expect(Math.max(...got.map((value, i) => Math.abs(value - wanted[i]!))) / largest).toBeLessThan(1e-6);
}

const scoresOf = ({images}: Printed, classifier: string): readonly number[] =>
  images.map(({scores}) => scores!.find((one) => one.classifier === classifier)!.score);

const all = ({status, out, err}: Ended): string =>
  project.masked([out, err && `--- stderr\n${err}`, `--- status ${status}`].filter((part) => part !== '').join(''));

describe('drawn textures, three classifiers', () => {
  const classifiers = '[kde, {type: oc-svm, kernel: linear}, {type: gde, layer: embed}, rotation]';
  let entries: ReadonlyMap<string, string>;

  beforeAll(async () => {
    entries = await run(tinySpec({classifiers}));
    await draw(join(called(entries, 'data'), 'test.arrow'), 'drawn');
  });

  test('a test image as a file has the score that the run has given it', async () => {
    const printed = await predicted('drawn');
    expect(printed.classifiers.map(({name}) => name)).toEqual(['kde', 'oc-svm-linear', 'gde', 'rotation']);
    for (const {name, training} of printed.classifiers) {
      const {scores} = await readScores(join(called(entries, `score ${name}`), 'scores.arrow'));
      expectSame(scoresOf(printed, name), scores);
      expect(training).toBe(32);
    }
  });

  test('the verdict follows the threshold, and the threshold the quantile', async () => {
    const verdicts = async (quantile: string) => {
      const {classifiers, images} = await predicted('drawn', '--classifier', 'kde', '--quantile', quantile);
      const {threshold} = classifiers[0]!;
      for (const {scores} of images)
        expect(scores![0]!.verdict).toBe(scores![0]!.score > threshold ? 'anomalous' : 'normal');
      return {threshold, anomalous: images.filter(({scores}) => scores![0]!.verdict === 'anomalous').length};
    };
    const [strict, usual] = [await verdicts('0.5'), await verdicts('1')];
    expect(strict.threshold).toBeLessThan(usual.threshold);
    expect(strict.anomalous).toBeGreaterThanOrEqual(usual.anomalous);
  });

  test('the table; what is wrong with a file is said of it, and the others are scored', async () => {
    project.write('bad/empty.png', '');
    project.write('bad/text.jpg', 'no image');
    mkdirSync(project.path('none'));
    const files = ['drawn/000.png', 'bad', 'gone.png', 'none', 'drawn/001.png'];
    const shown = await project.run('predict', 'tiny', ...files, '--classifier', 'kde');
    expect(all(shown)).toMatchInlineSnapshot(`
      "image               kde  verdict
      ──
      drawn/000.png  <n>  normal
      drawn/001.png  <n>  anomalous
      kde: an image is anomalous above <n>; 95 % of the held-out scores of 32 training images are lower

      ✗ bad/empty.png: it is empty
      ✗ bad/text.jpg: it is not JPEG, PNG, WebP, TIFF or BMP
      ✗ gone.png: there is no such file
      ✗ none: the folder has no image (JPEG, PNG, WebP, TIFF or BMP)
      --- status 1"
    `);
    project.write('bad/._a.png', '');
    project.write('bad/notes\u001b[2J.txt', '');
    project.write('bad/\u001b[2J.png', '');
    const odd = await project.run('predict', 'tiny', 'bad', '--classifier', 'kde');
    expect(odd.err).toBe('note: left out: 1 hidden file, 1 file that is not an image (notes.txt)\n');
    expect(odd.out).toBe(
      '✗ bad/.png: it is empty\n✗ bad/empty.png: it is empty\n✗ bad/text.jpg: it is not JPEG, PNG, WebP, TIFF or BMP\n',
    );
    expect((await project.run('predict', 'tiny', 'gone.png')).out).toBe('✗ gone.png: there is no such file\n');
  });

  test('csv', async () => {
    const {out} = await project.run(
      'predict',
      'tiny',
      'drawn/000.png',
      'gone.png',
      '--classifier',
      'kde',
      '--format',
      'csv',
    );
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe('image,classifier,score,threshold,verdict,problem');
    expect(lines[1]).toMatch(/^drawn\/000\.png,kde,-?[\d.e-]+,-?[\d.e-]+,(normal|anomalous),$/);
    expect(lines.slice(2)).toEqual(['gone.png,,,,,there is no such file']);
  });

  test('WebP without loss is the same picture; other sizes and grey are made to fit', async () => {
    const png = project.path('drawn', '002.png');
    mkdirSync(project.path('other'));
    await sharp(png).webp({lossless: true}).toFile(project.path('other', 'a.webp'));
    await sharp(png).resize(64, 40).greyscale().png().toFile(project.path('other', 'b.png'));
    const printed = await predicted('drawn/002.png', 'other', '--classifier', 'kde');
    const [original, webp, other] = scoresOf(printed, 'kde');
    expect(webp).toBe(original);
    expect(other).not.toBe(original);
  });

  test('what can not be asked for is told before anything is computed', async () => {
    const shown = async (...args: readonly string[]) => all(await project.run('predict', ...args));
    expect(await shown('tiny', 'drawn', '--task', 'bag')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ run <time>-tiny has no task "bag"
         It has: tiny/stripes/rotation/seed=0.
      --- status 2"
    `);
    expect(await shown('tiny', 'drawn', '--classifier', 'kd')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ task tiny/stripes/rotation/seed=0 has no classifier "kd"
         Did you mean "kde"?
      --- status 2"
    `);
    expect(await shown('tiny', 'drawn', '--maps', 'maps')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ task tiny/stripes/rotation/seed=0 has no heat maps, because its spec has no "localize"
         Leave out --maps, or add "localize" to the spec and run it again.
      --- status 2"
    `);
    expect(await shown('tiny', 'drawn', '--quantile', '2')).toMatchInlineSnapshot(`
      "--- stderr
      error: option '--quantile <q>' argument '2' is invalid. expected a number above 0 and at most 1.
      (see --help)
      --- status 2"
    `);
    expect(await shown('other', 'drawn')).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there is no run "other"
         The latest is <time>-tiny; "pipeline ls" lists all.
      --- status 2"
    `);
  });
});

test('several tasks: one has to be named; what was pruned is named, with the command that computes it again', async () => {
  const learner = '{ type: untrained, network: { type: small, width: 4 } }';
  const entries = await run(tinySpec({name: 'seeds', learner, augment: '[]', seeds: '2'}));
  expect(all(await project.run('predict', 'seeds', 'drawn'))).toMatchInlineSnapshot(`
    "--- stderr
    ✗ run <time>-seeds has 2 tasks: seeds/stripes/untrained/seed=0, seeds/stripes/untrained/seed=1
       Choose one by its id or a unique part of it: --task <id>.
    --- status 2"
  `);
  const printed = await predicted('drawn/000.png', '--task', 'seed=1');
  expect(printed.images).toHaveLength(1);
  rmSync(called(entries, 'learn untrained · seed 1'), {recursive: true});
  expect(all(await project.run('predict', 'seeds', 'drawn/000.png', '--task', 'seed=1'))).toMatchInlineSnapshot(`
    "--- stderr
    ✗ the result of "learn untrained · seed 1" is no longer in the cache <folder>/runs/cache
       Compute it again: pipeline run spec.yaml --json
    --- status 1"
  `);
});

test('features of a network from a file, as long as the file is the one that was used', async () => {
  const model = fileURLToPath(new URL('../../fixtures/models/tiny.onnx', import.meta.url));
  cpSync(model, project.path('tiny.onnx'));
  const entries = await run(tinySpec({name: 'file', learner: '{ type: pretrained, path: tiny.onnx }', augment: '[]'}));
  await draw(join(called(entries, 'data'), 'test.arrow'), 'given', 5);
  const {scores} = await readScores(join(called(entries, 'score'), 'scores.arrow'));
  expectSame(scoresOf(await predicted('given'), 'kde'), scores.subarray(0, 5));
  cpSync(model.replace('tiny.onnx', 'tiny-fixed.onnx'), project.path('tiny.onnx'));
  expect(all(await project.run('predict', 'file', 'given'))).toMatchInlineSnapshot(`
    "--- stderr
    ✗ <folder>/tiny.onnx has changed since the run
       Restore the file, or run the spec again.
    --- status 1"
  `);
  expect(all(await project.run('export', 'file'))).toContain('tiny.onnx has changed since the run');
});

describe('heat maps', () => {
  const spec = (localize: string): string => `
name: maps
dataset: {type: synthetic, size: 48, classes: 2, train: 12, test: 6, defects: true, inliers: [stripes]}
learner: {type: cutpaste, network: {type: small, width: 8, head: [16]}, patch: 16, epochs: 1, steps_per_epoch: 4, batch: 8}
localize: ${localize}
classifiers: [{type: gde, shrinkage: ledoit-wolf}]
metrics: [auc, pixel-auc]
`;

  test.for(['shared', 'per-location'])('of windows, density %s', async (density) => {
    const entries = await run(spec(`{patch: 16, stride: 16, density: ${density}}`));
    await draw(join(called(entries, 'data'), 'test.arrow'), 'defects');
    const printed = await predicted('defects', '--maps', density);
    const {scores} = await readScores(join(called(entries, 'localize'), 'scores.arrow'));
    expectSame(scoresOf(printed, 'gde'), scores);
    expect(readdirSync(project.path(density))).toEqual(
      ['1-000', '2-001', '3-002', '4-003', '5-004', '6-005'].map((name) => `${name}.png`),
    );
    const {height, width} = await decodeImage(readFileSync(project.path(density, '1-000.png')));
    expect([height, width]).toEqual([48, 96]);
  });

  test('of what raises a classifier’s score, beside its scores', async () => {
    const entries = await run(spec('{type: integrated-gradients, steps: 2}'));
    await draw(join(called(entries, 'data'), 'test.arrow'), 'defects');
    const printed = await predicted('defects', '--maps', 'gradcam');
    const {scores} = await readScores(join(called(entries, 'score gde'), 'scores.arrow'));
    expectSame(scoresOf(printed, 'gde'), scores);
    expect(readdirSync(project.path('gradcam'))).toHaveLength(6);
  });
});

describe('files of a dataset', () => {
  test('image-folder: its own test files, of any shape, are decoded and resized as the run did', async () => {
    using place = disposable(await imageTree({'own/train/good': 12, 'own/test/good': 3, 'own/test/bent': 4}));
    const dataset = '{ type: image-folder, folder: own, size: 16, fit: crop, interpolation: area }';
    const learner = '{ type: untrained, network: { type: small, width: 4 } }';
    const entries = await run(tinySpec({name: 'own', dataset, learner, augment: '[]'}), '--data', place.folder);
    cpSync(join(place.folder, 'own', 'test'), project.path('files'), {recursive: true});
    const printed = await predicted('files/bent', 'files/good');
    const {scores, classNames, classes} = await readScores(join(called(entries, 'score'), 'scores.arrow'));
    expect([...classes].map((label) => classNames[label])).toEqual([
      ...Array<string>(4).fill('anomalous'),
      ...Array<string>(3).fill('good'),
    ]);
    expectSame(scoresOf(printed, 'kde'), scores);
  });

  test('fashion-mnist: grey, and in its frame', async () => {
    const dataset = '{ type: fashion-mnist, edition: small, inliers: [bag], limit: { train: 20, test: 40 } }';
    const learner = '{ type: untrained, network: { type: small, width: 4 } }';
    const entries = await run(tinySpec({name: 'grey', dataset, learner, augment: '[]'}));
    await draw(join(called(entries, 'data'), 'test.arrow'), 'framed', 10);
    mkdirSync(project.path('published'));
    for (const name of readdirSync(project.path('framed')))
      await sharp(project.path('framed', name))
        .extract({left: 2, top: 2, width: 28, height: 28})
        .toFile(project.path('published', name));
    const {scores} = await readScores(join(called(entries, 'score'), 'scores.arrow'));
    for (const folder of ['framed', 'published'])
      expectSame(scoresOf(await predicted(folder), 'kde'), scores.subarray(0, 10));
  });

  test.skipIf(noArchive('mvtec-bottle'))('a real category (needs mvtec-bottle.tar.gz)', async () => {
    using bottle = disposable(unpackedArchive('mvtec-bottle'));
    const learner = '{ type: untrained, network: { type: small, width: 4 } }';
    const dataset = '{ type: mvtec, inliers: [bottle] }';
    const entries = await run(tinySpec({name: 'bottle', dataset, learner, augment: '[]'}), '--data', bottle.folder);
    const home = readdirSync(bottle.folder).includes('mvtec') ? join('mvtec', 'bottle') : 'bottle';
    const printed = await predicted(join(bottle.folder, home, 'test'));
    const {scores} = await readScores(join(called(entries, 'score'), 'scores.arrow'));
    expect(scores).toHaveLength(83);
    expectSame(scoresOf(printed, 'kde'), scores);
  });
});

const disposable = ({folder, remove}: TemporaryFolder) => ({folder, [Symbol.dispose]: remove});
