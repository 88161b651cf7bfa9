/** Entry of an augmentation thread: makes one batch after the other into shared memory. Started by `feed.ts`. */

import {parentPort, workerData} from 'node:worker_threads';
import {messageOf} from '../../../core/base/thrown.ts';
import {loadPlugins} from '../../../core/plugin/registry.ts';
import {type FeedJob, type FeedSetup, viewMaker} from './feed.ts';

const setup = workerData as FeedSetup;
const plugins = await loadPlugins(setup.modules);
const maker = viewMaker({...setup, plugins});
const slots = setup.slots.map((slot) => new Float32Array(slot));
const size = setup.height * setup.width * 3;

parentPort!.on('message', ({slot, pass, indices}: FeedJob) => {
  const to = slots[slot]!;
  indices.forEach((index, at) => {
    try {
      const views = maker.views(pass, index);
      if (views.length !== setup.views)
        throw new Error(`expected ${setup.views} views, as for image 0, but got ${views.length}`);
      for (let view = 0; view < views.length; view++) {
        const {height, width, channels, data} = views[view]!;
        if (height !== setup.height || width !== setup.width || channels !== 3)
          throw new Error(
            `expected views of ${setup.height}×${setup.width}×3, as for image 0, but got ${height}×${width}×${channels}`,
          );
        to.set(data, (view * indices.length + at) * size);
      }
    } catch (error) {
      throw new Error(
        `learner "${setup.learner.type}" failed on training image ${nameOf(index)} in pass ${pass}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  });
  parentPort!.postMessage(slot);
});

function nameOf(index: number): string {
  const copy = Math.floor(index / setup.images.count);
  return copy === 0 ? `${index}` : `${index % setup.images.count}, copy ${copy} of distribution_augmentation,`;
}
