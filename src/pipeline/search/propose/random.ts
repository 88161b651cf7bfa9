import type {Rng} from '../../../core/base/random.ts';
import type {Space} from '../space.ts';
import {fresh, type Propose, streamOf} from './proposer.ts';

/** Every parameter uniform on its scale (Bergstra and Bengio, "Random search for hyper-parameter optimization", 2012). */
export const random =
  (space: Space, rng: Rng): Propose =>
  (n, known) =>
    fresh(space, known, streamOf(rng, n));
