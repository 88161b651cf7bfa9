/** UMAP (McInnes et al. 2018) in two dimensions. The only importer of `umap-js`. */
import {UMAP} from 'umap-js';
import type {Rng} from '../../core/base/random.ts';
import type {Matrix} from '../../core/contracts/data.ts';

export interface Neighbourhoods {
  /** Of each point, as the layout took them. */
  readonly neighbours: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One point for each row, seeded. Undefined if there are too few rows for neighbourhoods. */
export function umap({rows, columns, data}: Matrix, rng: Rng): Neighbourhoods | undefined {
  const neighbours = Math.min(15, rows - 1);
  if (neighbours < 3) return undefined;
  const points = Array.from({length: rows}, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
  // Half of its default: the picture of a few hundred points is settled by then, and nearly all time is spent here.
  const model = new UMAP({
    nComponents: 2,
    nNeighbors: neighbours,
    minDist: 0.1,
    nEpochs: 250,
    random: () => rng.uniform(),
  });
  return {neighbours, points: model.fit(points) as [number, number][]};
}
