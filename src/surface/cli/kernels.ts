/** `doctor --kernels`: which of TensorFlow's kernels are right on this processor, and how the others are computed. */
import {cpus} from 'node:os';
import {watchVerdicts} from '../../core/engine/check/findings.ts';
import {openVerdicts} from '../../core/engine/check/verdicts.ts';
import {startEngine} from '../../core/engine/engine.ts';
import {resolveEngine} from '../../core/engine/install/resolve.ts';
import {checkPlugin} from '../../core/plugin/check.ts';
import {trainOnNoise} from '../../pipeline/execute/measure.ts';
import {kernelSummary, kernelTable} from '../tables/kernels.ts';
import {builtinPlugins} from './builtin.ts';
import {exitCodes} from './exit-codes.ts';
import {err, type Globals, out, screen} from './session.ts';

/** A step on 64 images, turned four ways, of 32 × 32 pixels: all that ResNet-18 computes with. */
const tried = {
  images: 64,
  shape: {height: 32, width: 32, channels: 3},
  learner: 'rotation',
  network: 'resnet18',
} as const;

export async function doctorKernels({threads}: {readonly threads: number}, {json}: Globals): Promise<number> {
  const engine = await startEngine(await resolveEngine('tensorflow', {provision: false, threads}));
  if (engine.device !== 'cpu')
    throw new Error('kernels of a GPU are not checked, because only one process can use its memory');
  err(
    `testing the kernels of a training step of ${tried.learner} with ${tried.network} on TensorFlow ${engine.version}`,
  );
  let found = 0;
  watchVerdicts(({kernel, shapes, verdict}) => {
    found++;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${found} kernels tried`);
    if (verdict !== 'right' && verdict !== 'unchecked')
      err(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${kernel} (${shapes}): ${verdict}`);
  });
  const plugins = builtinPlugins();
  const learner = checkPlugin(plugins, 'learner', {type: tried.learner, network: {type: tried.network, width: 1}});
  const {shape, images} = tried;
  await trainOnNoise({learner: learner.value, augment: [], shape, images, plugins}, () => true);
  if (found > 0 && process.stderr.isTTY) err('\r\x1b[K');
  const {path, problem, all} = openVerdicts(engine.version);
  if (json) {
    const kernels = all.map(({key: _, ...verdict}) => verdict);
    out(JSON.stringify({engine, processor: cpus()[0]?.model ?? null, file: path, kernels}, null, 2));
    return exitCodes.done;
  }
  out(kernelTable(all, screen()));
  out(`\n${kernelSummary(all)} on ${cpus()[0]?.model ?? 'this processor'}, counted by shape`);
  out(
    problem === undefined ? `saved in ${path}` : `cannot be saved in ${path} (${problem}): each run checks them again`,
  );
  return exitCodes.done;
}
