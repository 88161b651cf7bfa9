/** One-class classifiers: fitted on features of normal images alone. */
import type {Rng} from '../base/random.ts';
import type {GraphBuilder, Value} from '../formats/onnx/builder.ts';
import {firstNonFinite} from '../linalg/matrix.ts';
import type {Static, TObject} from '../plugin/type.ts';
import type {Matrix, NamedArrays} from './data.ts';
import type {Definition} from './definition.ts';

/** Features that are not finite are refused, by `fit`, `heldOut` and `score`: an error that names the row (`defineClassifier` sees to it). */
export interface Classifier {
  /** Fit on features of normal data only; `features` is (n, d), n >= 1. Deterministic for a given `rng`. */
  fit(features: Matrix, rng: Rng): Scorer;
  /**
   * Fits as `fit` does with this `rng`, and scores the rows that it was fitted on as rows that it has not seen: each by what the
   * others say of it. They are what new normal rows are to be compared with. Needs two rows. Absent: a row
   * weighs too little in its own score to matter.
   */
  heldOut?(features: Matrix, rng: Rng): Float64Array;
  /** From `Scorer.save()`: the same scores. */
  restore(saved: NamedArrays): Scorer;
}

export interface Scorer {
  /** One score a row; finite for finite input; does not depend on the order or the batching of rows. */
  score(features: Matrix): Float64Array;
  save(): NamedArrays;
  /**
   * `score` as ONNX nodes: features float32 (n, d) → float64 (n). Equal to a ten-thousandth of the range of scores. Absent: it
   * can't be exported.
   */
  graph?(builder: GraphBuilder, features: Value): Value;
}

export interface ClassifierDefinition<O extends TObject = TObject> extends Definition<'classifier', O, Classifier> {
  /** The layer it reads; undefined: the learner's first, or its own `layer` option. */
  readonly layer?: string;
  /** The classifier's id in the papers' tables, such as `oc-svm-rbf`. */
  row(options: Static<O>): string;
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

/** The same classifier, which throws for features that are not finite: they would become scores that mean nothing. */
function refuseNonFinite(name: string, classifier: Classifier): Classifier {
  const checked = (features: Matrix): Matrix => {
    const {columns, data} = features;
    const bad = firstNonFinite(data);
    if (bad < 0) return features;
    throw new Error(
      `classifier "${name}": expected finite features, but feature ${bad % columns} of row ${Math.floor(bad / columns)} is ` +
        `${data[bad]}; the network that computed it has probably diverged: lower its learning rate`,
    );
  };
  const scorer = (made: Scorer): Scorer => ({
    score: (features) => made.score(checked(features)),
    save: () => made.save(),
    ...(made.graph && {graph: (builder, features) => made.graph!(builder, features)}),
  });
  return {
    fit: (features, rng) => scorer(classifier.fit(checked(features), rng)),
    restore: (saved) => scorer(classifier.restore(saved)),
    ...(classifier.heldOut && {
      heldOut: (features, rng) => classifier.heldOut!(checked(features), rng),
    }),
  };
}
