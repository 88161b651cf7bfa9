/** What a finished search says of its parameters: which matter, which two act together, where each is best. */
import type {Json} from '../../core/base/canonical.ts';
import {Rng} from '../../core/base/random.ts';
import {isChoice} from './domain.ts';
import {fitTrials, importance, pairResponse, type Response, response, type Share} from './importance.ts';
import type {SearchResults, TriedRow} from './results.ts';
import {isOfStageTwo} from './space.ts';

export interface Insight {
  /** Those that it is computed from: trained to their end, with a value; of very many a sample. */
  readonly configurations: number;
  /** The most important first. */
  readonly parameters: readonly ParameterInsight[];
  /** The two most important together: a row of expected values for each value of the first; absent: there is one parameter. */
  readonly together?: {
    readonly parameters: readonly [string, string];
    readonly values: readonly [readonly Json[], readonly Json[]];
    readonly means: readonly (readonly number[])[];
  };
  /** Of the pair with the largest share; absent: there is one parameter. */
  readonly interaction?: {readonly parameters: readonly [string, string]; readonly share: Share};
}

export interface ParameterInsight {
  readonly name: string;
  readonly share: Share;
  readonly best: BestValues;
  readonly response: readonly Response[];
}

/**
 * Where the response is within one deviation of its best: of a number the range around the best value, its ends included; of a choice
 * the values.
 */
export type BestValues = {readonly from: number; readonly to: number} | {readonly values: readonly Json[]};

/** How many there would have to be, and are. */
export interface TooFew {
  readonly of: 'configurations' | 'trainings';
  readonly needed: number;
  readonly have: number;
}

/** A parameter needs so many (Loeppky, Sacks and Welch, "Choosing the sample size of a computer experiment", Technometrics 2009). */
const perParameter = 10;

/** The time of the analysis grows with the square of their number; more would take longer than seconds. */
const most = 300;

export const isTooFew = (insight: Insight | TooFew): insight is TooFew => 'needed' in insight;

/** Rows that can be compared with each other. */
export const wholeRows = ({rows}: SearchResults): readonly WholeRow[] =>
  rows.filter((row): row is WholeRow => row.until === undefined && row.objective.value !== null);

export type WholeRow = TriedRow & {readonly objective: {readonly value: number}};

/** Settings of stage two are configurations of their own; but of a parameter of the training they say nothing new. */
export function insightOf(results: SearchResults): Insight | TooFew {
  const {space, objective, seed} = results.search;
  const rows = wholeRows(results);
  const trainings = new Set(rows.map(({trial}) => trial)).size;
  const enough = perParameter * space.parameters.length;
  if (rows.length < enough) return {of: 'configurations', needed: enough, have: rows.length};
  const enoughTrainings = perParameter * space.parameters.filter((parameter) => !isOfStageTwo(parameter)).length;
  if (trainings < enoughTrainings) return {of: 'trainings', needed: enoughTrainings, have: trainings};
  const rng = new Rng(seed).fork('importance');
  const taken =
    rows.length > most ? Array.from(rng.fork('rows').permutation(rows.length).subarray(0, most)) : rows.keys();
  const trials = Array.from(taken, (at) => ({point: rows[at]!.point, value: rows[at]!.objective.value}));
  const fit = fitTrials(space, trials, rng);
  const {single, pairs} = importance(fit);
  const sign = objective.better === 'higher' ? 1 : -1;
  const parameters = space.parameters.map(({name, domain}, d): ParameterInsight => {
    const curve = response(fit, d);
    return {name, share: single[d]!, best: bestOf(curve, sign, isChoice(domain)), response: curve};
  });
  const strongest = pairs.toSorted((a, b) => b.share.mean - a.share.mean)[0];
  const nameOf = (d: number): string => space.parameters[d]!.name;
  const [first, second] = [...single.keys()].toSorted((a, b) => single[b]!.mean - single[a]!.mean);
  return {
    configurations: trials.length,
    parameters: parameters.toSorted((a, b) => b.share.mean - a.share.mean),
    ...(second !== undefined && {
      together: {parameters: [nameOf(first!), nameOf(second)] as const, ...pairResponse(fit, [first!, second])},
    }),
    ...(strongest && {
      interaction: {
        parameters: [nameOf(strongest.parameters[0]), nameOf(strongest.parameters[1])],
        share: strongest.share,
      },
    }),
  };
}

function bestOf(curve: readonly Response[], sign: 1 | -1, choice: boolean): BestValues {
  const values = curve.map(({mean}) => sign * mean);
  const top = values.indexOf(Math.max(...values));
  const least = values[top]! - curve[top]!.deviation;
  if (choice) return {values: curve.filter((_, i) => values[i]! >= least).map(({value}) => value)};
  let [from, to] = [top, top];
  while (from > 0 && values[from - 1]! >= least) from--;
  while (to < values.length - 1 && values[to + 1]! >= least) to++;
  return {from: curve[from]!.value as number, to: curve[to]!.value as number};
}
