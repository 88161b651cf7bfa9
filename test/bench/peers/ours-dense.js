/**
 * Features of all 32-pixel windows (every 8) of 256-pixel images by ResNet-18, or with the word `maps` the maps of its second and third stage of whole
 * images: numbers of images in, seconds out. Arguments: the engine, the width (default: 1/4), the word.
 */
import {createInterface} from 'node:readline';
import {Rng} from '../../../dist/core/base/random.js';
import {startEngine} from '../../../dist/core/engine/engine.js';
import {resolveEngine} from '../../../dist/core/engine/install/resolve.js';
import {cutWindows} from '../../../dist/core/images/windows.js';
import {createWeights, disposeWeights, weightsToArrays} from '../../../dist/core/nn/layers.js';
import {openEncoder, poolAndEmbed} from '../../../dist/domain/learners/encoder.js';
import {partsOf} from '../../../dist/domain/learners/explain.js';
import {resnet18} from '../../../dist/domain/networks/resnet.js';

const [engineName, width = '0.25', word] = process.argv.slice(2);
const side = word === 'maps' ? 256 : 32;
const engine = await startEngine(await resolveEngine(engineName, {provision: false}));
const network = resnet18.create({width: Number(width), head: []});
const weights = createWeights(network.parameters(side), new Rng(0));
const encoder = openEncoder(await weightsToArrays(weights), poolAndEmbed(network), partsOf(network));
disposeWeights(weights);
const rng = new Rng(1);
const image = {
  shape: {height: 256, width: 256, channels: 3},
  count: 1,
  pixels: Uint8Array.from({length: 256 * 256 * 3}, () => rng.integer(256)),
};
const extract =
  word === 'maps'
    ? () => encoder.maps(image, ['stage2', 'stage3'])
    : () => encoder.embed(cutWindows(image, 0, {patch: 32, stride: 8}), 'pool');
// What is recorded after many batches has been recorded.
if (word === 'maps') for (let i = 0; i < 26; i++) await extract();
process.stdout.write(`ready ${engine.version}\n`);
for await (const line of createInterface({input: process.stdin})) {
  const start = performance.now();
  for (let i = 0; i < Number(line); i++) await extract();
  process.stdout.write(`${(performance.now() - start) / 1000}\n`);
}
