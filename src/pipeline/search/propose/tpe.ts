import type {Rng} from '../../../core/base/random.ts';
import {encode, keyOf, type Point, type Space} from '../space.ts';
import {type Kernels, parzen} from './parzen.ts';
import {fresh, type Propose, streamOf, type Trial} from './proposer.ts';
import {quasiRandom} from './quasi-random.ts';

/** Finished trials before the first model. */
const startTrials = 4;
/** The share of finished trials that are the good ones, and how many at least. */
const goodShare = 0.2;
const fewestGood = 2;
/** Few: the best of many is too often where the bad trials are merely far away. */
const candidates = 32;
/** Good trials concentrate, and their kernels with them. Bad ones only say where not to look again. */
const goodKernels: Kernels = {width: 0.35, adaptive: true};
const badKernels: Kernels = {width: 0.15, adaptive: false};

type Finished = Trial & {readonly outcome: number};

/**
 * The tree-structured Parzen estimator (Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011; Watanabe,
 * "Tree-structured Parzen estimator: understanding its algorithm components", 2023): of candidates drawn from the density of the
 * good trials, the one at which it is largest relative to the density of all others. Both are multivariate; good trials weigh by
 * how much better they are than the best of the others. Trials that failed or are pending count as bad: they keep proposals away.
 * The first trials are quasi-random.
 */
export function tpe(space: Space, rng: Rng): Propose {
  const start = quasiRandom(space, rng);
  const rows = new WeakMap<Point, Float64Array>();
  /** The coordinates of a trial, made once: every proposal asks for those of all trials. */
  const rowOf = ({point}: Trial): Float64Array => {
    const row = rows.get(point) ?? encode(space, point);
    rows.set(point, row);
    return row;
  };
  return (n, known) => {
    const finished = known.filter((trial): trial is Finished => Number.isFinite(trial.outcome)).sort(better);
    if (finished.length < startTrials) return start(n, known);
    const count = Math.max(fewestGood, Math.ceil(goodShare * finished.length));
    const good = finished.slice(0, count);
    // In the order of numbers, so that sums are the same however `known` is ordered.
    const among = new Set<Trial>(good);
    const others = known.filter((trial) => !among.has(trial)).sort((a, b) => a.number - b.number);
    const l = parzen(space, good.map(rowOf), improvements(good, finished[count]!), goodKernels);
    const g = parzen(space, others.map(rowOf), new Float64Array(others.length).fill(1), badKernels);
    const keys = new Set(known.map(({point}) => keyOf(point)));
    const stream = streamOf(rng, n);
    let best: Point | undefined;
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < candidates; i++) {
      const point = l.sample(stream);
      const units = encode(space, point);
      const ratio = l.log(units) - g.log(units);
      if (ratio <= largest || keys.has(keyOf(point))) continue;
      largest = ratio;
      best = point;
    }
    return best ?? fresh(space, known, stream);
  };
}

/** Trials of a higher rung first, then by their value; of equal ones the earlier. */
const better = (a: Finished, b: Finished): number => {
  const [rungA, rungB] = [a.rung ?? Number.POSITIVE_INFINITY, b.rung ?? Number.POSITIVE_INFINITY];
  return rungA === rungB ? b.outcome - a.outcome || a.number - b.number : rungB - rungA;
};

/**
 * Of each good trial, how much better it is than the best other, 1 on average; equal where values of different rungs do not
 * compare.
 */
function improvements(good: readonly Finished[], cut: Finished): readonly number[] {
  const gains = good.map(({outcome}) => outcome - cut.outcome);
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  const comparable = good.every(({rung}) => rung === cut.rung) && total > 0;
  return gains.map((gain) => (comparable ? (gain / total) * good.length : 1));
}
