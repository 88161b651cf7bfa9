/** The methods of a search, by name. */
import type {Rng} from '../../../core/base/random.ts';
import type {Search} from '../read.ts';
import type {Space} from '../space.ts';
import {grid} from './grid.ts';
import type {Propose} from './proposer.ts';
import {quasiRandom} from './quasi-random.ts';
import {random} from './random.ts';
import {tpe} from './tpe.ts';

export const methodOf: {readonly [method in Search['method']]: (space: Space, rng: Rng) => Propose} = {
  grid,
  random,
  'quasi-random': quasiRandom,
  tpe,
};
