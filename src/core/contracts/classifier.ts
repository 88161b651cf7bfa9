/** One-class classifiers: fitted only on features of normal images. */
import type {Rng} from '../base/random.ts';
import type {GraphBuilder, Value} from '../formats/onnx/builder.ts';
import {firstNonFinite} from '../linalg/matrix.ts';
import type {Static, TObject} from '../plugin/type.ts';
import type {Matrix, NamedArrays} from './data.ts';
import type {Definition, PluginRef} from './definition.ts';

/**
 * `fit`, `heldOut` and `score` refuse features that are not finite with an error that names the row (`defineClassifier` does this).
 */
export interface Classifier {
  /** Fit on features of normal data only; `features` is (n, d), n >= 1. Deterministic for a given `rng`. */
  fit(features: Matrix, rng: Rng): Scorer;
  /**
   * The same, from rows that do not all fit in memory: of the places of all images (`localize`). Absent: `fit` gets a random subset of
   * them.
   */
  fitBlocks?(features: RowBlocks, rng: Rng): Promise<Scorer>;
  /**
   * Fits as `fit` does with this `rng`, and scores the rows that it was fitted on as if it had not seen them: each by a fit on the
   * other rows. Scores of new normal rows are compared with these. Needs two rows. Absent: the effect of a row on its own score is
   * negligible.
   */
  heldOut?(features: Matrix, rng: Rng): Float64Array;
  /**
   * What scores by a fit on so many rows are proportional to, if a fit on more rows gives larger ones: by it, scores of fits on different
   * numbers of rows are compared. Absent: they do not depend on the number.
   */
  scale?(rows: number): number;
  /**
   * As `fit` of all rows at once, whatever limit the options set, but they come in parts, and what is kept does not grow with their
   * number. `parts` may be called again: the same rows. Absent: it needs them all at once.
   */
  fitParts?(parts: () => AsyncIterable<Matrix>): Promise<Scorer>;
  /**
   * Scores of rows by a fit on training rows that come in parts, all of them, whatever limit the options set; what is kept does not grow
   * with their number. For training rows of which others count for each row (`localize` with `similar`). Absent: it must be fitted first.
   */
  compare?(features: Matrix): Comparison;
  /** From `Scorer.save()`: the same scores. */
  restore(saved: NamedArrays): Scorer;
}

export interface Comparison {
  add(training: Matrix): void;
  /** As `Scorer.score`, by what was added; at least one row. */
  scores(): Float64Array;
}

/** Rows (rows, columns), n >= 1, of which one block is in memory at a time. */
export interface RowBlocks {
  readonly rows: number;
  readonly columns: number;
  /** From the first row to the last; may be called again. */
  blocks(): AsyncIterable<Matrix>;
}

export interface Scorer {
  /** One score for each row; finite for finite input; does not depend on the order or the batching of rows. */
  score(features: Matrix): Float64Array;
  /**
   * Where an image's score is that of its most anomalous place (`localize`): features of these places, one of each image, (n, d) →
   * factors on their scores. Absent: 1.
   */
  imageWeights?(features: Matrix): Float64Array;
  save(): NamedArrays;
  /**
   * The slope of each row's score in its features, (n, d): what of them raises it. `localize` explains scores by it. Where a score has
   * a kink, one of its slopes. Absent: its maps can't be made so.
   */
  gradient?(features: Matrix): Matrix;
  /**
   * `score` as ONNX nodes: features float32 (n, d) → float64 (n). Equal within a ten-thousandth of the range of scores. Absent: it
   * cannot be exported.
   */
  graph?(builder: GraphBuilder, features: Value): Value;
  /** `gradient` as ONNX nodes: features float32 (n, d) → float32 (n, d). Absent: its maps cannot be exported. */
  gradientGraph?(builder: GraphBuilder, features: Value): Value;
  /** `imageWeights` as ONNX nodes: features float32 (n, d) → float64 (n). Absent, where there are weights: it cannot be exported. */
  imageWeightsGraph?(builder: GraphBuilder, features: Value): Value;
}

