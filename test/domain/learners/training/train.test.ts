import {describe, expect, test} from 'vitest';
import {Rng} from '../../../../src/core/base/random.ts';
import type {ImageSet} from '../../../../src/core/contracts/data.ts';
import type {Checkpoints, FitContext, TrainingRefinement} from '../../../../src/core/contracts/learner.ts';
import {tf} from '../../../../src/core/engine/engine.ts';
import {fitContext, plugins, resolved} from '../../../rig/learners.ts';
import {expectClose, onFirstEngine} from '../../../rig/tensors.ts';

/** Grey ramps from dark above to bright below, each with noise of its own: which turn they had is plain to see. */
function ramps(count: number): ImageSet {
  const rng = new Rng('ramps');
  const pixels = Uint8Array.from({length: count * 1024}, (_, i) => 6 * (Math.floor(i / 32) % 32) + rng.integer(60));
  return {shape: {height: 32, width: 32, channels: 1}, count, pixels};
}

interface World {
  readonly options?: {readonly [option: string]: unknown};
  readonly images?: ImageSet;
}

async function learn({options = {}, images = ramps(16)}: World) {
  const ref = resolved('learner', {
    type: 'rotation',
    network: {type: 'small', width: 4, head: [16, 8]},
    epochs: 6,
    batch: 8,
    ...options,
  });
  const learner = plugins.create('learner', ref);
  const {context, reports, warnings} = fitContext(images);
  const result = await learner.fit(context);
  return {...result, learner, warnings, reports};
}

