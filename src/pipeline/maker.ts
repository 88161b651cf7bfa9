/**
 * What computed a number, as far as its last digits depend on it: which engine, and by how many threads its sums were split.
 * Neither is in a stage's key, for every engine computes the same thing; so it is said where a number was made by another one.
 */
import {plural} from '../core/base/text.ts';

export interface Maker {
  readonly name: string;
  /** Absent in records of older versions. */
  readonly threads?: number;
}

/** `wasm`; `tensorflow with 2 threads`, which decide its last digits. */
export const makerText = ({name, threads}: Maker): string =>
  threads === undefined || name !== 'tensorflow' ? name : `${name} with ${plural(threads, 'thread')}`;

/** Threads only change the results of `tensorflow`; an unknown number of them counts as equal. */
export const isSameMaker = (a: Maker, b: Maker): boolean =>
  a.name === b.name &&
  (a.name !== 'tensorflow' || a.threads === undefined || b.threads === undefined || a.threads === b.threads);

/** The different ones of them that are not `asked`, by name. */
export const othersThan = (asked: Maker, makers: readonly Maker[]): readonly Maker[] =>
  distinctMakers(makers.filter((maker) => !isSameMaker(maker, asked)));

export const distinctMakers = (makers: readonly Maker[]): readonly Maker[] =>
  [...new Map(makers.map((maker) => [makerText(maker), maker])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, maker]) => maker);
