/** The 3 × 3 convolutions of ResNet-18 width 1/4 on wasm, forward or their gradients: numbers of rounds in, seconds out. */
import {createInterface} from 'node:readline';
import {startEngine, tf} from '../../../dist/core/engine/engine.js';
import {resolveEngine} from '../../../dist/core/engine/install/resolve.js';

const which = process.argv[2];
const engine = await startEngine(await resolveEngine('wasm', {provision: false}));
/** Side, inputs, outputs, stride, how often. */
const shapes = [
  [32, 64, 16, 1, 1],
  [32, 16, 16, 1, 3],
  [32, 16, 32, 2, 1],
  [16, 32, 32, 1, 3],
  [16, 32, 64, 2, 1],
  [8, 64, 64, 1, 3],
  [8, 64, 128, 2, 1],
  [4, 128, 128, 1, 3],
];
const jobs = shapes.flatMap(([side, inputs, outputs, stride, times]) => {
  const x = tf.randomUniform([64, side, side, inputs], 0, 1, 'float32', 1);
  const filter = tf.randomUniform([3, 3, inputs, outputs], 0, 1, 'float32', 2);
  const dy = tf.onesLike(tf.conv2d(x, filter, stride, 'same'));
  const attrs = {strides: [stride, stride], pad: 'same', dataFormat: 'NHWC', dimRoundingMode: null};
  const run = {
    forward: () => tf.conv2d(x, filter, stride, 'same'),
    filter: () => tf.engine().runKernel('Conv2DBackpropFilter', {x, dy}, {...attrs, filterShape: filter.shape}),
    input: () => tf.engine().runKernel('Conv2DBackpropInput', {dy, filter}, {...attrs, inputShape: x.shape}),
  }[which];
  return Array.from({length: times}, () => run);
});
process.stdout.write(`ready ${engine.version}\n`);
for await (const line of createInterface({input: process.stdin})) {
  const start = performance.now();
  for (let i = 0; i < Number(line); i++) for (const run of jobs) run().dispose();
  process.stdout.write(`${(performance.now() - start) / 1000}\n`);
}