onFirstEngine(() => {
  test('the loss falls from that of guessing, and the turns are recognised', async () => {
    const {curve, weights, learner, warnings} = await learn({options: {epochs: 12, optimizer: {learning_rate: 0.05}}});
    expect(curve[0]!.loss).toBeGreaterThan(0.5);
    expect(curve.at(-1)!.loss).toBeLessThan(0.1);
    expect(curve.at(-1)!.accuracy).toBeGreaterThan(0.95);
    expect(warnings).toEqual([]);
    // The encoder turns images itself: by the same turns in the same order as the training did.
    const encoder = learner.encoder(weights, plugins);
    const logProbability = await encoder.embed(ramps(16), 'rotation');
    expect(logProbability.columns).toBe(4);
    expect(Math.max(...logProbability.data)).toBeLessThanOrEqual(0);
    expect(logProbability.data.reduce((sum, v) => sum + v, 0) / 64).toBeGreaterThan(-0.7);
    expect((await encoder.embed(ramps(2), 'pool')).columns).toBe(32);
    expect((await encoder.embed(ramps(2), 'embed')).columns).toBe(8);
    encoder.dispose();
  });

  test('the rate follows the schedule, and weights move', async () => {
    const {curve, weights} = await learn({options: {epochs: 2, optimizer: {learning_rate: 0.02}}});
    expectClose(
      curve.map(({learningRate}) => learningRate),
      [0.02, 0.01],
      {relative: 1e-9},
    );
    expect(weights.get('head/logits/bias')!.data.some((v) => v !== 0)).toBe(true);
    expect(weights.get('bn1/variance')!.data.some((v) => v !== 1)).toBe(true);
  });

  test('with Adam and another schedule it learns as well; a training that ended early goes on to the same bits', async () => {
    const options = {epochs: 8, optimizer: {type: 'adam', learning_rate: 0.01, schedule: 'linear'}};
    const {curve, weights, learner} = await learn({options});
    expect(curve.at(-1)!.loss).toBeLessThan(0.3 * curve[0]!.loss);
    expect(curve[4]!.learningRate).toBeCloseTo(0.005, 9);
    let saved: Awaited<ReturnType<Checkpoints['load']>>;
    const checkpoints: Checkpoints = {
      load: async () => saved,
      save: async (arrays, meta) => {
        saved = {arrays, meta};
      },
      due: () => false,
    };
    await learner.fit({...fitContext(ramps(16)).context, checkpoints, until: 3});
    const whole = await learner.fit({...fitContext(ramps(16)).context, checkpoints});
    expect(whole.curve).toEqual(curve);
    expect(new Map(whole.weights)).toEqual(new Map(weights));
  });

  test('refined, it goes on without what is removed, and from a checkpoint to the same bits', async () => {
    const images = ramps(40);
    const options = {type: 'rotation', network: {type: 'small', width: 4, head: [8]}, epochs: 5, batch: 8};
    const learner = plugins.create('learner', resolved('learner', options));
    const judged: {readonly rows: number; readonly epochs: number}[] = [];
    const refinement: TrainingRefinement = {
      layer: 'pool',
      isDue: (epochs) => epochs === 1 || epochs === 3,
      remove({rows}, epochs) {
        judged.push({rows, epochs});
        return Uint32Array.from({length: epochs === 1 ? 24 : 8}, (_, i) => i);
      },
    };
    const trained = async (changes: Partial<FitContext>) => {
      const {context, reports} = fitContext(images, {refinement, ...changes});
      return {
        ...(await learner.fit(context)),
        steps: reports.filter(({step, steps}) => step === steps - 1).map(({steps}) => steps),
      };
    };
    const whole = await trained({});
    // 40 images, then 16, then 32 of them: each time all 40 are judged.
    expect(whole.steps).toEqual([5, 2, 2, 4, 4]);
    expect(judged).toEqual([
      {rows: 40, epochs: 1},
      {rows: 40, epochs: 3},
    ]);
    expect([...whole.removed!].map(([epoch, {length}]) => [epoch, length])).toEqual([
      [1, 24],
      [3, 8],
    ]);
    const plain = await learner.fit(fitContext(images).context);
    expect(plain.curve[0]).toEqual(whole.curve[0]);
    expect(plain.curve[1]).not.toEqual(whole.curve[1]);
    expect(plain).not.toHaveProperty('removed');
    for (const until of [1, 2]) {
      let saved: Awaited<ReturnType<Checkpoints['load']>>;
      const checkpoints: Checkpoints = {
        load: async () => saved,
        save: async (arrays, meta) => {
          saved = {arrays, meta};
        },
        due: () => false,
      };
      await trained({checkpoints, until});
      const resumed = await trained({checkpoints});
      expect(resumed.curve).toEqual(whole.curve);
      expect(new Map(resumed.weights)).toEqual(new Map(whole.weights));
      expect(resumed.removed).toEqual(whole.removed);
    }
  });

  test('fewer images than a batch make one step of all images, with a warning', async () => {
    const {reports, warnings} = await learn({images: ramps(3), options: {epochs: 2}});
    expect(reports.map(({steps}) => steps)).toEqual([1, 1]);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "the 3 training images do not fill a batch of 8: each step takes all 3 of them",
      ]
    `);
  });

  test('without a head it is RotNet: logits straight on the pooled feature', async () => {
    const {weights} = await learn({options: {epochs: 1, network: {type: 'small', width: 4, head: []}}});
    expect([...weights.keys()].filter((name) => name.startsWith('head/'))).toEqual([
      'head/logits/kernel',
      'head/logits/bias',
    ]);
  });

  describe('stops or warns when training fails:', () => {
    const message = async (world: World) => {
      const before = tf.memory().numTensors;
      const error = await learn(world).then(
        () => undefined,
        (reason: Error) => `${reason.name}: ${reason.message}`,
      );
      expect(tf.memory().numTensors).toBe(before);
      return error;
    };

    test('the loss is not a number', async () => {
      expect(await message({options: {optimizer: {learning_rate: 1e30, weight_decay: 1}}})).toMatchInlineSnapshot(
        `"TrainingError: the loss is NaN in epoch 1, by step 2 of 2: training has diverged. Try a lower optimizer.learning_rate (now 1e+30) or a larger batch (now 8)."`,
      );
    });

    test('all features are equal', async () => {
      const images = {...ramps(8), pixels: new Uint8Array(8 * 1024).fill(100)};
      expect(await message({images})).toMatchInlineSnapshot(
        `"TrainingError: after epoch 1 all images have the same features: training has collapsed. Try a lower optimizer.learning_rate (now 0.01), a lower optimizer.weight_decay (now 0.0003) or a larger batch (now 8), and check that the images differ."`,
      );
    });

    test('images that are not square', async () => {
      const images: ImageSet = {shape: {height: 16, width: 64, channels: 1}, count: 16, pixels: ramps(16).pixels};
      expect(await message({images})).toMatchInlineSnapshot(
        `"Error: networks take square images, but these are 64×16 pixels"`,
      );
    });

    test('the loss stays that of guessing', async () => {
      // Noise has no upright position: untaught, no network tells its turns apart.
      const rng = new Rng('noise');
      const images = {...ramps(16), pixels: Uint8Array.from({length: 16 * 1024}, () => rng.integer(256))};
      const {warnings} = await learn({images, options: {epochs: 1, optimizer: {learning_rate: 1e-9}}});
      expect(warnings.map((warning) => warning.replace(/loss is \d\.\d+/, 'loss is #'))).toMatchInlineSnapshot(`
        [
          "the last epoch's loss is #, and guessing gives 1.386: the network has learnt almost nothing in 1 epoch. Try more epochs or another optimizer.learning_rate.",
        ]
      `);
    });
  });
});
