/** Reads the key `search` of a spec. */
import type {Json} from '../../core/base/canonical.ts';
import {plural, suggest} from '../../core/base/text.ts';
import {checkValue, type Issue} from '../../core/plugin/check.ts';
import type {Schema} from '../../core/plugin/describe.ts';
import {Type} from '../../core/plugin/type.ts';
import {recordedPath} from '../config/words.ts';
import type {Surroundings} from './conditions.ts';
import {isChoice} from './domain.ts';
import type {Halving} from './halving.ts';
import {gridIssues} from './propose/grid.ts';
import {readSpace, spaceShape} from './read-space.ts';
import {isOfStageTwo, type Parameter, type Space} from './space.ts';
import type {Stopping} from './stopping.ts';

const strict = {additionalProperties: false};

export const methods = ['grid', 'random', 'quasi-random', 'tpe'] as const;

/** What a search asks for, checked, defaults filled. */
export interface Search {
  readonly space: Space;
  readonly method: (typeof methods)[number];
  /** Trainings, or configurations where only stage two varies or both vary together; absent: until the budget is spent or the space exhausted. */
  readonly trials?: number;
  readonly budget: {readonly hours?: number; readonly pflop?: number};
  readonly objective: Objective;
  /** Settings of stage two that are tried under each training. */
  readonly settings: number;
  /** Which trainings end early: at most one of both; absent: none. */
  readonly halving?: Halving;
  readonly stopping?: Stopping;
  /** Trials that may go on at a time; how many it is changes which are proposed. */
  readonly parallel: number;
  readonly seed: number;
}

/** What is made best: the mean over normal classes and seeds of one metric of one classifier. */
export interface Objective {
  readonly metric: string;
  /** Name of a classifier's column; absent: the first classifier. */
  readonly classifier?: string;
  readonly on: 'validation' | 'test';
  readonly better: 'higher' | 'lower';
}

export const searchShape = Type.Object(
  {
    space: spaceShape,
    method: Type.Union(
      methods.map((name) => Type.Literal(name)),
      {
        default: 'tpe',
        description:
          '`grid`: every combination; `random`; `quasi-random`: scrambled Sobol points; `tpe`: near what was good, after some ' +
          'quasi-random points.',
      },
    ),
    trials: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description:
          'Number of trainings; where only stage two varies, or with `settings: 1`, of configurations. Default with `grid`: all.',
        examples: [60],
      }),
    ),
    budget: Type.Object(
      {
        hours: Type.Optional(Type.Number({exclusiveMinimum: 0, description: 'Hours of this run.'})),
        pflop: Type.Optional(
          Type.Number({exclusiveMinimum: 0, description: 'Operations of all trainings, in units of 10¹⁵.'}),
        ),
      },
      {...strict, default: {}, description: 'No trial begins when it is spent.', examples: [{hours: 8}]},
    ),
    objective: Type.Object(
      {
        metric: Type.String({default: 'auc', description: 'One of the metrics.'}),
        classifier: Type.Optional(
          Type.String({description: 'Name of its column in tables. Default: the first one.', examples: ['oc-svm-rbf']}),
        ),
        on: Type.Optional(
          Type.Union([Type.Literal('validation'), Type.Literal('test')], {
            description:
              'The images that decide. Default: `validation` if the dataset has a `validation`. `test` chooses by the test ' +
              'labels, and is marked wherever the result is printed.',
          }),
        ),
      },
      {...strict, default: {}, description: 'What is to be best: a mean over the normal classes and then the seeds.'},
    ),
    settings: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 16,
      description:
        'Settings of stage two (`classifiers.…`) that are tried under each training, if there are parameters of both; with `grid` ' +
        'all of them. With 1, training and stage two vary together, and each trial is one configuration.',
    }),
    halving: Type.Optional(
      Type.Object(
        {
          first: Type.Integer({minimum: 1, description: 'Epochs after which trials are first compared.'}),
          factor: Type.Number({
            exclusiveMinimum: 1,
            default: 3,
            description: 'One in so many goes on, to so many times the epochs.',
          }),
        },
        {
          ...strict,
          description:
            'Asynchronous successive halving: trials that are not among the best after few epochs end there.',
          examples: [{first: 16, factor: 3}],
        },
      ),
    ),
    stopping: Type.Optional(
      Type.Object(
        {
          every: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: 'Epochs from one mark to the next. Default: a quarter of the training’s.',
            }),
          ),
          after: Type.Integer({
            minimum: 1,
            default: 5,
            description: 'The first so many trainings do not end early.',
          }),
          images: Type.Integer({
            minimum: 1,
            default: 300,
            description: 'About so many images of each split are embedded at a mark.',
          }),
        },
        {
          ...strict,
          description:
            'The median stopping rule, in place of `halving`: a training whose best value so far is below what half of the earlier ones had ' +
            'reached at this mark ends there.',
          examples: [{every: 16}],
        },
      ),
    ),
    parallel: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 4,
      description:
        'Trials that go on at a time. A trial is proposed from the results of those that began at least so many before it, so ' +
        'that it does not matter which ends first.',
    }),
    seed: Type.Integer({minimum: 0, maximum: 4294967295, default: 0, description: 'Seed of the proposals.'}),
  },
  {
    ...strict,
    description:
      'Searches the best configuration: proposes trials one after the other, from the results of earlier ones.',
  },
);

