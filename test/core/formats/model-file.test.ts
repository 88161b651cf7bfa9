import {copyFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {expect, test} from 'vitest';
import {imageInput, mapsOf, pooledRows} from '../../../src/core/formats/image-model.ts';
import {findModel} from '../../../src/core/formats/model-file.ts';
import {World} from '../../rig/world.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/models/', import.meta.url));

test('a network is found with the files beside it', () => {
  const found = (path: string, ...wanted: readonly string[]) => {
    const result = findModel(fixtures + path, wanted);
    if (!result.ok) throw new Error(result.failures[0]!.message);
    return [result.value.main.replace(fixtures, ''), ...result.value.outside];
  };
  expect(found('tiny.onnx', 'features')).toEqual(['tiny.onnx']);
  expect(found('tiny-outside.onnx', 'logits')).toEqual(['tiny-outside.onnx', 'tiny-outside.data']);
  const shards = ['tfjs/model.json', 'group1-shard1of2.bin', 'group1-shard2of2.bin'];
  expect(found('tfjs/model.json', 'features')).toEqual(shards);
  expect(found('tfjs')).toEqual(shards);
});

test('missing, broken and wrong files are reported with their path', () => {
  using world = new World();
  const at = (name: string) => `${world.root}/${name}`;
  const whole = readFileSync(`${fixtures}tiny.onnx`);
  writeFileSync(at('cut.onnx'), whole.subarray(0, 700));
  world.write('text.onnx', '<html>404</html>');
  world.write('empty.onnx');
  copyFileSync(`${fixtures}tiny-outside.onnx`, at('lonely.onnx'));
  world.write('keras.json', '{"format": "layers-model"}');
  world.write('other.json', '{"a": 1}');
  world.write('broken.json', '{');
  world.write('net.pth');
  world.write('saved/saved_model.pb');
  mkdirSync(at('nothing'));
  mkdirSync(at('tfjs'));
  copyFileSync(`${fixtures}tfjs/model.json`, at('tfjs/model.json'));
  const told = (path: string, ...wanted: readonly string[]) => {
    const result = findModel(path, wanted);
    return result.ok ? 'found' : result.failures.map(({message, hint}) => `${message}. ${hint}`).join('\n');
  };
  const names = ['gone.onnx', 'cut.onnx', 'text.onnx', 'empty.onnx', 'lonely.onnx', 'keras.json', 'other.json'];
  const more = ['broken.json', 'net.pth', 'saved', 'nothing', 'tfjs'];
  expect(
    [...names, ...more]
      .map((name) => told(at(name)))
      .join('\n')
      .replaceAll(`${world.root}/`, ''),
  ).toMatchInlineSnapshot(`
    "there is no file gone.onnx. Paths are relative to the file that names them. scripts/export-backbone.py of the repository writes the networks of pipelines/frozen.
    cut.onnx is not a valid ONNX model: it is incomplete. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    text.onnx is not a valid ONNX model: it is of another format. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    empty.onnx is not a valid ONNX model: it has no graph. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    the weights of lonely.onnx are incomplete: there is no tiny-outside.data beside it. Put all files of the network into one folder.
    keras.json is not a valid TensorFlow.js graph model: it is a layers model: convert it with --output_format=tfjs_graph_model. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    other.json is not a valid TensorFlow.js graph model: it needs "format": "graph-model", a topology and a list of weights. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    broken.json is not a valid TensorFlow.js graph model: it is not JSON. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    net.pth has an unknown format. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    saved is a SavedModel, which is not supported. Convert it: tf2onnx, or tensorflowjs_converter --input_format=tf_saved_model.
    the folder nothing has no model.json. Use an ONNX file (.onnx) or a TensorFlow.js graph model (its model.json, or the folder with it).
    the weights of tfjs/model.json are incomplete: there is no group1-shard1of2.bin, group1-shard2of2.bin beside it. Put all files of the network into one folder."
  `);
  expect(told(`${fixtures}tiny.onnx`, 'feature').replace(fixtures, '')).toMatchInlineSnapshot(
    `"tiny.onnx has no tensor "feature". Did you mean "features"?"`,
  );
});

