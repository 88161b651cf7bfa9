/** Our classifiers and metrics on the data of a folder (`stage-two-data.js`): a job a line, answered by the seconds it took. */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {plugins as builtin} from '../../../dist/builtin.js';
import {Rng} from '../../../dist/core/base/random.js';
import {startEngine} from '../../../dist/core/engine/engine.js';
import {resolveEngine} from '../../../dist/core/engine/install/resolve.js';
import {checkPlugin} from '../../../dist/core/plugin/check.js';
import {Plugins} from '../../../dist/core/plugin/registry.js';

const [folder, engineName] = process.argv.slice(2);
const engine = await startEngine(await resolveEngine(engineName, {provision: false}));
const plugins = new Plugins(builtin);
const create = (kind, ref) => plugins.create(kind, checkPlugin(plugins, kind, ref).value);
const bytes = (name) => {
  const file = readFileSync(join(folder, name));
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
};
const sizes = JSON.parse(readFileSync(join(folder, 'sizes.json'), 'utf8'));

const classify = (ref) => {
  const matrix = (name) => ({...sizes[name], data: new Float32Array(bytes(`${name}.f32`))});
  const [train, test] = [matrix('train'), matrix('test')];
  return () => create('classifier', ref).fit(train, new Rng(0)).score(test);
};
const pixels = (name) => {
  const sample = {...sizes.pixels, maps: new Float32Array(bytes('maps.f32')), masks: new Uint8Array(bytes('masks.u8'))};
  return () => create('metric', {type: name}).measurePixels(sample);
};

/** Name → the data loaded, and what is timed. */
const jobs = {
  'oc-svm': () => classify({type: 'oc-svm', kernel: 'rbf', nu: 0.5}),
  kde: () => classify({type: 'kde'}),
  gde: () => classify({type: 'gde'}),
  knn: () => classify({type: 'knn'}),
  'pixel-auc': () => pixels('pixel-auc'),
  aupro: () => pixels('aupro'),
};
const loaded = new Map();

process.stdout.write(`ready ${engine.version}\n`);
for await (const name of createInterface({input: process.stdin})) {
  if (!loaded.has(name)) loaded.set(name, jobs[name]());
  const start = performance.now();
  loaded.get(name)();
  process.stdout.write(`${(performance.now() - start) / 1000}\n`);
}
