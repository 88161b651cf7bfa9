/** Says why a stage must run: what differs from the nearest stage that is cached. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {Manifest} from '../stages/stage.ts';
import type {StageKey} from './fingerprint.ts';

/** At most this many differences are listed; more would not help. */
const most = 6;

/**
 * Returns phrases such as `learner.epochs 50 → 100`, `seed 0 → 1`, `input weights changed`, or `never run` if no cached stage of this
 * kind uses the same plug-in. The nearest stage has the fewest differences; among equals, the same label wins, then the latest.
 */
export function explainMiss(key: StageKey, label: string, cached: Iterable<Manifest>): readonly string[] {
  let nearest: {readonly manifest: Manifest; readonly differences: readonly string[]} | undefined;
  for (const manifest of cached) {
    const other = manifest.key as unknown as StageKey;
    if (other.kind !== key.kind || subject(other) !== subject(key)) continue;
    const differences = differencesOf(other, key);
    if (nearest && !isNearer({manifest, differences}, nearest, label)) continue;
    nearest = {manifest, differences};
  }
  if (!nearest) return ['never run'];
  // A manifest with this key was there, but its entry is damaged and has just been moved away, or was removed.
  if (nearest.differences.length === 0) return ['its cached result was removed or is damaged'];
  const {differences} = nearest;
  if (differences.length <= most) return differences;
  return [...differences.slice(0, most - 1), `and ${differences.length - most + 1} more`];
}

type Candidate = {readonly manifest: Manifest; readonly differences: readonly string[]};

function isNearer(a: Candidate, b: Candidate, label: string): boolean {
  if (a.differences.length !== b.differences.length) return a.differences.length < b.differences.length;
  if ((a.manifest.label === label) !== (b.manifest.label === label)) return a.manifest.label === label;
  return madeAt(a.manifest) > madeAt(b.manifest);
}

const madeAt = ({provenance}: Manifest): string => {
  const at = isObject(provenance) ? provenance['finished'] : undefined;
  return typeof at === 'string' ? at : '';
};

/** The plug-in that a stage is about. Stages of two different learners are not compared. */
function subject({recipe}: StageKey): string | undefined {
  const ref = recipe['learner'] ?? recipe['dataset'] ?? recipe['classifier'];
  return isObject(ref) && typeof ref['type'] === 'string' ? ref['type'] : undefined;
}

/** Phrases that describe the changes from one key to the other. */
export function differencesOf(before: StageKey, after: StageKey): readonly string[] {
  return [
    ...(before.format === after.format ? [] : [`cache format ${before.format} → ${after.format}`]),
    ...(before.kernels === after.kernels
      ? []
      : [`version of the engines' kernels ${before.kernels ?? 'none'} → ${after.kernels ?? 'none'}`]),
    ...(before.precision === after.precision
      ? []
      : [`precision ${before.precision ?? 'float32'} → ${after.precision ?? 'float32'}`]),
    ...differ('', before.recipe, after.recipe),
    ...differentFiles('input', before.inputs, after.inputs),
    ...differentFiles('file', before.sources, after.sources),
    ...differentFiles('plug-in code', before.code ?? {}, after.code ?? {}),
  ];
}

type Files = {readonly [name: string]: string};

const differentFiles = (what: string, before: Files, after: Files): readonly string[] =>
  keysOf(before, after).flatMap((name) => {
    if (before[name] === after[name]) return [];
    const how = before[name] === undefined ? 'is new' : after[name] === undefined ? 'is gone' : 'changed';
    return [`${what} ${name} ${how}`];
  });

function differ(path: string, before: Json | undefined, after: Json | undefined): readonly string[] {
  if (text(before) === text(after)) return [];
  if (path === 'versions' && isObject(before) && isObject(after)) {
    // A plug-in on only one side is reported by the option that names it.
    return keysOf(before, after).flatMap((name) =>
      before[name] === undefined || after[name] === undefined || before[name] === after[name]
        ? []
        : [`${name} version ${text(before[name])} → ${text(after[name])}`],
    );
  }
  const inside = isObject(before) && isObject(after) && before['type'] === after['type'];
  if (inside)
    return keysOf(before, after).flatMap((key) =>
      differ(path === '' ? key : `${path}.${key}`, before[key], after[key]),
    );
  if (Array.isArray(before) && Array.isArray(after) && show(before) === show(after) && before.length === after.length) {
    return before.flatMap((item: Json, i) => differ(`${path}.${show(item)}`, item, after[i]));
  }
  return [`${path} ${show(before)} → ${show(after)}`];
}

/** Writes a plug-in as its name, a list as its items, and an absent value as `none`. */
function show(value: Json | undefined): string {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((item: Json) => show(item)).join(', ');
  if (isObject(value) && typeof value['type'] === 'string') return value['type'];
  return text(value);
}

const text = (value: Json | undefined): string => (value === undefined ? '' : canonicalJson(value));

const keysOf = (before: object, after: object): readonly string[] => [
  ...new Set([...Object.keys(before), ...Object.keys(after)]),
];

const isObject = (value: Json | undefined): value is {readonly [key: string]: Json | undefined} =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
