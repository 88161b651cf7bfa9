/**
 * A training of rotation prediction by `train` itself, or its parts: reads numbers of steps, answers with seconds. Behind what is done:
 * engine, width and images a batch.
 */
import {createInterface} from 'node:readline';
import {plugins as builtin} from '../../../dist/builtin.js';
import {Rng} from '../../../dist/core/base/random.js';
import {startEngine, tf} from '../../../dist/core/engine/engine.js';
import {resolveEngine} from '../../../dist/core/engine/install/resolve.js';
import {compile} from '../../../dist/core/nn/compile.js';
import {createWeights, denseParameters} from '../../../dist/core/nn/layers.js';
import {Sgd} from '../../../dist/core/nn/optimise.js';
import {checkPlugin} from '../../../dist/core/plugin/check.js';
import {Plugins} from '../../../dist/core/plugin/registry.js';
import {classifyViews} from '../../../dist/domain/learners/classify-views.js';
import {rotation} from '../../../dist/domain/learners/rotation.js';
import {openFeed} from '../../../dist/domain/learners/training/feed.js';
import {resnet18} from '../../../dist/domain/networks/resnet.js';

/** fed: batches as they come; at-hand: the same batch again and again; alone: batches, and no training. */
const [how, engineName = 'tensorflow', width = '0.25', size = '16'] = process.argv.slice(2);
const [batch, views] = [Number(size), 4];
const plugins = new Plugins(builtin, [{url: new URL('../../../dist/builtin.js', import.meta.url).href}]);
const resolved = (kind, ref) => checkPlugin(plugins, kind, ref).value;
const rng = new Rng(0);
const images = {
  shape: {height: 32, width: 32, channels: 3},
  count: 512,
  pixels: Uint8Array.from({length: 512 * 32 * 32 * 3}, () => rng.integer(256)),
};
const feed = openFeed({
  images,
  learner: resolved('learner', {type: 'rotation'}),
  augment: rotation.augment.map((ref) => resolved('transform', ref)),
  plugins,
  stream: 'bench',
  batch,
  epochs: 1e6,
  startEpoch: 0,
  dropLast: true,
});
const engine = await startEngine(await resolveEngine(engineName, {provision: false}));
const network = resnet18.create({width: Number(width), head: []});
const weights = createWeights(
  [...network.parameters(32), ...denseParameters('head/logits', network.features, views, {bias: true})],
  new Rng(0),
);
const sgd = new Sgd(weights, {momentum: 0.9, decay: 3e-4});

const compiled = compile([...weights.values(), ...sgd.variables], ([x, rate]) => {
  const {value, grads} = tf.variableGrads(() => classifyViews(network, weights, x, views).loss, [...sgd.trainable]);
  sgd.step(grads, rate);
  return [value];
});
const rate = tf.scalar(0.01);
const step = (pixels) => {
  const x = tf.tensor4d(pixels, [batch * views, 32, 32, 3]);
  const [loss] = compiled.run([x, rate]);
  x.dispose();
  return loss;
};

const first = Float32Array.from((await feed.next()).images);
if (how === 'at-hand') await feed.close();
if (how !== 'alone') step(first).dispose();
process.stdout.write(`ready ${engine.version}\n`);
for await (const line of createInterface({input: process.stdin})) {
  const start = performance.now();
  let loss;
  for (let i = 0; i < Number(line); i++) {
    const pixels = how === 'at-hand' ? first : (await feed.next()).images;
    loss?.dispose();
    if (how !== 'alone') loss = step(pixels);
  }
  // What was queued is done: a training, too, reads its losses later.
  await loss?.data();
  loss?.dispose();
  process.stdout.write(`${(performance.now() - start) / 1000}\n`);
}
await feed.close();
