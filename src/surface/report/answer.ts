/** What came out, in a sentence for each dataset: the best configuration, its lead or lag against the paper, what is not as there. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {groupBy} from '../../core/base/group.ts';
import {plural} from '../../core/base/text.ts';
import type {SearchResults} from '../../pipeline/search/results.ts';
import {html, type Markup} from '../html.ts';
import {type Better, rivalsIn, rivalsText} from '../tables/best-of.ts';
import type {Comparison} from '../tables/compare.ts';
import {number, rateOf} from '../tables/formats.ts';
import type {Line} from '../tables/line.ts';
import {endedAt} from '../tables/names.ts';
import {chosenOnOthers, chosenOnTest, markOf} from '../tables/search.ts';

/** One configuration of a method with one classifier, on all its classes. */
interface Configuration {
  /** A line for each class, none for means over classes. */
  readonly lines: readonly Line[];
  /** Mean over the classes. */
  readonly mean: number;
}

export interface Answer {
  readonly dataset: string;
  readonly best: Configuration;
  /** By what it was chosen; absent: there was nothing to choose. */
  readonly choice?: string;
}

/** One a dataset, by the metric that the spec names first; none where it is not known which of its values are better. */
export function answersOf({lines}: Comparison, metric: string | undefined, better: Better): readonly Answer[] {
  const direction = metric === undefined ? undefined : better(metric);
  if (direction === undefined) return [];
  const sign = direction === 'higher' ? 1 : -1;
  const own = lines.filter(
    (line) => line.metric === metric && line.ensemble === null && Number.isFinite(line.ours) && !isMean(line),
  );
  return [...groupBy(own, ({dataset}) => dataset)].map(([dataset, rows]) => {
    const configurations = [...groupBy(rows, configurationOf).values()].map((of) => ({
      lines: of,
      mean: of.reduce((sum, {ours}) => sum + ours!, 0) / of.length,
    }));
    // A mean over fewer classes is of another problem.
    const classes = Math.max(...configurations.map((one) => one.lines.length));
    const whole = configurations.filter((one) => one.lines.length === classes);
    const best = whole.reduce((a, b) => (sign * b.mean > sign * a.mean ? b : a));
    const counts = rivalsIn(whole.map((one) => one.lines.find(({inlier}) => inlier === best.lines[0]!.inlier)!));
    const choice = `the best by the test labels of ${rivalsText(counts.map(({length}) => length))}, so somewhat too good`;
    return {dataset, best, ...(whole.length > 1 && {choice})};
  });
}

/** Of a search the configuration that it chose, in the first of these metrics that the test images have. */
export function answersOfSearch(
  {lines}: Comparison,
  results: SearchResults,
  metrics: readonly string[],
): readonly Answer[] {
  const {best, rows} = results;
  const [task] = best?.tasks ?? [];
  if (!task) return [];
  const [column] = task.trial!.classifier.split(' ');
  const point = canonicalJson(task.point as Json);
  const own = lines.filter(
    (line) =>
      endedAt(line) === undefined &&
      line.paperClassifier === column &&
      line.ensemble === null &&
      Number.isFinite(line.ours) &&
      !isMean(line) &&
      canonicalJson(line.point) === point,
  );
  const metric = metrics.find((name) => own.some((line) => line.metric === name));
  const chosen = own.filter((line) => line.metric === metric);
  if (chosen.length === 0) return [];
  const mean = chosen.reduce((sum, {ours}) => sum + ours!, 0) / chosen.length;
  const choice = `${results.isOver ? '' : 'so far '}chosen of ${plural(rows.length, 'configuration')} ${choices[markOf(results)]}`;
  return [{dataset: task.dataset.type, best: {lines: chosen, mean}, choice}];
}

const choices = {
  [chosenOnTest]: 'by the labels of the test images, so somewhat too good',
  [chosenOnOthers]: 'by images of the training part, with labels of anomalies',
  '': 'by validation images, without a label of an anomaly',
};

export const isMean = ({inlier}: Line): boolean => inlier.startsWith('mean');

export const configurationOf = ({dataset, label, classifier, metricLabel}: Line): string =>
  [dataset, label, classifier, metricLabel].join('\n');

/** A paragraph for each dataset. */
export const answerView = (answers: readonly Answer[]): Markup =>
  html`${answers.map((answer) => html`<p class="answer">${answers.length > 1 && `${answer.dataset}: `}${sentenceOf(answer)}</p>\n`)}`;

/** `rotation with oc-svm-rbf: auc 93.6, the mean of 2 classes; 1.7 to 4.7 below the paper; 6 settings differ from the paper's.` */
function sentenceOf({best: {lines, mean}, choice}: Answer): Markup {
  const {label, classifier, metric} = lines[0]!;
  const value = number(mean, null, rateOf(lines[0]!));
  const what = lines.length > 1 ? `, the mean of ${lines.length} classes` : ` for class ${lines[0]!.inlier}`;
  const chosen = choice === undefined ? '' : ` (${choice})`;
  const rest = [paperText(lines), departuresText(lines)].filter((part) => part !== undefined);
  return html`<strong>${label}</strong> with <strong>${classifier}</strong>: ${metric} <strong class="value">${value}</strong>${what}${chosen}${rest.map((part) => `; ${part}`)}.`;
}

/** How far the classes are from the paper's numbers: the least and the largest difference. */
function paperText(lines: readonly Line[]): string | undefined {
  const compared = lines.filter(({difference}) => difference !== null);
  if (compared.length === 0) return undefined;
  const points = compared.map(({difference}) => (100 * difference!).toFixed(1)).map(Number);
  const [low, high] = [Math.min(...points), Math.max(...points)];
  const text = (value: number): string => Math.abs(value).toFixed(1);
  const span = (a: number, b: number): string => (text(a) === text(b) ? text(a) : `${text(a)} to ${text(b)}`);
  const matching = compared.filter(({verdict}) => verdict === 'matches').length;
  const judged =
    matching === 0
      ? ''
      : matching === compared.length
        ? ', which matches it'
        : `; ${matching} of ${plural(compared.length, 'class', 'classes')} match it`;
  if (low === 0 && high === 0) return `as the paper${judged}`;
  if (high <= 0) return `${span(high, low)} below the paper${judged}`;
  if (low >= 0) return `${span(low, high)} above the paper${judged}`;
  return `from ${text(low)} below to ${text(high)} above the paper${judged}`;
}

function departuresText(lines: readonly Line[]): string | undefined {
  const settings = new Set(lines.flatMap(({departures}) => departures)).size;
  return settings === 0
    ? undefined
    : `${plural(settings, 'setting')} ${settings === 1 ? 'differs' : 'differ'} from the paper's`;
}
