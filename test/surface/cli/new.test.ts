/** From a folder of one's own images to a spec, its run, and what can be done with it. */
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {type Ended, Project} from '../../rig/command.ts';
import {writeImage} from '../../rig/images.ts';

const project = new Project();
afterAll(() => project[Symbol.dispose]());

const all = ({status, out, err}: Ended): string =>
  project.masked([out, err && `--- stderr\n${err}`, `--- status ${status}`].filter((part) => part !== '').join(''));

/** So many images in each of these folders. */
async function fill(folders: {readonly [path: string]: number}, size = {height: 40, width: 48}): Promise<void> {
  for (const [folder, count] of Object.entries(folders))
    for (let i = 0; i < count; i++)
      await writeImage(project.path(folder, `${i}.png`), {seed: `${folder}/${i}`, ...size});
}

/** What says how images are read. */
const datasetOf = (spec: string): string =>
  /dataset:\n((?: {2}.*\n)+)/.exec(readFileSync(project.path(spec), 'utf8'))![1]!;

describe('what is in the folder decides', () => {
  test('images alone are all normal', async () => {
    await fill({'photos of nuts': 7});
    writeFileSync(project.path('photos of nuts', 'notes.txt'), '');
    expect(all(await project.run('new', 'photos of nuts'))).toMatchInlineSnapshot(`
      "photos-of-nuts.yaml: 6 images for training; for testing 1 normal and no anomalous ones, without masks.
      size 32, because the images have 48 × 40 pixels; learner cutpaste, beside the same network untrained; with heat maps
      without anomalous images there is no AUC: scores, threshold and heat maps work
      Next:
        pipeline run photos-of-nuts.yaml
        pipeline report latest
        pipeline predict latest <new images> --task /cutpaste/ --maps maps
      --- stderr
      note: <folder>/photos of nuts: there is no folder test, so every fifth normal image is for testing: 1 image
      note: <folder>/photos of nuts: left out: 1 file that is not an image (notes.txt)
      --- status 0"
    `);
    expect(readFileSync(project.path('photos-of-nuts.yaml'), 'utf8')).toMatchInlineSnapshot(`
      "# 6 images for training; for testing 1 normal and no anomalous ones, without masks.
      name: photos-of-nuts
      description: >
        Made by "pipeline new". A short training of a small network, in minutes on two cores. With a GPU, take the network resnet18 instead
        of small (without its width), size 256, and leave out epochs, steps_per_epoch and batch: those are the paper's then.

      dataset:
        type: image-folder
        folder: "photos of nuts"
        size: 32 # the images have 48 × 40 pixels; larger images show smaller defects and take longer
        fit: stretch # or crop: the middle alone

      matrix:
        learner:
          - type: untrained # the control: what the other learner adds is the difference
            network: { type: small, width: 16, head: [64] }
          - type: cutpaste # learns from patches of normal images to find what was pasted in
            variant: 3way
            patch: 16
            network: { type: small, width: 16, head: [64] }
            epochs: 8
            steps_per_epoch: 32
            batch: 6

      # Heat maps. If all images show one object in one pose (this cannot be seen from outside), add density: per-location.
      localize: { patch: 16, stride: 4 }

      classifiers: [{ type: gde, shrinkage: ledoit-wolf }]
      metrics: [auc]
      seeds: 1
      "
    `);
  });

  test('train and test, with masks', async () => {
    const masks = {'tree/ground_truth/cut': 2};
    await fill({'tree/train/Normal': 4, 'tree/test/Normal': 2, 'tree/test/cut': 2, ...masks});
    expect((await project.run('new', 'tree', '--out', 'of-tree.yaml')).out).toContain(
      'of-tree.yaml: 4 images for training; for testing 2 normal and 2 anomalous ones, with masks.',
    );
    expect(datasetOf('of-tree.yaml')).toMatchInlineSnapshot(`
      "  type: image-folder
        folder: tree
        normal: Normal
        masks: true
        size: 32 # the images have 48 × 40 pixels; larger images show smaller defects and take longer
        fit: stretch # or crop: the middle alone
      "
    `);
  });

  test('folders of classes: one is called normal, or each is in turn', async () => {
    await fill({'parts/OK parts': 5, 'parts/bent': 2, 'pets/cat': 5, 'pets/dog': 5});
    await project.run('new', 'parts');
    expect(datasetOf('parts.yaml')).toMatchInlineSnapshot(`
      "  type: image-folder
        folder: parts
        normal: "OK parts"
        size: 32 # the images have 48 × 40 pixels; larger images show smaller defects and take longer
        fit: stretch # or crop: the middle alone
      "
    `);
    expect((await project.run('new', 'pets')).out).toContain('predict latest <new images> --task cat/rotation/\n');
    expect(datasetOf('pets.yaml')).toMatchInlineSnapshot(`
      "  type: image-folder
        folder: pets
        classes: [cat, dog]
        size: 32 # the images have 48 × 40 pixels; larger images show smaller defects and take longer
        fit: stretch # or crop: the middle alone
      "
    `);
  });

  test('a CSV list', async () => {
    await fill({'listed/a': 4});
    const rows = ['0.png,train,fine', '1.png,train,fine', '2.png,test,fine', '3.png,test,odd'];
    writeFileSync(project.path('listed', 'all.csv'), `path,split,label\n${rows.map((row) => `a/${row}\n`).join('')}`);
    expect((await project.run('new', 'listed')).out).toContain(
      'listed.yaml: 2 images for training; for testing 1 normal and 1 anomalous ones, without masks.',
    );
    expect(datasetOf('listed.yaml')).toMatchInlineSnapshot(`
      "  type: image-folder
        folder: listed
        list: all.csv
        normal: fine
        size: 32 # the images have 48 × 40 pixels; larger images show smaller defects and take longer
        fit: stretch # or crop: the middle alone
      "
    `);
  });

  test('the name is as like the folder’s as a spec’s may be', async () => {
    for (const [folder, name] of [
      ['für', 'fur'],
      ['写真', 'photos'],
      ['_ünï 日本 1 & 2', 'uni-1-2'],
      ['x'.repeat(120), 'x'.repeat(100)],
    ] as const) {
      await fill({[join('odd', folder)]: 5});
      const out = join('odd', `${name}.yaml`);
      expect((await project.run('new', join('odd', folder), '--out', out)).status).toBe(0);
      expect(readFileSync(project.path(out), 'utf8')).toMatch(new RegExp(`^name: ${name}$`, 'm'));
      expect((await project.run('validate', out)).status).toBe(0);
    }
  });

  test('every spec is valid; none is written over; what is no folder of images is refused', async () => {
    const specs = readdirSync(project.path()).filter((name) => name.endsWith('.yaml'));
    expect(specs).toHaveLength(5);
    const {status, out} = await project.run('validate', ...specs);
    expect([status, out.match(/data found/g)?.length]).toEqual([0, 5]);
    expect(all(await project.run('new', 'parts'))).toMatchInlineSnapshot(`
      "--- stderr
      note: <folder>/parts: there is no folder test, so every fifth normal image is for testing: 1 image
      ✗ parts.yaml is there already
         Give another name: --out <file>.
      --- status 2"
    `);
    expect(all(await project.run('new', 'none'))).toMatchInlineSnapshot(`
      "--- stderr
      ✗ none is not a folder
         Give a folder of images: pipeline new <folder>.
      --- status 2"
    `);
    project.write('empty/notes.txt', '');
    expect(all(await project.run('new', 'empty'))).toMatchInlineSnapshot(`
      "--- stderr
      ✗ there are no images (JPEG, PNG, WebP, TIFF or BMP) in <folder>/empty
         Give a folder with images in it, with folders of classes, with train and test, or with a CSV list (path, split, label).
      --- status 2"
    `);
  });
});

