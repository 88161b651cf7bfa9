/** Files that a learner's options name: found beside the spec, in the key by content, given to stages by path. */
import {copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect, test} from 'vitest';
import {plugins as builtin} from '../../../src/builtin.ts';
import {Plugins} from '../../../src/core/plugin/registry.ts';
import {readPlan} from '../../../src/pipeline/config/expand.ts';
import {keyOf} from '../../../src/pipeline/plan/fingerprint.ts';
import {buildGraph} from '../../../src/pipeline/plan/graph.ts';
import {locateSources} from '../../../src/pipeline/plan/sources.ts';
import {createPlanned} from '../../../src/pipeline/stages/shared.ts';
import type {Manifest, StageContext} from '../../../src/pipeline/stages/stage.ts';
import {openFileDigests} from '../../../src/pipeline/store/sources.ts';
import {World} from '../../rig/world.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/models/', import.meta.url));
const plugins = new Plugins(builtin);

const spec = (path: string, rest = '') => `dataset: {type: synthetic, inliers: [stripes]}
learner: {type: pretrained, path: ${path}}
classifiers: [kde]
${rest}`;

async function graphOf(world: World, file: string) {
  const read = await readPlan(join(world.root, file), {builtin: plugins});
  if (!read.ok) throw new Error(read.failures.map(({message}) => message).join('\n'));
  const located = await locateSources(read.value.plan, read.value.plugins, {folders: [world.root]});
  if (!located.ok) return located.failures.map(({message, hint}) => `${message}. ${hint}`.replaceAll(world.root, '.'));
  return buildGraph(read.value.plan, read.value.plugins, located.value);
}

/** Keys of the stages that compute with the learner, as if their inputs were there. */
async function keysOf(world: World, file: string) {
  const graph = await graphOf(world, file);
  if (typeof graph[0] === 'string') throw new Error(graph.join('\n'));
  const digests = openFileDigests(world.cacheRoot);
  const made = () => ({files: new Proxy({}, {get: () => ({sha256: 'made'})})}) as unknown as Manifest;
  const nodes = (graph as Exclude<typeof graph, readonly string[]>).filter(({kind}) =>
    ['learn', 'embed'].includes(kind),
  );
  return Promise.all(nodes.map((node) => keyOf(node, made, (path) => digests.digest(path))));
}

test('the content of the file and of the files beside it is in the key, its path is not', async () => {
  using world = new World();
  const copy = (folder: string) => {
    mkdirSync(join(world.root, folder), {recursive: true});
    for (const name of ['tiny-outside.onnx', 'tiny-outside.data'])
      copyFileSync(fixtures + name, join(world.root, folder, name));
  };
  copy('nets');
  copy('deep/er');
  world.write('a.yaml', spec('nets/tiny-outside.onnx'));
  world.write('deep/b.yaml', spec('er/tiny-outside.onnx'));
  const keys = await keysOf(world, 'a.yaml');
  expect(keys.map(({kind, sources}) => [kind, Object.keys(sources)])).toEqual([
    ['learn', ['path', 'path/tiny-outside.data']],
    ['embed', ['path', 'path/tiny-outside.data']],
    ['embed', ['path', 'path/tiny-outside.data']],
  ]);
  expect(JSON.stringify(keys)).not.toContain('.onnx');
  expect(await keysOf(world, 'deep/b.yaml')).toEqual(keys);
  writeFileSync(join(world.root, 'deep/er/tiny-outside.data'), new Uint8Array(512));
  const changed = await keysOf(world, 'deep/b.yaml');
  changed.forEach((key, i) => {
    expect({...key, sources: {}}).toEqual({...keys[i]!, sources: {}});
    expect(key.sources['path']).toBe(keys[i]!.sources['path']);
    expect(key.sources['path/tiny-outside.data']).not.toBe(keys[i]!.sources['path/tiny-outside.data']);
  });
});

test('the content of pretrained weights is in the key; a learner without them has no file', async () => {
  using world = new World();
  const weights = readFileSync(fileURLToPath(new URL('../../fixtures/networks/tiny.safetensors', import.meta.url)));
  const starting = (path?: string) => `dataset: {type: synthetic, inliers: [stripes]}
learner: {type: cutpaste, network: {type: efficientnet, variant: b0}${path ? `, start: ${path}` : ''}}
classifiers: [kde]
`;
  for (const [name, bytes] of [
    ['one', weights],
    ['same', weights],
    ['other', Buffer.concat([weights.subarray(0, -1), Buffer.from([0])])],
  ] as const) {
    writeFileSync(join(world.root, `${name}.safetensors`), bytes);
    world.write(`${name}.yaml`, starting(`${name}.safetensors`));
  }
  world.write('none.yaml', starting());
  const [one, same, other, none] = await Promise.all(
    ['one', 'same', 'other', 'none'].map((name) => keysOf(world, `${name}.yaml`)),
  );
  expect(one!.map(({sources}) => Object.keys(sources))).toEqual([['start'], ['start'], ['start']]);
  expect(same).toEqual(one);
  expect(other).not.toEqual(one);
  expect(none!.map(({sources}) => Object.keys(sources))).toEqual([[], [], []]);
  world.write('gone.yaml', starting('gone.safetensors'));
  expect(await graphOf(world, 'gone.yaml')).toEqual([
    'learner "cutpaste": there is no file ./gone.safetensors. Save torchvision’s state dict of the network with ' +
      'safetensors.torch.save_file(model.state_dict(), "….safetensors").',
  ]);
});

test('two files with equal options are two stages', async () => {
  using world = new World();
  for (const name of ['one.onnx', 'two.onnx']) copyFileSync(`${fixtures}tiny.onnx`, join(world.root, name));
  world.write('a.yaml', spec('one.onnx', 'matrix: {learner.path: [one.onnx, two.onnx]}\n'));
  const graph = await graphOf(world, 'a.yaml');
  expect(graph.filter((node) => typeof node !== 'string' && node.kind === 'learn').length).toBe(2);
});

test('a stage creates the learner with the path of the file', async () => {
  const {type, ...rest} = {type: 'pretrained', mean: [0, 0, 0], std: [1, 1, 1]};
  const context = {plugins, sources: [{name: 'path', path: `${fixtures}tiny.onnx`}]} as unknown as StageContext;
  const encoder = createPlanned(context, 'learner', {type, ...rest}, {}).encoder(new Map(), plugins);
  const images = {shape: {height: 8, width: 8, channels: 3}, count: 1, pixels: new Uint8Array(192)} as const;
  expect((await encoder.embed(images, 'pool')).columns).toBe(5);
  encoder.dispose();
});

test('a missing file is reported before anything runs, even if other tasks could run', async () => {
  using world = new World();
  world.write('a.yaml', spec('gone.onnx'));
  expect(await graphOf(world, 'a.yaml')).toMatchInlineSnapshot(`
    [
      "learner "pretrained": there is no file ./gone.onnx. Paths are relative to the file that names them. scripts/export-backbone.py of the repository writes the networks of pipelines/frozen.",
    ]
  `);
  copyFileSync(`${fixtures}tiny.onnx`, join(world.root, 'here.onnx'));
  world.write('b.yaml', spec('here.onnx', 'matrix: {learner.path: [here.onnx, gone.onnx]}\n'));
  expect(await graphOf(world, 'b.yaml')).toEqual(await graphOf(world, 'a.yaml'));
});
