import type {Work} from '../../../core/contracts/learner.ts';
import type {Network} from '../../../core/contracts/network.ts';
import {headMacs} from '../../networks/head.ts';

/** What a learner of `classes` logits that shows `views` of every instance to the network has to compute (paper 9). */
export function workOf(
  network: Network,
  classes: number,
  views: number,
  options: {
    readonly epochs: number;
    readonly batch: number;
    readonly patch?: number;
    readonly steps_per_epoch?: number;
  },
  {images, copies, side}: {readonly images: number; readonly copies: number; readonly side: number},
): Work | undefined {
  const macs = network.macs?.(options.patch ?? side);
  if (macs === undefined) return undefined;
  const instances = images * (1 + copies);
  const batch = Math.min(options.batch, instances);
  return {
    // The rest of a pass that does not fill a batch is left out.
    steps: options.epochs * (options.steps_per_epoch ?? Math.floor(instances / batch)),
    inputs: views * batch,
    macs: macs + headMacs(network.features, network.head, classes),
  };
}