test('the layout follows from where the three colours are', () => {
  expect(imageInput('f', [undefined, 3, 224, 224])).toEqual({
    layout: 'NCHW',
    batch: undefined,
    height: 224,
    width: 224,
  });
  expect(imageInput('f', [1, undefined, undefined, 3])).toEqual({
    layout: 'NHWC',
    batch: 1,
    height: undefined,
    width: undefined,
  });
  expect(() => imageInput('net.onnx', [undefined, 1, 28, 28])).toThrowErrorMatchingInlineSnapshot(
    `[ModelError: the input of net.onnx is [?, 1, 28, 28]; expected colour images, [n, 3, h, w] or [n, h, w, 3]]`,
  );
  expect(() => imageInput('net.onnx', [undefined, 784])).toThrowErrorMatchingInlineSnapshot(
    `[ModelError: the input of net.onnx is [?, 784]; expected colour images, [n, 3, h, w] or [n, h, w, 3]]`,
  );
});

test('a map is averaged over its two equal sides, or by the input’s layout where all are equal', () => {
  const data = Float32Array.from({length: 8}, (_, i) => i);
  const means = (shape: readonly number[], layout: 'NCHW' | 'NHWC' = 'NCHW') => [
    ...pooledRows({name: 'y', shape, data}, {path: 'f', layout, height: 64, width: 64}).data,
  ];
  expect(means([1, 8, 1, 1])).toEqual([...data]);
  expect(means([1, 1, 1, 8])).toEqual([...data]);
  expect(means([4, 2])).toEqual([...data]);
  expect(means([1, 2, 2, 2])).toEqual([1.5, 5.5]);
  expect(means([1, 2, 2, 2], 'NHWC')).toEqual([3, 4]);
  expect(means([2, 1, 2, 2])).toEqual([1.5, 5.5]);
  expect(() => means([8])).toThrowErrorMatchingInlineSnapshot(
    `[ModelError: the output "y" of f is [8]; expected one row for each image, [n, d], a map, [n, d, h, w] or [n, h, w, d], or tokens, [n, t, d]]`,
  );
});

test('maps have their channels last, in either layout', () => {
  const maps = (shape: readonly number[], layout: 'NCHW' | 'NHWC') => {
    const data = Float32Array.from({length: shape.reduce((a, b) => a * b)}, (_, i) => i);
    return mapsOf({name: 'y', shape, data}, {path: 'f', layout, height: 64, width: 64});
  };
  expect(maps([1, 3, 2, 2], 'NHWC')).toEqual({
    count: 1,
    height: 2,
    width: 2,
    channels: 3,
    data: Float32Array.of(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11),
  });
  expect(maps([1, 2, 2, 3], 'NCHW')).toMatchObject({height: 2, width: 2, channels: 3});
  expect([...maps([1, 2, 2, 3], 'NCHW').data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('places need a map: rows of features say so', () => {
  const output = {name: 'features', shape: [1, 8], data: new Float32Array(8)};
  expect(() => mapsOf(output, {path: 'f', layout: 'NCHW', height: 64, width: 64})).toThrow(
    'the output "features" of f is [1, 8], one row for each image; a map, [n, d, h, w] or [n, h, w, d], or tokens, [n, t, d], are needed',
  );
});

test('tokens before those of patches are left out, and the grid has the shape of the image', () => {
  const places = (tokens: number, height: number, width: number) => {
    const data = Float32Array.from({length: 2 * tokens}, (_, i) => i);
    const {data: left, ...grid} = mapsOf(
      {name: 'tokens', shape: [2, tokens, 1], data},
      {path: 'vit.onnx', layout: 'NCHW', height, width},
    );
    return {...grid, first: [left[0], left[left.length / 2]]};
  };
  const grid = (height: number, width: number) => ({count: 2, height, width, channels: 1});
  expect(places(257, 224, 224)).toEqual({...grid(16, 16), first: [1, 258]}); // DINOv2 with 14 pixels a patch: a class token
  expect(places(261, 224, 224)).toEqual({...grid(16, 16), first: [5, 266]}); // and four registers
  expect(places(256, 224, 224)).toEqual({...grid(16, 16), first: [0, 256]});
  expect(places(1 + 32 * 16, 448, 224)).toEqual({...grid(32, 16), first: [1, 514]});
  expect(() => places(4, 224, 223)).toThrowErrorMatchingInlineSnapshot(
    `[ModelError: the output "tokens" of vit.onnx is [2, 4, 1]: no part of 4 tokens is a grid for images of 224 × 223 pixels]`,
  );
});
