/**
 * Computes two dozen convolutions and a small ResNet's gradients on TensorFlow, under the instruction set that the environment names, and
 * holds the convolutions against float64 loops, the ResNet against wasm. Prints one line of JSON: what was wrong, how many kernels were
 * replaced. Arguments: the library's folder.
 */
import {Rng} from '../../dist/core/base/random.js';
import {takeKernelChecks} from '../../dist/core/engine/check/findings.js';
import {startEngine, tf} from '../../dist/core/engine/engine.js';
import {conv2d} from '../../dist/core/nn/convolution.js';
import {createWeights, disposeWeights} from '../../dist/core/nn/layers.js';
import {resnet18} from '../../dist/domain/networks/resnet.js';
import {convolution, convolutionInputs, relativeError} from './convolution-loops.js';

const tensorflow = {name: 'tensorflow', library: process.argv[2], threads: 2};
const wasm = {name: 'wasm', threads: 1};
const wrong = [];

/** Channels with remainders of whole blocks, each with each filter and stride; small otherwise. */
const channels = [3, 17, 40, 65];
const shapes = [1, 3, 5].flatMap((k) =>
  [1, 2].flatMap((stride) => channels.map((c, i) => ({n: 2, h: 8, w: 8, c, f: channels.at(i - 1), k, stride}))),
);

await startEngine(tensorflow);
for (const shape of shapes) {
  const {n, h, w, c, f, k, stride} = shape;
  const given = convolutionInputs(shape);
  const want = convolution(shape, given);
  const inputs = [tf.tensor(given.x, [n, h, w, c]), tf.tensor(given.filter, [k, k, c, f])];
  const dy = tf.tensor(given.dy, [n, h / stride, w / stride, f]);
  const {value, grads} = tf.valueAndGrads((a, b) => conv2d(a, b, stride))(inputs, dy);
  for (const [name, got] of Object.entries({y: value, dx: grads[0], dfilter: grads[1]})) {
    const error = relativeError(got.dataSync(), want[name]);
    if (!(error < 1e-5)) wrong.push({name, ...shape, error});
  }
  tf.dispose([inputs, dy, value, grads]);
}

/**
 * Of ResNet-18 at width 0.75: 48, 96, 192, 384 channels. Shifts far above 0 keep almost all units of its ReLUs on: one near 0 may be on or
 * off as values are rounded, which moves gradients by hundredths.
 */
function gradients() {
  const network = resnet18.create({width: 0.75, head: []});
  const weights = createWeights(network.parameters(32), new Rng(1));
  for (const [name, variable] of weights) if (name.endsWith('/beta')) variable.assign(tf.fill(variable.shape, 4));
  const x = tf.tensor(convolutionInputs({n: 2, h: 32, w: 32, c: 3, f: 1, k: 1, stride: 1}).x, [2, 32, 32, 3]);
  const slopes = tf.randomUniform([2, network.features], -1, 1, 'float32', 1);
  const loss = () => tf.sum(tf.mul(network.pool(weights, x, {training: true}), slopes));
  const {value, grads} = tf.variableGrads(
    loss,
    [...weights.values()].filter(({trainable}) => trainable),
  );
  const names = new Map([...weights].map(([name, {name: id}]) => [id, name]));
  const found = Object.fromEntries(Object.entries(grads).map(([id, slope]) => [names.get(id), slope.dataSync()]));
  tf.dispose([value, grads, x, slopes]);
  disposeWeights(weights);
  return found;
}

const ours = gradients();
const {kernels, replaced} = takeKernelChecks();
await startEngine(wasm);
for (const [name, want] of Object.entries(gradients())) {
  const error = relativeError(ours[name], want);
  if (!(error < 2e-3)) wrong.push({name, error}); // float32 on both sides, through twenty normalisations
}
process.stdout.write(`${JSON.stringify({wrong, kernels: kernels.length, replaced: replaced.length})}\n`);
