/**
 * What to expect of a configuration that was chosen as this search chose: the images by which it was chosen are resampled
 * (`optimism.ts`), with the scores that the stages have left in the cache.
 */
import {groupBy} from '../../core/base/group.ts';
import {Rng} from '../../core/base/random.ts';
import {readScores} from '../../core/formats/arrow/small.ts';
import {findFile} from '../store/cache/artifact.ts';
import {cacheOf} from '../store/runs/left.ts';
import {metricsOf} from '../store/runs/numbers.ts';
import type {RunRecord, StageRecord} from '../store/runs/run-record.ts';
import {wholeRows} from './insight.ts';
import {type Optimism, optimismOfBest, type TestSet} from './optimism.ts';
import {type Found, foundOf, type SearchResults} from './results.ts';

export interface Expected extends Optimism {
  /** Those that were chosen from in each round, the best of all. */
  readonly configurations: number;
  readonly rounds: number;
  /** Of the label and normal class that have the fewest images, how many. */
  readonly fewest: number;
}

const rounds = 200;

/** Worse ones are hardly ever the best of a sample. */
const most = 50;

/** Scores that all rounds together look at: some seconds. Of configurations with many images, classes and seeds fewer are compared. */
const budget = 1e9;

/**
 * Undefined where it can't be said: the objective is not an AUC, there is one configuration, its scores are gone from the cache, its
 * images are not the same in all of them, or a label has one image only.
 */
export async function expectedOf(record: RunRecord, results: SearchResults): Promise<Expected | undefined> {
  const {objective, seed} = results.search;
  if (objective.metric !== 'auc') return undefined;
  const values = groupBy(metricsOf(record), ({task}) => task);
  const found = wholeRows(results)
    .toSorted((a, b) => b.objective.value - a.objective.value || a.trial - b.trial || a.setting - b.setting)
    .slice(0, most)
    .map(({tasks}) => foundOf(tasks, values, objective.metric, objective.on));
  if (found.length < 2) return undefined;
  const stages = new Map(record.stages.map((stage) => [stage.id, stage]));
  const scored: ClassScores[] = [];
  for (const [at, numbers] of found.entries()) {
    const own = await scoresOf(numbers, record, stages);
    if (!own || (at > 0 && !areOfSameImages(scored[0]!, own))) return undefined;
    scored.push(own);
    const size = [...own.values()].reduce((sum, {labels, scores}) => sum + labels.length * scores.length, 0);
    if ((at + 2) * size * rounds > budget) break;
  }
  if (scored.length < 2) return undefined;
  const sets = [...scored[0]!].map(
    ([inlier, {labels}]): TestSet => ({labels, scores: scored.map((own) => own.get(inlier)!.scores)}),
  );
  if (!sets.every(canBeResampled)) return undefined;
  const optimism = optimismOfBest(sets, new Rng(seed).fork('optimism'), rounds);
  const fewest = Math.min(...sets.map(({labels}) => rarest(labels)));
  return {...optimism, configurations: scored.length, rounds, fewest};
}

/** Of each normal class: the labels of its images, and of each seed their scores. */
type ClassScores = ReadonlyMap<string, {readonly labels: Uint8Array; readonly scores: readonly Float64Array[]}>;

/** Undefined: a file is gone or damaged, or seeds have other images. */
async function scoresOf(
  numbers: readonly Found[],
  record: RunRecord,
  stages: ReadonlyMap<string, StageRecord>,
): Promise<ClassScores | undefined> {
  const classes = new Map<string, {labels: Uint8Array; scores: Float64Array[]}>();
  for (const {inlier, stage} of numbers) {
    const maker = stages.get(stage?.node.inputs['scores']?.stage ?? '');
    if (!maker?.fingerprint) return undefined;
    const file = await findFile(cacheOf(record.folder), maker.fingerprint, 'scores.arrow');
    if (!file.ok) return undefined;
    const {scores, classes: ofImages, classNames} = await readScores(file.value);
    const normal = classNames.indexOf((stage!.node.recipe as {readonly normal: string}).normal);
    const labels = Uint8Array.from(ofImages, (one) => (one === normal ? 0 : 1));
    const before = classes.get(inlier);
    if (!before) classes.set(inlier, {labels, scores: [scores]});
    else if (areEqual(before.labels, labels)) before.scores.push(scores);
    else return undefined;
  }
  return classes;
}

const areEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const areOfSameImages = (a: ClassScores, b: ClassScores): boolean =>
  a.size === b.size &&
  [...a].every(([inlier, {labels, scores}]) => {
    const other = b.get(inlier);
    return other !== undefined && areEqual(labels, other.labels) && scores.length === other.scores.length;
  });

/** A sample leaves an image of either label out only where there are two, and scores without an order have no AUC. */
function canBeResampled({labels, scores}: TestSet): boolean {
  return rarest(labels) >= 2 && scores.every((ofSeeds) => ofSeeds.every((ofImages) => !ofImages.some(Number.isNaN)));
}

/** How many images the label has that has fewer. */
function rarest(labels: Uint8Array): number {
  const anomalous = labels.reduce((sum, label) => sum + label, 0);
  return Math.min(anomalous, labels.length - anomalous);
}
