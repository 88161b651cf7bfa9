import type {Rng} from '../../../core/base/random.ts';
import {sobol, sobolDimensions} from '../sobol.ts';
import {decode, keyOf, type Space} from '../space.ts';
import {fresh, type Propose, streamOf, unitsOf} from './proposer.ts';

/**
 * Trial n is point n of a scrambled Sobol sequence, a dimension a parameter (the first 64; those after them are random). Where
 * rounding to levels repeats a known configuration, a random other takes its place.
 */
export function quasiRandom(space: Space, rng: Rng): Propose {
  const sequence = sobol(Math.min(space.parameters.length, sobolDimensions), rng.fork('sobol'));
  return (n, known) => {
    const stream = streamOf(rng, n);
    const units = unitsOf(space, stream);
    units.set(sequence.point(n));
    const point = decode(space, units);
    const key = keyOf(point);
    return known.some((trial) => keyOf(trial.point) === key) ? fresh(space, known, stream) : point;
  };
}