export interface Misfit {
  readonly message: string;
  readonly hint: string;
}

export interface ClassifierDefinition<O extends TObject = TObject> extends Definition<'classifier', O, Classifier> {
  /** The layer it reads; undefined: that of its own `layer` option, or the learner's first. */
  readonly layer?: string;
  /** The classifier's id in the papers' tables, such as `oc-svm-rbf`. */
  row(options: Static<O>): string;
  /** Whether `create` gives one with `fitParts`. Absent: no. */
  readonly inParts?: boolean;
  /** Whether `create` gives one with `compare`. Absent: no. */
  compares?(options: Static<O>): boolean;
  /**
   * Why it cannot read the features of a learner that has its layer, such as `is made for 4 copies of an image, but …`, and what to do.
   * Absent: it can.
   */
  misfit?(options: Static<O>, learner: PluginRef): Misfit | undefined;
  /** Whether no score is ever below 0, so that scores may be added up (`localize` with `blend: sum`). Absent: no. */
  nonNegative?(options: Static<O>): boolean;
  /** Whether what it fits has `imageWeights`. Absent: no. */
  weighsImages?(options: Static<O>): boolean;
}

/**
 * Infers the option type from the schema, and holds for every classifier what the contract says of features that are not finite.
 * Without `row` its name is its id.
 */
export const defineClassifier = <const O extends TObject>(
  d: Omit<ClassifierDefinition<O>, 'kind' | 'row'> & Partial<Pick<ClassifierDefinition<O>, 'row'>>,
) =>
  ({
    kind: 'classifier',
    row: () => d.name,
    ...d,
    create: (options: Static<O>) => refuseNonFinite(d.name, d.create(options)),
  }) as ClassifierDefinition<O>;

/** The same classifier, but it throws for features that are not finite, because their scores would be meaningless. */
function refuseNonFinite(name: string, classifier: Classifier): Classifier {
  const checked = (features: Matrix): Matrix => {
    const {columns, data} = features;
    const bad = firstNonFinite(data);
    if (bad < 0) return features;
    throw new Error(
      `classifier "${name}": expected finite features, but feature ${bad % columns} of row ${Math.floor(bad / columns)} is ` +
        `${data[bad]}; the training of its network has probably diverged: lower the learning rate`,
    );
  };
  const scorer = (made: Scorer): Scorer => ({
    score: (features) => made.score(checked(features)),
    save: () => made.save(),
    ...(made.imageWeights && {imageWeights: (features) => made.imageWeights!(checked(features))}),
    ...(made.gradient && {gradient: (features) => made.gradient!(checked(features))}),
    ...(made.graph && {graph: (builder, features) => made.graph!(builder, features)}),
    ...(made.gradientGraph && {gradientGraph: (builder, features) => made.gradientGraph!(builder, features)}),
    ...(made.imageWeightsGraph && {
      imageWeightsGraph: (builder, features) => made.imageWeightsGraph!(builder, features),
    }),
  });
  async function* checkedParts(parts: AsyncIterable<Matrix>): AsyncIterable<Matrix> {
    for await (const part of parts) yield checked(part);
  }
  return {
    fit: (features, rng) => scorer(classifier.fit(checked(features), rng)),
    restore: (saved) => scorer(classifier.restore(saved)),
    ...(classifier.fitParts && {
      fitParts: async (parts) => scorer(await classifier.fitParts!(() => checkedParts(parts()))),
    }),
    ...(classifier.fitBlocks && {
      fitBlocks: async ({blocks, ...size}, rng) =>
        scorer(await classifier.fitBlocks!({...size, blocks: () => checkedParts(blocks())}, rng)),
    }),
    ...(classifier.compare && {
      compare: (features) => {
        const comparison = classifier.compare!(checked(features));
        return {...comparison, add: (training) => comparison.add(checked(training))};
      },
    }),
    ...(classifier.scale && {scale: (rows) => classifier.scale!(rows)}),
    ...(classifier.heldOut && {
      heldOut: (features, rng) => classifier.heldOut!(checked(features), rng),
    }),
  };
}
