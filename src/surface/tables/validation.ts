/** What tables say about values on validation images. */
import type {Validation} from '../../pipeline/config/spec.ts';
import type {ComparisonRow} from '../../pipeline/store/results/comparison.ts';

type Type = Validation['type'];

const sources: {readonly [type in Type]: string} = {
  'held-out': '‡ "held-out" validation uses labels of anomalies: its anomalies are training images of other classes',
  synthetic: '"synthetic" validation uses no label of an anomaly: its anomalies are made from normal images',
};

/** How the images of a row's validation value were had; undefined: it has none. */
export const validationOf = ({options}: Pick<ComparisonRow, 'options'>): Type | undefined =>
  (options as {readonly validation?: Validation}).validation?.type;

/** A mark beside a value that used labels of anomalies; else empty. */
export const validationMark = (type: Type | undefined): string => (type === 'held-out' ? ' ‡' : '');

/** Sentences for the foot of a table with such values. */
export function validationLegend(types: Iterable<Type | undefined>): readonly string[] {
  const known = [...new Set(types)].filter((type) => type !== undefined);
  return known.length === 0
    ? []
    : [
        'validation: on images that are held out of training; it is never compared with the paper.',
        ...known.map((type) => `${sources[type]}.`),
      ];
}