interface Written extends Omit<Search, 'space' | 'objective'> {
  readonly space: unknown;
  readonly objective: Omit<Objective, 'on' | 'better'> & {readonly on?: Objective['on']};
}

/** What of the spec a search needs to know. */
export interface SearchedSpec extends Surroundings {
  readonly metrics: readonly {readonly name: string; readonly better: 'higher' | 'lower'}[];
  /** Names of the columns. */
  readonly classifiers: readonly string[];
  readonly hasValidation: boolean;
  /** What is measured is of whole images: neither of windows nor of pixels. */
  readonly isOfImages: (metric: string) => boolean;
}

/** `written`: the value of the key `search`. The search is only valid if there are no issues. */
export function readSearch(
  written: unknown,
  spec: SearchedSpec,
): {readonly search?: Search; readonly issues: readonly Issue[]} {
  const path = ['search'];
  const {value, issues: outer} = checkValue<Written>(searchShape as unknown as Schema, written, {
    path,
    noun: 'key',
    subject: 'a search',
  });
  // The space has messages of its own.
  const issues: Issue[] = outer.filter((issue) => issue.path[1] !== 'space' || issue.path.length === 1);
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return {issues: outer};
  const {space, issues: ofSpace} = readSpace((written as {space?: unknown}).space, [...path, 'space'], spec);
  issues.push(...ofSpace.filter(({path: at}) => !(at.length === 2 && issues.some((issue) => issue.path.length === 1))));
  if (issues.length > 0) return {issues};
  const method = value.method;
  if (method === 'grid') issues.push(...gridIssues(space, [...path, 'space']));
  const {budget} = value;
  if (method !== 'grid' && value.trials === undefined && budget.hours === undefined && budget.pflop === undefined)
    issues.push({
      path,
      at: 'key',
      message: 'the search has no end: it has neither "trials" nor "budget"',
      hint: 'Example: trials: 60.',
    });
  issues.push(...reversed(space), ...objectiveIssues(value.objective, spec));
  issues.push(...endingIssues(value, spec, space));
  if (issues.length > 0) return {issues};
  const {metric, classifier, on = 'validation'} = value.objective;
  const {better} = spec.metrics.find(({name}) => name === metric)!;
  return {
    issues,
    search: {...value, space, objective: {metric, ...(classifier !== undefined && {classifier}), on, better}},
  };
}

