/** What methods, classifiers and metrics are called, everywhere: by what tells them apart from the others beside them. */
import type {Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {tellApart} from '../../core/base/tell-apart.ts';
import type {ComparisonRow} from '../../pipeline/store/results/comparison.ts';

type Definition = {readonly [key: string]: Json | undefined};

/** Of a number, what it is of. */
export type Named = Pick<
  ComparisonRow,
  'dataset' | 'paperRow' | 'options' | 'classifier' | 'paperClassifier' | 'classifierOptions' | 'definitionOptions'
> &
  Pick<ComparisonRow, 'metric' | 'ensemble'>;

export interface Names {
  /** The method, and if there is another configuration of it, the options in which they differ: `rotation epochs=12`. */
  readonly label: string;
  /** The same of the classifier, and of the metric. */
  readonly classifier: string;
  readonly metricLabel: string;
}

/** One configuration with one classifier, in a line of text. */
export const configurationName = ({label, classifier}: Pick<Names, 'label' | 'classifier'>): string =>
  `${label} · ${classifier}`;

/** What each row is called in its columns, by what varies over the rows of its kind. */
export function namesOf<R extends Named>(rows: readonly R[]): ReadonlyMap<R, Names> {
  const labels = labelsOf(rows);
  const headOf = (row: R) => (isExplanation(row) ? row.classifier : row.paperClassifier);
  const classifiers = tagsOf(
    rows,
    (row) => `${row.dataset} ${headOf(row)} ${row.ensemble ?? ''}`,
    (rivals) => rivals.map((row) => fittingOf(row) as Json),
  );
  const metrics = tagsOf(
    rows,
    (row) => `${row.dataset} ${row.metric} ${row.ensemble ?? ''}`,
    (rivals) => rivals.map((row) => measuringOf(row.definitionOptions)),
  );
  return new Map(
    rows.map((row, i) => {
      const ensemble = row.ensemble === null ? '' : ` (ensemble of ${row.ensemble} seeds)`;
      const classifier = [headOf(row), ...classifiers[i]!].join(' ') + ensemble;
      return [row, {label: labels[i]!, classifier, metricLabel: [row.metric, ...metrics[i]!].join(' ')}];
    }),
  );
}

/** What the method of each is called. */
export function labelsOf(rows: readonly Pick<Named, 'dataset' | 'paperRow' | 'options'>[]): readonly string[] {
  const tags = tagsOf(
    rows,
    ({dataset, paperRow}) => `${dataset} ${paperRow}`,
    (rivals) => comparable(rivals.map(({options}) => options)),
  );
  return rows.map((row, i) => {
    const until = endedAt(row);
    return [row.paperRow, ...tags[i]!, ...(until === undefined ? [] : [`(unfinished, epoch ${until})`])].join(' ');
  });
}

/** The epoch at which a search ended the training early: its number is no result. undefined: it was trained to its end. */
export const endedAt = ({options}: Pick<Named, 'options'>): number | undefined =>
  (options as {readonly until?: number}).until;

/** Of each row what tells it apart from the rows of its kind. */
function tagsOf<R>(
  rows: readonly R[],
  kind: (row: R) => string,
  settings: (rivals: readonly R[]) => readonly Json[],
): readonly (readonly string[])[] {
  const tags: (readonly string[])[] = [];
  for (const places of groupBy([...rows.keys()], (at) => kind(rows[at]!)).values()) {
    const telling = tellApart(settings(places.map((at) => rows[at]!)));
    for (const [i, at] of places.entries()) tags[at] = telling[i]!;
  }
  return tags;
}

/** Of a number's definition what makes the scores. Results of older versions have the classifier alone. */
export function fittingOf({
  definitionOptions,
  classifierOptions,
}: Pick<Named, 'definitionOptions' | 'classifierOptions'>): Definition {
  const known = (definitionOptions ?? {classifier: classifierOptions}) as Definition;
  const {metric: _, metricVersion: __, agreement: ___, ensemble, ...fitting} = known;
  return {...fitting, ...(ensemble ? {combine: (ensemble as Definition)['combine']} : {})};
}

/** What makes a number of them. */
function measuringOf(definition: Json): Json {
  const {metric, metricVersion, agreement} = (definition ?? {}) as Definition;
  return {metric, metricVersion, ...(agreement !== undefined && {agreement})};
}

/** Maps of what raises a classifier's score: their column's name has the classifier (`gradcam gde`). */
const isExplanation = ({definitionOptions}: Named): boolean =>
  (definitionOptions as Definition | null)?.['explained'] !== undefined;

/**
 * The options of rows, to be told apart. What is not refined counts as refined with a ratio of 0, so that a name has the ratio, and not all
 * that belongs to it. Versions count where a plug-in has several; that a training was ended early is said apart.
 */
export function comparable(options: readonly Json[]): readonly Json[] {
  const all = options as readonly Definition[];
  const refined = all.find(({refine}) => refine)?.['refine'] as Definition | undefined;
  const {epochs: _, ...stageTwo} = refined ?? {};
  const versions = differingVersions(all);
  return all.map(({until: __, glance: ___, ...one}) => ({
    ...one,
    ...(refined && {refine: one['refine'] ?? {...stageTwo, ratio: 0}}),
    versions: versions(one),
  })) as readonly Json[];
}

/** Of the versions in some options, those of plug-ins that come in several versions in all of them. */
export function differingVersions(all: readonly Definition[]): (one: Definition) => Definition {
  const found = new Map<string, Set<Json>>();
  const entriesOf = ({versions}: Definition) => Object.entries((versions ?? {}) as {readonly [plugin: string]: Json});
  for (const [plugin, version] of all.flatMap(entriesOf)) {
    if (version === null) continue; // not known
    if (!found.has(plugin)) found.set(plugin, new Set());
    found.get(plugin)!.add(version);
  }
  return (one) => Object.fromEntries(entriesOf(one).filter(([plugin]) => (found.get(plugin)?.size ?? 0) > 1));
}
