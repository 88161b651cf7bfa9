/** Reads `search.space` of a spec: each parameter's domain, and the conditions under which it exists. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {checkValue, type Issue, type Path} from '../../core/plugin/check.ts';
import {type Schema, show} from '../../core/plugin/describe.ts';
import {Type} from '../../core/plugin/type.ts';
import {recordedPath, type SpecWords} from '../config/words.ts';
import {arrange, type Draft, type Surroundings} from './conditions.ts';
import type {Domain} from './domain.ts';
import type {Space} from './space.ts';

const strict = {additionalProperties: false};

const when = Type.Optional(
  Type.Record(Type.String(), Type.Unknown(), {
    'x-expected': 'a mapping of paths to values',
    description: 'The parameter exists only where each of these paths has this value, or one of this list of values.',
    examples: [{'learner.network.type': 'resnet18'}],
  }),
);

const ends = (item: object, description: string, example: readonly number[]) =>
  Type.Array(item as ReturnType<typeof Type.Number>, {
    minItems: 2,
    maxItems: 2,
    'x-expected': `a list of the lowest and the highest value, such as [${example.join(', ')}]`,
    description,
    examples: [example],
  });

const step = Type.Number({exclusiveMinimum: 0, description: 'Distance between neighbouring values.', examples: [0.05]});

/** By the key that a domain is recognised by. */
const forms = {
  uniform: Type.Object(
    {
      uniform: ends(Type.Number(), 'A number between these two, both included.', [0.05, 0.9]),
      step: Type.Optional(step),
      when,
    },
    strict,
  ),
  log: Type.Object(
    {
      log: ends(Type.Number({exclusiveMinimum: 0}), 'The same on a logarithmic scale.', [0.001, 0.1]),
      when,
    },
    strict,
  ),
  integer: Type.Object(
    {
      integer: ends(Type.Integer(), 'An integer between these two, both included.', [64, 512]),
      log: Type.Optional(Type.Boolean({description: 'On a logarithmic scale.', default: false})),
      step: Type.Optional(Type.Integer({minimum: 1, description: 'Distance between neighbouring values.', default: 1})),
      when,
    },
    strict,
  ),
  choice: Type.Object(
    {
      choice: Type.Array(Type.Unknown(), {
        minItems: 1,
        'x-expected': 'a list of at least one value',
        description: 'One of these values.',
        examples: [[32, 64, 128]],
      }),
      when,
    },
    strict,
  ),
};

const formNames = Object.keys(forms) as readonly (keyof typeof forms)[];
const example = 'Examples: {log: [0.001, 0.1]}, {integer: [16, 512]} or a list of values.';

/** The schema of the whole space, for editors. */
export const spaceShape = Type.Record(
  Type.String(),
  Type.Union([Type.Array(Type.Unknown(), {minItems: 1}), ...Object.values(forms)]),
  {
    'x-expected': 'a mapping of dotted paths to domains',
    description:
      'Dotted paths into this file, each with what it may be: `{uniform: [a, b]}`, `{log: [a, b]}`, `{integer: [a, b]}`, or a list of ' +
      'values. Several paths, separated by commas, vary together: each value is then a list with one value for each path.',
    examples: [{'learner.optimizer.learning_rate': {log: [0.001, 0.1]}}],
  },
);

/** The first keys of paths that are not part of an experiment. */
const outside = ['name', 'description', 'plugins', 'matrix', 'suite', 'search', 'seeds'];

/**
 * The space as written at `path` of the spec. A parameter whose condition a constant of the spec does not meet is left out. The
 * space is only valid if there are no issues.
 */
export function readSpace(
  written: unknown,
  path: Path,
  surroundings: Surroundings,
): {readonly space: Space; readonly issues: readonly Issue[]} {
  const nothing = {parameters: []};
  if (typeof written !== 'object' || written === null || Array.isArray(written) || Object.keys(written).length === 0) {
    const message = `expected "space" to be a mapping of paths to what they may be, but got ${show(written)}`;
    return {space: nothing, issues: [{path, at: 'value', message, hint: 'Example: {learner.batch: [32, 64, 128]}.'}]};
  }
  const named = Object.entries(written).map(([name, raw]) => ({
    name,
    raw: (Array.isArray(raw) ? {choice: raw} : raw) as unknown,
    paths: name.split(',').map((one) => one.trim()),
    /** Below it, a plain list has no key "choice". */
    path: [...path, name],
    inside: Array.isArray(raw) ? [] : ['choice'],
  }));
  const issues = pathIssues(named, surroundings.words);
  const parameters: Draft[] = [];
  for (const one of named) {
    const read = readDomain(one);
    if ('issues' in read) issues.push(...read.issues);
    else parameters.push({...one, domain: read.domain, when: read.when});
  }
  if (issues.length > 0) return {space: nothing, issues};
  return arrange(parameters, surroundings, path);
}

interface Named {
  readonly name: string;
  readonly paths: readonly string[];
  readonly raw: unknown;
  readonly path: Path;
  readonly inside: Path;
}

