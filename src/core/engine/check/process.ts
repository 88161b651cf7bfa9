/** Entry of the process in which kernels are tried: what they do to it is not done to anyone else. */

import {endWithParent} from '../../base/parent.ts';
import type {NodeBackend} from '../tensorflow/binding.ts';
import type {StartTrials, Trial} from './contract.ts';
import {tryWay} from './trial.ts';

process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
endWithParent(Number(process.argv[2]));

process.once('message', (message: StartTrials) => void start(message));

async function start({engine, faults}: StartTrials): Promise<void> {
  const {startEngine, tf} = await startedEngine();
  await startEngine({...engine, unchecked: true});
  const tensors = tf();
  if (faults !== undefined) {
    const {plant} = (await import(faults)) as {plant(backend: NodeBackend): void};
    plant(tensors.backend() as unknown as NodeBackend);
  }
  process.on('message', (trial: Trial) => process.send!(tryWay(tensors, trial)));
  process.send!('ready');
}

async function startedEngine() {
  const engine = await import('../engine.ts');
  return {startEngine: engine.startEngine, tf: () => engine.tf};
}
