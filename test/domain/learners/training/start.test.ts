/** Weights from a file: found, taken by the learners that start from them, and refused where they are of another network. */
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, expect, test} from 'vitest';
import {Rng} from '../../../../src/core/base/random.ts';
import type {ImageSet, NamedArrays} from '../../../../src/core/contracts/data.ts';
import {startValues} from '../../../../src/core/nn/layers.ts';
import {efficientnet} from '../../../../src/domain/networks/efficientnet.ts';
import {headParameters} from '../../../../src/domain/networks/head.ts';
import {fitContext, plugins, resolved} from '../../../rig/learners.ts';
import {expectClose, onFirstEngine} from '../../../rig/tensors.ts';
import {World} from '../../../rig/world.ts';
import {pattern} from '../../networks/pattern.ts';

const tiny = fileURLToPath(new URL('../../../fixtures/networks/tiny.safetensors', import.meta.url));
const b0 = {type: 'efficientnet', variant: 'b0', head: [8]};

/** A state dict as torchvision's B0 has it, of weights that are ours at the start of another seed. */
function stateDict(): {readonly ours: NamedArrays; readonly theirs: NamedArrays} {
  const network = efficientnet.create(b0 as never);
  const ours = new Map<string, {readonly shape: readonly number[]; readonly data: Float32Array}>();
  const theirs: typeof ours = new Map();
  for (const [at, spec] of network.parameters(32).entries()) {
    const {name, shape} = spec;
    const size = shape.reduce((product, side) => product * side, 1);
    const moved = Float32Array.from(pattern(size, at + 1), (u) => (/(gamma|variance)$/.test(name) ? 1 : 0) + 0.1 * u);
    const data = shape.length > 1 ? startValues(spec, new Rng('elsewhere')) : moved;
    ours.set(name, {shape, data});
    const [inputs = 1, outputs = 1] = shape.slice(-2);
    const turned = [outputs, inputs, ...shape.slice(0, -2)];
    const places = size / (inputs * outputs);
    const values = Float32Array.from(data, (_, i) => {
      const [o, c, place] = [Math.floor(i / (inputs * places)), Math.floor(i / places) % inputs, i % places];
      return data[(place * inputs + c) * outputs + o]!;
    });
    const stored = shape.length > 1 ? {shape: turned, data: values} : {shape, data};
    theirs.set(network.torchName!(name), stored);
  }
  return {ours, theirs};
}

function writeTensors(path: string, tensors: NamedArrays): void {
  let at = 0;
  const entries = [...tensors].map(([name, {shape, data}]) => {
    const data_offsets = [at, at + data.byteLength];
    at += data.byteLength;
    return [name, {dtype: 'F32', shape, data_offsets}] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(
    path,
    Buffer.concat([length, header, ...[...tensors.values()].map(({data}) => Buffer.from(data.buffer))]),
  );
}

/** vitest's own comparison takes half a minute for four million numbers. */
const sameBits = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

const world = new World();
afterAll(() => world[Symbol.dispose]());
const file = join(world.root, 'b0.safetensors');
const {ours, theirs} = stateDict();
writeTensors(file, theirs);

const images: ImageSet = {
  shape: {height: 32, width: 32, channels: 3},
  count: 4,
  pixels: Uint8Array.from(pattern(4 * 32 * 32 * 3, 5), (u) => Math.floor(128 + 127.9 * u)),
};
const create = (type: string, options: object) =>
  plugins.create('learner', resolved('learner', {type, network: b0, start: file, ...options}));
const filesOf = (type: string, start: string) => {
  const found = plugins.get('learner', type).files!({start} as never);
  return found.ok
    ? found.value
    : found.failures.map(({message, hint}) => `${message} | ${hint}`.replaceAll(world.root, '.'));
};

test.for(['untrained', 'cutpaste'])('%s finds the file, or says what is wrong with it', (type) => {
  expect(filesOf(type, file)).toEqual([{name: 'start', path: file}]);
  expect(plugins.get('learner', type).files!({} as never)).toMatchObject({ok: true, value: []});
  const checkpoint = world.write('b0.pth', 'PK\u0003\u0004 and what torch.save puts behind it');
  expect([filesOf(type, join(world.root, 'none')), filesOf(type, checkpoint)]).toMatchInlineSnapshot(`
    [
      [
        "there is no file ./none | Save torchvision’s state dict of the network with safetensors.torch.save_file(model.state_dict(), "….safetensors").",
      ],
      [
        "./b0.pth is not a safetensors file: it has no header | Save torchvision’s state dict of the network with safetensors.torch.save_file(model.state_dict(), "….safetensors").",
      ],
    ]
  `);
});

onFirstEngine(() => {
  test('untrained gives the features of exactly that network, also at level 7', async () => {
    const learner = create('untrained', {});
    const {context} = fitContext({...images, count: 0, pixels: new Uint8Array(0)});
    const {weights, curve} = await learner.fit(context);
    expect(curve).toEqual([]);
    expect([...weights.keys()]).toEqual([...ours.keys()]);
    for (const [name, {shape, data}] of ours) {
      const came = weights.get(name)!;
      expect([came.shape, sameBits(came.data, data)], name).toEqual([shape, true]);
    }
    const encoder = learner.encoder(weights, plugins);
    const level = await encoder.embed(images, 'level-7');
    expect([level.rows, level.columns]).toEqual([4, 320]);
    encoder.dispose();
  });

  test('cutpaste starts from the pretrained weights', async () => {
    const still = {epochs: 1, steps_per_epoch: 1, batch: 2, freeze: 'batch-norm', optimizer: {learning_rate: 1e-30}};
    const learner = create('cutpaste', still);
    const {context} = fitContext(images);
    const {weights} = await learner.fit(context);
    for (const [name, {data}] of ours) expectClose(weights.get(name)!.data, data);
    const head = headParameters(1280, b0.head, 3).map(({name}) => name);
    expect([...weights.keys()].filter((name) => !ours.has(name))).toEqual(head);
  });

  test('weights of another network are refused by name', async () => {
    const problem = async (options: object) =>
      create('untrained', options)
        .fit(fitContext(images).context)
        .then(
          () => 'none',
          ({message, hint}: Error & {hint: string}) =>
            `${message}. ${hint}`.replaceAll(world.root, '.').replace(tiny, 'tiny'),
        );
    expect([
      await problem({start: tiny}),
      await problem({network: {type: 'efficientnet', variant: 'b1'}}),
      await problem({network: 'small'}),
    ]).toMatchInlineSnapshot(`
      [
        "tiny does not belong to this network: it has no "features.0.0.weight". Save torchvision’s state dict of the network with safetensors.torch.save_file(model.state_dict(), "….safetensors").",
        "./b0.safetensors does not belong to this network: it has no "features.1.1.block.0.0.weight". Save torchvision’s state dict of the network with safetensors.torch.save_file(model.state_dict(), "….safetensors").",
        ""pretrained_weights" names a file, but torchvision has no network that is built like this one. Remove "pretrained_weights", or use the network efficientnet.",
      ]
    `);
  });
});
