/**
 * Our train step, `rotation` or `contrastive`, of a ResNet-18 of some width (the same network and step as resnet_torch.py, spoken to in
 * the same way) or of EfficientNet-B0 (`efficientnet`). Words behind the engine: `unchecked`, with the library's kernels as they are,
 * wrong or not; `eager`, operation by operation; `tf32` or `bf16`.
 */
import {createInterface} from 'node:readline';
import {Rng} from '../../../dist/core/base/random.js';
import {computeIn, startEngine, tf} from '../../../dist/core/engine/engine.js';
import {resolveEngine} from '../../../dist/core/engine/install/resolve.js';
import {compile} from '../../../dist/core/nn/compile.js';
import {createWeights} from '../../../dist/core/nn/layers.js';
import {Sgd} from '../../../dist/core/nn/optimise.js';
import {contrast} from '../../../dist/domain/learners/contrastive.js';
import {classification} from '../../../dist/domain/learners/training/losses.js';
import {efficientnet} from '../../../dist/domain/networks/efficientnet.js';
import {headParameters, logits} from '../../../dist/domain/networks/head.js';
import {resnet18} from '../../../dist/domain/networks/resnet.js';

const [built, ...sizes] = process.argv.slice(2, 5);
const [batch, threads] = sizes.map(Number);
const [learner, engineName, ...words] = process.argv.slice(5);
const engine = await startEngine({
  ...(await resolveEngine(engineName, {provision: false})),
  threads,
  unchecked: words.includes('unchecked'),
});
computeIn(words.find((word) => word === 'tf32' || word === 'bf16') ?? 'float32');
const contrastive = learner === 'contrastive';
const head = contrastive ? [...Array(8).fill(512), 128] : [];
const network =
  built === 'efficientnet' ? efficientnet.create({variant: 'b0', head}) : resnet18.create({width: Number(built), head});
const side = built === 'efficientnet' ? 64 : 32;
const weights = createWeights(
  [...network.parameters(side), ...headParameters(network.features, network.head, contrastive ? 0 : 4)],
  new Rng(0),
);
const sgd = new Sgd(weights, {momentum: 0.9, decay: 3e-4});
const x = tf.randomUniform([batch, side, side, 3], 0, 1, 'float32', 1);
const labels = Int32Array.from({length: batch}, (_, i) => i % 4);

const body = ([images, rate]) => {
  const {value, grads} = tf.variableGrads(
    () =>
      contrastive
        ? contrast(network, weights, images, 0.2).loss
        : classification(logits(weights, network.pool(weights, images, {training: true})), labels).loss,
    [...sgd.trainable],
  );
  sgd.step(grads, rate);
  return [value];
};
const compiled = compile([...weights.values(), ...sgd.variables], body);
const rate = tf.scalar(0.01);
const step = words.includes('eager') ? () => tf.tidy(() => body([x, rate])[0]) : () => compiled.run([x, rate])[0];

step().dispose();
process.stdout.write(`ready ${engine.version}\n`);
for await (const line of createInterface({input: process.stdin})) {
  const start = performance.now();
  let loss;
  for (let i = 0; i < Number(line); i++) {
    loss?.dispose();
    loss = step();
  }
  await loss.data(); // what was queued is done
  process.stdout.write(`${(performance.now() - start) / 1000}\n`);
}
