/** The page beside an exported model prepares images as `predict` does: its `load`, run by Python, gives the same pixels. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {decodeImage} from '../../../src/core/images/codec.ts';
import {preparedPixels, stretched} from '../../../src/core/images/preparation.ts';
import {checkPlugin} from '../../../src/core/plugin/check.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {pythonOf} from '../../../src/surface/tables/preparation-python.ts';
import {type TemporaryFolder, temporaryFolder} from '../../rig/archives.ts';
import {imageFixture, imageFixtures, writeImage} from '../../rig/images.ts';
import {noPython, runPython} from '../../rig/python.ts';

const plugins = new Plugins(builtin);

const datasets = [
  {type: 'fashion-mnist', edition: 'small'},
  {type: 'cats-vs-dogs'},
  {type: 'celeba', images: 'any-size'},
  {type: 'mvtec', size: 48},
  {type: 'mvtec', size: 48, interpolation: 'area'},
  {type: 'image-folder', size: 24, fit: 'crop'},
  {type: 'image-folder', size: 24, fit: 'crop', interpolation: 'area'},
  {type: 'synthetic', size: 20},
].map((ref) => {
  const {issues, value} = checkPlugin(plugins, 'dataset', ref);
  if (issues.length > 0) throw new Error(issues[0]!.message);
  const {shape, preparation = stretched(shape)} = plugins.create('dataset', value);
  return {name: JSON.stringify(ref), shape, preparation};
});

/** Runs each code on each file; its pixels, 0 to 255, one file after the other. */
const harness = `
import json, sys
import numpy as np
from PIL import Image, ImageOps
for code, files in json.load(sys.stdin):
    space = {"np": np, "Image": Image, "ImageOps": ImageOps}
    exec(code, space)
    for file in files:
        sys.stdout.buffer.write(np.rint(space["load"](file) * 255).astype(np.uint8).tobytes())
`;

const lacks = noPython('numpy', 'PIL');
describe.skipIf(lacks)(`the page's load${lacks ? ` (${lacks})` : ''}`, () => {
  let place: TemporaryFolder;
  let files: readonly string[];
  const sizes = [
    [64, 64],
    [28, 28],
    [32, 32],
    [218, 178],
    [50, 301],
    [301, 50],
    [7, 5],
    [20, 20],
  ] as const;

  beforeAll(async () => {
    place = temporaryFolder('pages');
    const made = sizes.map(([height, width]) => join(place.folder, `${height}-${width}.png`));
    for (const [i, path] of made.entries()) {
      const [height, width] = sizes[i]!;
      await writeImage(path, {seed: path.slice(place.folder.length), height, width});
    }
    files = [...made, ...Object.keys(imageFixtures.decoded).map((name) => imageFixture(name))];
  });
  afterAll(() => place.remove());

  test('gives the pixels of predict for every dataset and kind of file', async () => {
    const asked = datasets.map(({preparation, shape}) => [pythonOf(preparation, shape), files]);
    const output = runPython(['-c', harness], {input: JSON.stringify(asked)});
    let at = 0;
    for (const {name, shape, preparation} of datasets)
      for (const file of files) {
        const size = shape.height * shape.width * shape.channels;
        const got = output.subarray(at, at + size);
        at += size;
        const wanted = preparedPixels(await decodeImage(readFileSync(file)), preparation, shape);
        const off = [...wanted].map((value, i) => Math.abs(value - got[i]!));
        // A mean that lies exactly between two values may be rounded to either: sums of other order differ by their last bit.
        const usesArea = preparation.some((step) => 'interpolation' in step && step.interpolation === 'area');
        expect(Math.max(...off), `${name} ${file}`).toBeLessThanOrEqual(usesArea ? 1 : 0);
        expect(off.filter((by) => by > 0).length / off.length, `${name} ${file}`).toBeLessThan(0.01);
      }
    expect(at).toBe(output.length);
  });
});
