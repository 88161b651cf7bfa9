/** Our numbers beside the papers', as the results database gives them. */
import type {Json} from '../../../core/base/canonical.ts';
import type {Verdict} from './verdict.ts';

/** Which values to compare; all fields absent: the latest of everything. */
export interface ComparisonFilter {
  /** Ids of runs. */
  readonly runs?: readonly string[];
  /** Name of a spec, or of the run that it was part of. */
  readonly spec?: string;
  /** The paper's table to set it beside, over what the specs name. */
  readonly table?: string;
}

/** One configuration, inlier (`mean`: over all classes), classifier and metric. Rates in [0, 1]. */
export interface ComparisonRow {
  /** Digest of the resolved options but seed and inlier: rows of different ones are never one number. */
  readonly config: string;
  readonly definition: string;
  readonly spec: string;
  readonly dataset: string;
  readonly inlier: string;
  readonly learner: string;
  readonly paperRow: string;
  /** The paper's table that the spec (or the filter) names. */
  readonly specTable: string | null;
  readonly classifier: string;
  readonly paperClassifier: string;
  readonly metric: string;
  /** A `rate` is printed × 100; null: not known of results of an older version. */
  readonly scale: 'rate' | 'number' | null;
  /** What the metric takes from the test labels beyond being judged by them; null: nothing. */
  readonly testLabels: string | null;
  /** The number of seeds whose scores are combined into this one number; null: no ensemble. */
  readonly ensemble: number | null;
  /** dataset, limit, learner, augment, distribution_augmentation, versions. */
  readonly options: {readonly [key: string]: Json};
  readonly classifierOptions: Json;
  /** Classifier, layer and metric with their versions and options; null, of older versions: not known. */
  readonly definitionOptions: Json;
  readonly point: {readonly [path: string]: Json};
  /** Mean over seeds; of a `mean` row the mean of those over classes. null: undefined, or not computed. May be infinite. */
  readonly ours: number | null;
  /** Standard error of `ours`: over seeds, or of one seed what the number of test images alone allows; null: not known. */
  readonly error: number | null;
  /** Why some of its numbers are undefined, infinite or were not computed. */
  readonly reasons: readonly string[];
  /** false: for some of its numbers there is only the run's record, and no manifest in the cache; null: not known. */
  readonly vouched: boolean | null;
  /** Standard deviation over seeds (n − 1); of a `mean` row the mean of those over classes, as in the ICLR paper. null: one seed. */
  readonly sd: number | null;
  /** Seeds with a value; of a `mean` row the fewest and the most of any class. */
  readonly n: number;
  readonly nMost: number;
  /** Seeds that the runs were to have. */
  readonly planned: number;
  readonly seeds: readonly number[];
  readonly runs: readonly string[];
  /** What computed the stages that it comes from, such as `wasm`; empty: not recorded, as by older versions. */
  readonly engines: readonly string[];
  /** A sentence for each kind of number among them that another engine computed than the run asked for. */
  readonly otherEngines: readonly string[];
  readonly paper: number | null;
  readonly paperSpread: number | null;
  readonly paperSpreadKind: 'sd' | 'se' | null;
  readonly paperTable: string | null;
  readonly paperSource: string | null;
  readonly difference: number | null;
  /** null: nothing to compare with. */
  readonly verdict: Verdict | null;
}

/** Of a row of the views `comparison` and `comparison_mean` (`schema.ts`). */
export function comparisonRow(columns: readonly {readonly name: string}[], cells: readonly unknown[]): ComparisonRow {
  const row = Object.fromEntries(columns.map(({name}, at) => [name, cells[at]]));
  return {
    config: row['config'],
    definition: row['definition'],
    spec: row['spec'],
    dataset: row['dataset'],
    inlier: row['inlier'],
    learner: row['learner'],
    paperRow: row['paper_row'],
    specTable: row['paper_table'],
    classifier: row['classifier'],
    paperClassifier: row['paper_classifier'],
    metric: row['metric'],
    scale: row['scale'],
    testLabels: row['test_labels'],
    ensemble: (row['ensemble'] as readonly number[] | null)?.length ?? null,
    options: JSON.parse(row['options'] as string),
    classifierOptions: JSON.parse(row['classifier_options'] as string),
    definitionOptions: JSON.parse((row['definition_options'] as string | null) ?? 'null'),
    point: JSON.parse(row['point'] as string),
    ours: Number.isNaN(row['ours']) ? null : row['ours'], // of +∞ and −∞
    error: row['error'],
    reasons: row['reasons'] ?? [],
    vouched: row['vouched'],
    sd: row['sd'],
    n: row['n'],
    nMost: row['n_most'],
    planned: row['planned'],
    seeds: row['seeds'],
    runs: row['runs'],
    engines: row['engines'] ?? [],
    otherEngines: row['other_engines'] ?? [],
    paper: row['paper'],
    paperSpread: row['paper_spread'],
    paperSpreadKind: row['paper_spread_kind'],
    paperTable: row['paper_source_table'],
    paperSource: row['paper_source'],
    difference: row['difference'],
    verdict: row['verdict'],
  } as ComparisonRow;
}