/** A training cannot depend on what comes after it. */
const reversed = ({parameters}: Space): readonly Issue[] =>
  parameters.flatMap((parameter) => {
    const bad = isOfStageTwo(parameter) ? undefined : parameter.when.find(({path}) => isOfStageTwo({paths: [path]}));
    return bad === undefined
      ? []
      : [
          {
            path: ['search', 'space', parameter.name, 'when'],
            at: 'value' as const,
            message: `"${parameter.name}" belongs to the training, which cannot depend on "${bad.path}"`,
            hint: 'Turn the condition round.',
          },
        ];
  });

/** What is wrong with ending trainings early. */
function endingIssues({halving, stopping, objective}: Written, spec: SearchedSpec, space: Space): readonly Issue[] {
  const at = (key: string) => ({path: ['search', key], at: 'key'}) as const;
  const asked = [...(halving ? ['halving'] : []), ...(stopping ? ['stopping'] : [])];
  if (asked.length > 1)
    return [
      {...at('stopping'), message: 'a search has either "halving" or "stopping"', hint: 'Remove one of the two.'},
    ];
  const [key] = asked;
  const epochs = mostEpochs(space, spec);
  if (key && epochs === undefined)
    return [
      {
        ...at(key),
        message: 'this learner has no "epochs", so that its trainings cannot end early',
        hint: `Remove "${key}".`,
      },
    ];
  if (key && space.parameters.length > 0 && space.parameters.every(isOfStageTwo))
    return [
      {
        ...at(key),
        message: 'nothing of the training varies in this search: all trials share one training, which ends once',
        hint: `Remove "${key}".`,
      },
    ];
  if (stopping && !spec.isOfImages(objective.metric))
    return [
      {
        ...at('stopping'),
        message: '"stopping" compares scores of whole images, but this search is for scores of windows or pixels',
        hint: 'Use "halving".',
      },
    ];
  const first = halving?.first ?? stopping?.every ?? 0;
  if (key && first >= epochs!)
    return [
      {
        path: ['search', key, halving ? 'first' : 'every'],
        at: 'value',
        message: `no training would end early: the first comparison is after ${plural(first, 'epoch')}, and no training has more than ${epochs}`,
        hint: `Give a smaller number, or remove "${key}".`,
      },
    ];
  return [];
}

/** Of the longest training; undefined if the learner does not train in epochs. */
function mostEpochs({parameters}: Space, {constant, words}: SearchedSpec): number | undefined {
  const index = ({paths}: Parameter) => paths.findIndex((path) => recordedPath(words, path) === 'learner.epochs');
  const varies = parameters.find((parameter) => index(parameter) >= 0);
  const values = !varies
    ? [constant('learner.epochs')]
    : isChoice(varies.domain)
      ? varies.domain.values.map((value) => (varies.paths.length === 1 ? value : (value as Json[])[index(varies)]))
      : [varies.domain.high];
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length > 0 ? Math.max(...numbers) : undefined;
}

function objectiveIssues(
  {metric, classifier, on}: Written['objective'],
  {metrics, classifiers, hasValidation}: SearchedSpec,
): readonly Issue[] {
  const path = ['search', 'objective'];
  const names = metrics.map(({name}) => name);
  const issues: Issue[] = [];
  if (!names.includes(metric))
    issues.push({
      path: [...path, 'metric'],
      at: 'value',
      message: `the objective is the metric "${metric}", which the spec does not measure`,
      hint: suggest(metric, names, 'Its metrics'),
    });
  if (classifier !== undefined && !classifiers.includes(classifier))
    issues.push({
      path: [...path, 'classifier'],
      at: 'value',
      message: `the spec has no classifier "${classifier}"`,
      hint: suggest(classifier, classifiers, 'Its classifiers'),
    });
  if (!hasValidation && on !== 'test')
    issues.push({
      path: on === undefined ? ['search'] : [...path, 'on'],
      at: on === undefined ? 'key' : 'value',
      message: 'the search chooses by validation images, but the dataset has none',
      hint: 'Add dataset.validation (held-out or synthetic), or write objective: {on: test}, which chooses by the test labels.',
    });
  return issues;
}
