/** Which configuration a number is of: what is chosen among the configurations filters the table of results, too. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {Line} from '../tables/line.ts';
import {rowKey} from '../tables/search.ts';
import type {Sweep} from '../tables/sweeps.ts';
import type {Searched} from './search.ts';

/** Keys as the lines of parallel coordinates have them; undefined: of none. */
export function configurationKeys(sweeps: readonly Sweep[], searched?: Searched): (line: Line) => string | undefined {
  const keys = new Map<string, string>();
  for (const row of searched?.results.rows ?? []) keys.set(canonicalJson(row.point as Json), rowKey(row));
  for (const {spec, configurations} of sweeps)
    for (const {point, reference, key} of configurations) keys.set(matrixKey(spec, point as Json, reference), key);
  return ({spec, point, definitionOptions}) => {
    const {classifier = null} = (definitionOptions ?? {}) as {readonly classifier?: Json};
    return keys.get(searched ? canonicalJson(point) : matrixKey(spec, point, canonicalJson(classifier)));
  };
}

const matrixKey = (spec: string, point: Json, reference: string): string =>
  [spec, canonicalJson(point), reference].join('\n');
