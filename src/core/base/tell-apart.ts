/** What things of one kind are called beside each other: their settings, as far as they differ. Rows and task ids are named here. */
import {isAbsolute} from 'node:path';
import {canonicalJson, type Json} from './canonical.ts';
import {groupBy} from './group.ts';

type Leaves = ReadonlyMap<string, Json>;

/**
 * For each of these settings what tells it apart from the others: `epochs=12`, `nu=0.05`, in the order of the settings. A setting is
 * called by the end of its path that no other one has; its value is written in full, or as the name of its plug-in where that is
 * enough. Two settings have the same tags only where they are equal.
 */
export function tellApart(settings: readonly Json[]): readonly (readonly string[])[] {
  const items = settings.map((item) => leavesOf(item));
  const paths = tellingPaths(items);
  const names = namesOf(paths);
  const texts = new Map(paths.map((path) => [path, textsOf(items.map((item) => item.get(path)))]));
  return items.map((item) =>
    paths.flatMap((path) => {
      const value = item.get(path);
      return value === undefined ? [] : [`${names.get(path)}=${texts.get(path)!.get(canonicalJson(value))}`];
    }),
  );
}

/** A distinct text for each of these values: short ones where they tell them apart. Keyed by their canonical JSON. */
export function textsOf(values: readonly (Json | undefined)[]): ReadonlyMap<string, string> {
  const distinct = new Map(values.flatMap((value) => (value === undefined ? [] : [[canonicalJson(value), value]])));
  const found = [...distinct.values()];
  const short = found.map(shortText);
  const ends = short.some(isAbsolute) ? endsOf(short) : short;
  const texts = areDistinct(ends) ? ends : withOptions(found, ends);
  return new Map([...distinct.keys()].map((key, i) => [key, areDistinct(texts) ? texts[i]! : key]));
}

const areDistinct = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

/** Values of one name with the options in which they differ: `crop+hflip(min_side=0.5)`. */
function withOptions(values: readonly Json[], texts: readonly string[]): readonly string[] {
  const same = groupBy([...values.keys()], (at) => texts[at]!);
  return texts.map((text, at) => {
    const rivals = same.get(text)!;
    if (rivals.length > 1 && rivals.some((one) => typeof values[one] !== 'object')) return canonicalJson(values[at]!);
    // Lists are told apart by the options of their items.
    const tags = tellApart(rivals.map((one) => (Array.isArray(values[one]) ? {...values[one]} : values[one]) as Json));
    const own = tags[rivals.indexOf(at)]!;
    return own.length === 0 ? text : `${text}(${own.join(' ')})`;
  });
}

/** Of paths of files the shortest ends that differ, in whole parts: `bolts/photos` and `nuts/photos`. */
function endsOf(paths: readonly string[]): readonly string[] {
  const parts = paths.map((path) => path.split(/[\\/]/));
  const end = (path: readonly string[], length: number): string => path.slice(-length).join('/');
  return parts.map((path) => {
    let length = 1;
    while (length < path.length && parts.some((other) => other !== path && end(other, length) === end(path, length)))
      length++;
    return end(path, length);
  });
}

/**
 * Path → the shortest end of it that no other of these paths has. The type of a plug-in is called as the plug-in is; what is called `seed`
 * somewhere is not to be taken for the seed of a task.
 */
export function namesOf(paths: readonly string[]): ReadonlyMap<string, string> {
  const whole = new Map(paths.map((path) => [path, path.replace(/(.)\.type$/, '$1').split('.')]));
  const others = [...whole.values()];
  const ends = (path: readonly string[], length: number): string => path.slice(-length).join('.');
  return new Map(
    [...whole].map(([path, words]) => {
      let length = 1;
      const isTaken = (): boolean =>
        others.some((other) => other.join('.') !== words.join('.') && ends(other, length) === ends(words, length));
      while (length < words.length && (/^(\d|seed$)/.test(ends(words, length)) || isTaken())) length++;
      return [path, ends(words, length)];
    }),
  );
}

/** Path → value; lists are values. What is null is not known. */
function leavesOf(value: Json, path = '', into = new Map<string, Json>()): Leaves {
  if (isRecord(value))
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) leavesOf(item, path === '' ? key : `${path}.${key}`, into);
    }
  else if (value !== null) into.set(path, value);
  return into;
}

/** Paths with several values; those below a plug-in only where its type does not tell all. */
function tellingPaths(items: readonly Leaves[]): readonly string[] {
  const all = new Set(items.flatMap((item) => [...item.keys()]));
  const textAt = (item: Leaves, path: string): string => (item.has(path) ? canonicalJson(item.get(path)!) : 'absent');
  const varies = (path: string, among: readonly Leaves[]): boolean =>
    new Set(among.map((item) => textAt(item, path))).size > 1;
  const varying = [...all].filter((path) => varies(path, items));
  return varying.filter((path) =>
    varying.every((type) => {
      if (type === path || !/(^|\.)type$/.test(type) || !path.startsWith(type.slice(0, -'type'.length))) return true;
      return [...groupBy(items, (item) => textAt(item, type)).values()].some((same) => varies(path, same));
    }),
  );
}

function shortText(value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const names = value.map((item: Json) => (typeof item === 'string' ? item : typeOf(item)));
    if (names.length === 0) return 'none';
    if (names.every((name) => name !== undefined)) return names.join('+');
  }
  return typeOf(value) ?? canonicalJson(value);
}

/** The name of a plug-in, in both ways of writing it: `{type: crop, min_side: 0.5}` and `crop: {min_side: 0.5}`. */
function typeOf(value: Json): string | undefined {
  if (!isRecord(value)) return undefined;
  if (typeof value['type'] === 'string') return value['type'];
  const [only, ...others] = Object.entries(value);
  return only && others.length === 0 && isRecord(only[1]) ? only[0] : undefined;
}

const isRecord = (value: Json | undefined): value is {readonly [key: string]: Json | undefined} =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
