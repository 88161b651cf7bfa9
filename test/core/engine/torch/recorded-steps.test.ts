/** What is recorded of each learner's and each network's step: whether a GPU can have it as one CUDA graph. */
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {Rng} from '../../../../src/core/base/random.ts';
import type {ImageSet} from '../../../../src/core/contracts/data.ts';
import type {FitContext} from '../../../../src/core/contracts/learner.ts';
import type {ResolvedEngine} from '../../../../src/core/engine/contract.ts';
import {startEngine, type Tensor, type Tensor4D, tf} from '../../../../src/core/engine/engine.ts';
import type {Binding, NodeBackend} from '../../../../src/core/engine/tensorflow/binding.ts';
import {compile} from '../../../../src/core/nn/compile.ts';
import {createWeights, disposeWeights, weightsFromArrays, weightsToArrays} from '../../../../src/core/nn/layers.ts';
import {openEncoder, ownLayers} from '../../../../src/domain/learners/encoder.ts';
import {partsOf} from '../../../../src/domain/learners/explain.ts';
import {resnet18} from '../../../../src/domain/networks/resnet.ts';
import {fitContext, plugins, resolved} from '../../../rig/learners.ts';
import {engines} from '../../../rig/tensors.ts';

type Options = {readonly [option: string]: unknown};

interface Recorded {
  readonly isCapturable: boolean;
  readonly operations: readonly string[];
}

interface Recording {
  readonly steps: readonly {readonly operation: string}[];
}

const small = {type: 'small', width: 4, head: [8]};

const learners: {readonly [name: string]: {readonly options: Options; readonly context?: Partial<FitContext>}} = {
  rotation: {options: {type: 'rotation', network: small}},
  'rotation with a hidden layer before its classes': {options: {type: 'rotation', network: {...small, head: [8, 8]}}},
  'rotation of patches': {options: {type: 'rotation', network: small, patch: 16}},
  'rotation by adam': {
    options: {type: 'rotation', network: small, optimizer: {type: 'adam', learning_rate: 1e-3}},
  },
  contrastive: {options: {type: 'contrastive', network: small}},
  'contrastive with distribution augmentation': {
    options: {type: 'contrastive', network: small},
    context: {
      distributionAugmentation: [[{type: 'rotate90'}], [{type: 'rotate180'}]].map((copy) =>
        copy.map((ref) => resolved('transform', ref)),
      ),
    },
  },
  cutpaste: {options: {type: 'cutpaste', network: small, steps_per_epoch: 1}},
  'cutpaste whose head is trained first, with normalisations that do not change': {
    options: {
      type: 'cutpaste',
      network: small,
      steps_per_epoch: 1,
      head_first: {epochs: 1, learning_rate: 0.01},
      freeze: 'batch-norm',
    },
  },
  csi: {options: {type: 'csi', network: small}},
  nsa: {options: {type: 'nsa', network: small}},
  denoising: {options: {type: 'denoising', network: small}},
};

const networks: {readonly [name: string]: Options} = {
  ...Object.fromEntries(
    ['resnet10', 'resnet18', 'resnet34', 'resnet50'].map((type) => [type, {type, width: 0.0625, head: []}]),
  ),
  'efficientnet b0': {type: 'efficientnet', variant: 'b0', head: []},
};

function images(count: number, side: number): ImageSet {
  const rng = new Rng('images');
  const pixels = Uint8Array.from({length: count * side * side * 3}, () => rng.integer(256));
  return {shape: {height: side, width: side, channels: 3}, count, pixels};
}