const short = ['--set', 'learner.epochs=1', '--set', 'learner.steps_per_epoch=2', '--set', 'localize.stride=16'];

test('good images alone give scores, a threshold, maps and a report; AUC is left out with its reason', async () => {
  const run = await project.run('run', 'photos-of-nuts.yaml', ...short);
  expect([run.status, run.out]).toEqual([0, expect.anything()]);
  expect(run.err).toContain('there is no folder test, so every fifth normal image is for testing: 1 image');
  expect(run.out).toContain('[1] auc: all 1 test images are normal');
  const {status, out, err} = await project.run(
    'predict',
    'latest',
    'parts/bent',
    '--task',
    '/cutpaste/',
    '--maps',
    'maps',
    '--json',
  );
  expect([status, err]).toEqual([0, '']);
  const {classifiers, images} = JSON.parse(out);
  expect(Number.isFinite(classifiers[0].threshold)).toBe(true);
  expect(images.map(({scores}: {scores: readonly unknown[]}) => scores.length)).toEqual([1, 1]);
  expect(readdirSync(project.path('maps'))).toHaveLength(2);
  const report = await project.run('report', 'latest');
  expect([report.status, report.err]).toEqual([0, '']);
});

describe('pipelines/own-photos.yaml', () => {
  beforeAll(async () => {
    project.write('own-photos.yaml', readFileSync('pipelines/own-photos.yaml', 'utf8'));
    const home = join('data', 'own-photos');
    await fill(
      {[`${home}/train/good`]: 6, [`${home}/test/good`]: 2, [`${home}/test/scratched`]: 2},
      {height: 20, width: 24},
    );
  });

  test('is counted before its data is read, and runs', async () => {
    const planned = await project.run('plan', 'own-photos.yaml');
    expect(planned.out).toContain('1 training to run: ');
    expect(planned.out).not.toContain('unknown size');
    const {status, out} = await project.run('run', 'own-photos.yaml', ...short, '--set', 'localize.stride=32');
    expect(status).toBe(0);
    expect(out).toMatch(/good +cutpaste-3way-patch +gde +\d+\.\d +1/);
  });
});
