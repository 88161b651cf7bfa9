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
  const running = await import('../engine.ts');
  await running.startEngine({...engine, unchecked: true});
  const {tf} = running;
  if (faults !== undefined) {
    const {plant} = (await import(faults)) as {plant(backend: NodeBackend): void};
    plant(tf.backend() as unknown as NodeBackend);
  }
  process.on('message', (trial: Trial) => process.send!(tryWay(tf, trial)));
  process.send!('ready');
}