const {torch} = engines;
describe.skipIf(typeof torch === 'string')(`recorded steps (${typeof torch === 'string' ? torch : 'torch'})`, () => {
  let backend: NodeBackend;
  let real: Binding & {
    createProgram(recording: Recording): number;
    isCapturable(program: number): boolean;
  };
  let made: Recorded[] = [];

  beforeAll(async () => {
    await startEngine(torch as ResolvedEngine);
    backend = tf.backend() as unknown as NodeBackend;
    real = backend.binding as typeof real;
    const createProgram = (recording: Recording): number => {
      const program = real.createProgram(recording);
      const operations = recording.steps.map(({operation}) => operation);
      made.push({isCapturable: real.isCapturable(program), operations});
      return program;
    };
    backend.binding = new Proxy({} as Binding, {
      get: (_, name) => (name === 'createProgram' ? createProgram : Reflect.get(real, name)),
    });
  });

  afterAll(() => {
    backend.binding = real;
  });

  /** What is recorded while one epoch of one step is trained. */
  async function recordedOf(options: Options, side: number, changes: Partial<FitContext> = {}) {
    made = [];
    const learner = plugins.create('learner', resolved('learner', {epochs: 1, batch: 2, ...options} as never));
    const {weights} = await learner.fit(fitContext(images(2, side), changes).context);
    return {learner, weights, recorded: made};
  }

  test.for(Object.entries(learners))('%s: each step can be captured', async ([, {options, context}]) => {
    const {recorded} = await recordedOf(options, 32, context);
    expect(recorded.length).toBe('head_first' in options ? 2 : 1);
    expect(recorded.map(({isCapturable}) => isCapturable)).toEqual(recorded.map(() => true));
  });

  test('no learner that trains is missing above', () => {
    const tried = new Set(Object.values(learners).map(({options}) => options['type']));
    const training = plugins.names('learner').filter((name) => plugins.get('learner', name).trains);
    expect(training.filter((name) => !tried.has(name))).toEqual([]);
  });

  test.for(Object.entries(networks))('%s: a step and an embedding can be captured', async ([, network]) => {
    // From 128 pixels on, a ResNet has a stem with max-pooling.
    for (const side of network['type'] === 'resnet18' ? [32, 64, 128] : [32]) {
      const {weights, recorded} = await recordedOf({type: 'rotation', network}, side);
      const variables = weightsFromArrays(weights);
      const {pool} = plugins.create('network', resolved('network', network as never));
      const embed = compile([...variables.values()], ([x]) => [pool(variables, x as Tensor4D, {training: false})]);
      const x = tf.ones([2, side, side, 3]);
      tf.dispose([x, embed.run([x])]);
      embed.dispose();
      disposeWeights(variables);
      expect(recorded.map(({isCapturable}) => isCapturable)).toEqual([true, true]);
      expect(recorded.some(({operations}) => operations.includes('MaxPoolGrad'))).toBe(side === 128);
    }
  });

  test('maps are recorded once, after many images, without what is above them', async () => {
    made = [];
    const network = resnet18.create({width: 0.0625, head: []});
    const weights = createWeights(network.parameters(256), new Rng(0));
    const encoder = openEncoder(await weightsToArrays(weights), ownLayers(network), partsOf(network));
    disposeWeights(weights);
    await encoder.maps!(images(26, 256), ['stage2']);
    expect(made.map(({isCapturable}) => isCapturable)).toEqual([true]);
    // Of the stem and of two blocks a stage, whose first has one more, beside its two.
    expect(made[0]!.operations.filter((operation) => operation === 'Conv2D')).toHaveLength(1 + 5 + 5);
    encoder.dispose();
  });

  test.for([
    // An axis that is computed has to be read there: here it is 0.
    [
      'that reads on the CPU what it has computed cannot',
      false,
      (x: Tensor) => {
        const axis = tf.cast(tf.mul(tf.sum(x), 0), 'int32');
        return backend.executeSingleOutput('Sum', [], [x, axis]);
      },
    ],
    // Its operation makes its numbers there.
    ['that counts cannot', false, (x: Tensor) => tf.mul(x, tf.range(0, 2))],
    ['that fills a tensor can', true, (x: Tensor) => tf.mul(x, tf.fill([3, 2], 7))],
    [
      'that resizes images can',
      true,
      (x: Tensor) => tf.image.resizeBilinear(tf.reshape(x, [1, 2, 1, 1]) as Tensor4D, [5, 7]),
    ],
  ] as const)('a step %s', ([, can, body]) => {
    made = [];
    const x = tf.tensor1d([1, 2]);
    const step = compile([], ([given]) => [body(given!)]);
    const eager = tf.tidy(() => body(x));
    const results = [...step.run([x]), ...step.run([x])];
    for (const result of results) expect(result.dataSync()).toEqual(eager.dataSync());
    expect(made.map(({isCapturable}) => isCapturable)).toEqual([can]);
    step.dispose();
    tf.dispose([x, eager, ...results]);
  });
});
