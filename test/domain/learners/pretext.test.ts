/** The loss and accuracy of a learner's own task, against loops over the outputs of its encoder. */
import {expect, test} from 'vitest';
import {Rng} from '../../../src/core/base/random.ts';
import type {ImageSet, NamedArrays} from '../../../src/core/contracts/data.ts';
import type {PluginRef} from '../../../src/core/contracts/definition.ts';
import {viewMaker} from '../../../src/domain/learners/training/feed.ts';
import {fitContext, plugins, resolved} from '../../rig/learners.ts';
import {onFirstEngine} from '../../rig/tensors.ts';

const side = 16;
const network = {type: 'small', width: 4, head: [6, 5]};
const little = {network, epochs: 2, batch: 4};

function drawn(count: number): ImageSet {
  const rng = new Rng('drawn');
  const pixels = Uint8Array.from({length: count * side * side * 3}, (_, i) => (i % 97) + rng.integer(150));
  return {shape: {height: side, width: side, channels: 3}, count, pixels};
}

const [trained, held] = [drawn(12), drawn(8)];

async function weightsOf(ref: PluginRef): Promise<NamedArrays> {
  return (await plugins.create('learner', ref).fit(fitContext(trained).context)).weights;
}

function measured(ref: PluginRef, weights: NamedArrays, changes: {augment?: PluginRef[]; passes?: number} = {}) {
  const signal = new AbortController().signal;
  const context = {images: held, weights, augment: [], passes: 2, rng: new Rng('pretext'), signal, plugins, ...changes};
  return plugins.create('learner', ref).pretext!(context);
}

/** One layer of the network, of each view of one image in one pass. */
async function viewRows(
  ref: PluginRef,
  weights: NamedArrays,
  layer: string,
  pass: number,
  image: number,
  augment: readonly PluginRef[] = [],
) {
  const maker = viewMaker({images: held, learner: ref, augment, plugins, stream: new Rng('pretext').path});
  const encoder = plugins.create('learner', ref).encoder(weights, plugins);
  const views = maker.views(pass, image);
  const copies: ImageSet = {...held, count: views.length};
  const {data, columns} = await encoder.embed(copies, layer, (_, i) => views[i]!);
  encoder.dispose();
  return views.map((_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)));
}

onFirstEngine(() => {
  test('rotation: the mean over all turns of -log p(the right turn)', async () => {
    const ref = resolved('learner', {type: 'rotation', ...little});
    const weights = await weightsOf(ref);
    const encoder = plugins.create('learner', ref).encoder(weights, plugins);
    const {data} = await encoder.embed(held, 'rotation');
    encoder.dispose();
    const expected = -data.reduce((sum, value) => sum + value / data.length, 0);
    const {loss, accuracy} = await measured(ref, weights);
    expect(loss).toBeCloseTo(expected, 4);
    expect(accuracy).toBeGreaterThanOrEqual(0);
    expect(accuracy).toBeLessThanOrEqual(1);
  });

  test('cutpaste: cross-entropy and accuracy of the classes of all views, drawn as in training', async () => {
    const ref = resolved('learner', {type: 'cutpaste', ...little, steps_per_epoch: 3});
    const weights = await weightsOf(ref);
    let [loss, right, rows] = [0, 0, 0];
    for (let pass = 0; pass < 2; pass++)
      for (let image = 0; image < held.count; image++)
        for (const [view, row] of (await viewRows(ref, weights, 'classes', pass, image)).entries()) {
          loss -= row[view]!;
          right += row.indexOf(Math.max(...row)) === view ? 1 : 0;
          rows++;
        }
    const found = await measured(ref, weights);
    expect(found.loss).toBeCloseTo(loss / rows, 4);
    expect(found.accuracy).toBeCloseTo(right / rows, 6);
  });

  test('contrastive: InfoNCE of whole batches in double precision', async () => {
    const ref = resolved('learner', {type: 'contrastive', ...little, temperature: 0.5});
    const weights = await weightsOf(ref);
    const augment = [resolved('transform', {type: 'crop', min_side: 0.5})];
    const stream = new Rng('pretext').path;
    const unit = (row: readonly number[]) => row.map((value) => value / Math.hypot(...row));
    let [loss, right, rows] = [0, 0, 0];
    for (let pass = 0; pass < 2; pass++) {
      const order = new Rng(`${stream}/order/${pass}`).permutation(held.count);
      for (let first = 0; first < held.count; first += 4) {
        const views: number[][][] = [];
        for (const image of order.subarray(first, first + 4))
          views.push((await viewRows(ref, weights, 'embed', pass, image, augment)).map(unit));
        for (const [i, [anchor]] of views.entries()) {
          const cosines = views.map(
            ([, other]) => anchor!.reduce((sum, value, at) => sum + value * other![at]!, 0) / 0.5,
          );
          loss += Math.log(cosines.reduce((sum, cosine) => sum + Math.exp(cosine), 0)) - cosines[i]!;
          right += cosines.indexOf(Math.max(...cosines)) === i ? 1 : 0;
          rows++;
        }
      }
    }
    const found = await measured(ref, weights, {augment});
    expect(found.loss).toBeCloseTo(loss / rows, 4);
    // Of two cosines that differ in their last digits, either may be the larger in single precision.
    expect(Math.abs(found.accuracy! - right / rows)).toBeLessThan(1.5 / rows);
  });

  test('denoising has a loss and no accuracy, and the draw is the same each time', async () => {
    const ref = resolved('learner', {type: 'denoising', ...little, network: {...network, head: []}});
    const weights = await weightsOf(ref);
    const augment = [resolved('transform', {type: 'hflip'})];
    const [one, same] = [await measured(ref, weights, {augment}), await measured(ref, weights, {augment})];
    expect(one).toEqual({loss: expect.any(Number)});
    expect(one.loss).toBeGreaterThan(0);
    expect(same).toEqual(one);
    expect((await measured(ref, weights, {augment, passes: 1})).loss).not.toBe(one.loss);
  });
});

test('learners without a task have none', () => {
  expect(plugins.create('learner', resolved('learner', {type: 'untrained'})).pretext).toBeUndefined();
});
