/** `when` of a search's parameters: which of them exist at all, and the order in which their conditions can be decided. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {suggest} from '../../core/base/text.ts';
import type {Issue, Path} from '../../core/plugin/check.ts';
import {show} from '../../core/plugin/describe.ts';
import {recordedPath, type SpecWords} from '../config/words.ts';
import {type Domain, isChoice, toUnit} from './domain.ts';
import {type Condition, type Parameter, type Space, valueInside} from './space.ts';

/** What the rest of the spec has. */
export interface Surroundings {
  readonly words: SpecWords;
  /** The value at a dotted path of the spec, defaults filled; undefined if there is none. */
  readonly constant: (path: string) => Json | undefined;
}

/** A parameter whose conditions are as written. */
export interface Draft {
  readonly name: string;
  readonly paths: readonly string[];
  /** Where it is in the spec. */
  readonly path: Path;
  readonly domain: Domain;
  readonly when: {readonly [path: string]: unknown};
}

/** The parameter that a condition names, by which of its paths, and the keys into the value there. */
interface Parent {
  readonly draft: Draft;
  readonly at: number;
  readonly inside: readonly string[];
}

/**
 * Puts parameters before those that depend on them. Where a constant of the spec does not have the value of a condition, the
 * parameter is left out, and so are those that depend on it.
 */
export function arrange(
  drafts: readonly Draft[],
  surroundings: Surroundings,
  path: Path,
): {readonly space: Space; readonly issues: readonly Issue[]} {
  const issues: Issue[] = [];
  const done = new Map<Draft, Parameter | 'left out'>();
  const open: Draft[] = [];
  const visit = (draft: Draft): void => {
    if (done.has(draft)) return;
    if (open.includes(draft)) {
      const circle = [...open.slice(open.indexOf(draft)), draft].map(({name}) => `"${name}"`).join(' → ');
      const message = `conditions form a circle: ${circle}`;
      issues.push({path: [...draft.path, 'when'], at: 'value', message, hint: 'Remove one of them.'});
      return;
    }
    open.push(draft);
    const conditions: Condition[] = [];
    let met = true;
    for (const [written, wanted] of Object.entries(draft.when)) {
      const parent = parentOf(written, drafts, surroundings.words);
      if (parent) visit(parent.draft);
      const values = (Array.isArray(wanted) ? wanted : [wanted]) as readonly Json[];
      const at = {path: [...draft.path, 'when', written], at: 'value'} as const;
      const wrong = parent ? neverHolds(written, values, parent) : unknownPath(written, drafts, surroundings);
      if (wrong) issues.push({...at, ...wrong});
      else if (parent === undefined) met &&= values.some((value) => same(value, surroundings.constant(written)!));
      else if (done.get(parent.draft) === 'left out') met = false;
      else
        conditions.push({
          path: parent.draft.paths[parent.at]!,
          inside: parent.inside,
          values: new Set(values.map((value) => canonicalJson(value))),
        });
    }
    open.pop();
    const {name, paths, domain} = draft;
    done.set(draft, met ? {name, paths, domain, when: conditions} : 'left out');
  };
  for (const draft of drafts) visit(draft);
  const parameters = [...done.values()].filter((one) => one !== 'left out');
  if (issues.length === 0 && parameters.length === 0) {
    const message = 'no parameter of the search exists: no condition is met';
    issues.push({path, at: 'value', message, hint: 'Change "when", or the values of the spec that it names.'});
  }
  return {space: {parameters}, issues};
}

function parentOf(written: string, drafts: readonly Draft[], words: SpecWords): Parent | undefined {
  const path = recordedPath(words, written);
  for (const draft of drafts)
    for (const [at, one] of draft.paths.entries()) {
      const recorded = recordedPath(words, one);
      if (path === recorded) return {draft, at, inside: []};
      if (path.startsWith(`${recorded}.`)) return {draft, at, inside: path.slice(recorded.length + 1).split('.')};
    }
  return undefined;
}

type Wrong = Pick<Issue, 'message'> & {readonly hint: string};

/** A value that the other parameter cannot have is a mistake. */
function neverHolds(written: string, values: readonly Json[], {draft, at, inside}: Parent): Wrong | undefined {
  const {domain, paths} = draft;
  if (values.length === 0)
    return {
      message: `expected "${written}" to have a value here, but got an empty list`,
      hint: 'Remove this condition.',
    };
  if (!isChoice(domain)) {
    const bad = values.find((value) => Number.isNaN(toUnit(domain, value)));
    if (bad === undefined && inside.length === 0) return undefined;
    return {message: `"${written}" is never ${show(bad)}`, hint: `It varies from ${domain.low} to ${domain.high}.`};
  }
  const known = domain.values.flatMap((value) => {
    const found = valueInside(paths.length === 1 ? value : (value as readonly Json[])[at]!, inside);
    return found === undefined ? [] : [found];
  });
  const bad = values.find((value) => !known.some((one) => same(one, value)));
  if (bad === undefined) return undefined;
  const hint =
    typeof bad === 'string'
      ? suggest(bad, known.map(String), 'Its values')
      : `Its values: ${known.map(show).join(', ')}.`;
  return {message: `"${written}" is never ${show(bad)}`, hint};
}

/** Neither a parameter nor a constant, or something of which only parts vary. */
function unknownPath(written: string, drafts: readonly Draft[], {words, constant}: Surroundings): Wrong | undefined {
  const paths = drafts.flatMap((draft) => draft.paths);
  const part = paths.find((path) => recordedPath(words, path).startsWith(`${recordedPath(words, written)}.`));
  if (part !== undefined)
    return {message: `only parts of "${written}" vary`, hint: `Name the part, such as "${part}".`};
  if (constant(written) !== undefined) return undefined;
  return {
    message: `there is neither a parameter "${written}" nor such a value in the spec`,
    hint: suggest(written, paths, 'Parameters'),
  };
}

/** Values that cannot be written as JSON equal none. */
function same(a: Json, b: Json): boolean {
  try {
    return canonicalJson(a) === canonicalJson(b);
  } catch {
    return false;
  }
}