function pathIssues(named: readonly Named[], words: SpecWords): Issue[] {
  const all = named.flatMap(({paths, path: at}) =>
    paths.map((path) => ({at: {path: at, at: 'key'} as const, path, recorded: recordedPath(words, path)})),
  );
  return all.flatMap(({at, path, recorded}): Issue[] => {
    const first = path.split('.')[0]!;
    if (outside.includes(first)) {
      const hint = 'Vary the learner, the classifiers or another part of the experiment.';
      return [{...at, message: `"${first}" cannot vary in a search`, hint}];
    }
    if (`${recorded}.`.startsWith('dataset.validation.'))
      return [
        {
          ...at,
          message: `"${path}" cannot vary in a search: its trials would be compared on different images`,
          hint: 'Search once for each, or vary another part of the experiment.',
        },
      ];
    if (path.split('.').some((part) => ['', '__proto__', 'constructor', 'prototype'].includes(part)))
      return [{...at, message: `"${path}" is not a path`, hint: 'Example: learner.batch.'}];
    const same = all.filter((other) => other.recorded === recorded);
    if (same.length > 1) {
      const names = [...new Set(same.map((other) => `"${other.path}"`))];
      const message =
        names.length === 1 ? `${names[0]} varies twice` : `${names.join(' and ')} are one option, which varies twice`;
      return [{...at, message, hint: 'Keep one of them.'}];
    }
    const around = all.find((other) => recorded.startsWith(`${other.recorded}.`));
    if (around) {
      const message = `"${path}" is inside "${around.path}", which also varies`;
      return [{...at, message, hint: `Vary parts of it, such as "${around.path}.type", and use "when".`}];
    }
    return [];
  });
}

function readDomain({
  name,
  paths,
  raw,
  path,
  inside,
}: Named): {readonly domain: Domain; readonly when: Draft['when']} | {readonly issues: readonly Issue[]} {
  const wrong = (message: string, hint: string, below: Path = [], at: Issue['at'] = 'value') => ({
    issues: [{path: [...path, ...below], at, message, hint}],
  });
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return wrong(`expected "${name}" to be a list of values or a mapping, but got ${show(raw)}`, example);
  // `log` is also an option of integers.
  const form = formNames.filter((one) => Object.hasOwn(raw, one) && !(one === 'log' && Object.hasOwn(raw, 'integer')));
  if (form.length === 0) return wrong(`expected "${name}" to have one of the keys ${formNames.join(', ')}`, example);
  if (form.length > 1)
    return wrong(
      `"${name}" has both "${form[0]}" and "${form[1]}"; expected only one of them`,
      'Remove one of the two.',
      [form[1]!],
    );
  const schema = forms[form[0]!] as unknown as Schema;
  const checked = checkValue<Written>(schema, raw, {path, subject: `"${name}"`, noun: 'key'});
  if (checked.issues.length > 0) return {issues: checked.issues};
  const {value} = checked;
  const conditions = value.when ?? {};
  if (value.choice) return readChoice(name, paths, value.choice, [...path, ...inside], conditions);
  if (paths.length > 1)
    return wrong(
      `"${name}" are several paths, which need a list of values`,
      `Example: [[${paths.map((_, k) => k + 1).join(', ')}], …].`,
    );
  const key = form[0]!;
  const [low, high] = (value[key as 'uniform'] ?? []) as readonly [number, number];
  const log = key === 'log' || value.log === true;
  const given = value.step;
  if (low >= high)
    return wrong(
      `expected the first bound of "${name}" to be below the second, but got [${low}, ${high}]`,
      low === high ? 'Write the value into the spec, outside "search".' : `Write [${high}, ${low}].`,
      [key],
    );
  if (log && low <= 0)
    return wrong(
      `expected the bounds of "${name}" to be above 0 on a log scale, but got ${low}`,
      'Raise the lower bound.',
      [key],
    );
  const written = Object.hasOwn(raw, 'step');
  if (log && written)
    return wrong(
      `"${name}" has both "log" and "step"; expected only one of them`,
      'Remove "step", or list the values.',
      ['step'],
      'key',
    );
  const domain: Domain = {low, high, log, step: given};
  if (given !== undefined) {
    const count = (high - low) / given;
    if (Math.abs(count - Math.round(count)) > 1e-6 || count < 0.5) {
      const fits = Number((low + Math.max(1, Math.floor(count)) * given).toPrecision(12));
      return wrong(
        `steps of ${given} do not lead from ${low} to ${high} in "${name}"`,
        `Write ${fits} as the upper bound, or another step.`,
        ['step'],
      );
    }
  }
  return {domain, when: conditions};
}

interface Written {
  readonly uniform?: readonly number[];
  readonly log?: readonly number[] | boolean;
  readonly integer?: readonly number[];
  readonly choice?: readonly unknown[];
  readonly step?: number;
  readonly when?: {readonly [path: string]: unknown};
}

function readChoice(
  name: string,
  paths: readonly string[],
  values: readonly unknown[],
  path: Path,
  when: Draft['when'],
): {readonly domain: Domain; readonly when: Draft['when']} | {readonly issues: readonly Issue[]} {
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const [i, value] of values.entries()) {
    const at = {path: [...path, i], at: 'value'} as const;
    if (paths.length > 1 && (!Array.isArray(value) || value.length !== paths.length)) {
      const message = `expected a list of ${paths.length} values, one for each of "${name}", but got ${show(value)}`;
      issues.push({...at, message, hint: `Example: [${paths.map((_, k) => 'abcdefgh'[k] ?? '…').join(', ')}].`});
      continue;
    }
    const text = jsonOf(value);
    if (text === undefined)
      issues.push({...at, message: `"${name}" has the value ${show(value)}, which JSON does not have`});
    else if (seen.has(text))
      issues.push({...at, message: `"${name}" has ${show(value)} twice`, hint: 'Remove one of the two.'});
    else seen.add(text);
  }
  return issues.length > 0 ? {issues} : {domain: {values: values as readonly Json[]}, when};
}

function jsonOf(value: unknown): string | undefined {
  try {
    return canonicalJson(value as Json);
  } catch {
    return undefined;
  }
}
