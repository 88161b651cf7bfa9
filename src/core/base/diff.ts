import {canonicalJson, type Json} from './canonical.ts';

/** One place where two values differ; undefined: this side has no value there. */
export interface Difference {
  /** Dotted: `learner.optimizer.momentum`; empty for the values themselves. */
  readonly path: string;
  readonly left: Json | undefined;
  readonly right: Json | undefined;
}

/** Differences of two JSON values by dotted path, in the order of keys. Lists are compared whole: their items have no names. */
export function differences(left: Json | undefined, right: Json | undefined, path = ''): readonly Difference[] {
  if (isRecord(left) && isRecord(right)) {
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return keys.flatMap((key) => differences(left[key], right[key], path === '' ? key : `${path}.${key}`));
  }
  return text(left) === text(right) ? [] : [{path, left, right}];
}

const text = (value: Json | undefined) => (value === undefined ? undefined : canonicalJson(value));

const isRecord = (value: Json | undefined): value is {readonly [key: string]: Json | undefined} =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
