/** Values laid over a file's, by the matrix and by command-line options, and where each of them came from. */
import type {Path} from '../../core/plugin/check.ts';
import {show, showPath} from '../../core/plugin/describe.ts';
import {keyIn, type SpecWords} from './words.ts';

/** A place in the file, or an option as it was typed. */
export type Origin = {readonly path: Path} | {readonly option: string};

export interface Overlay {
  readonly value: unknown;
  /** Later ones were laid over earlier ones. */
  readonly laid: readonly Laid[];
}

interface Laid {
  /** Everything below it is new: `target`, or its first ancestor that did not exist. */
  readonly root: Path;
  readonly target: Path;
  /** A name (or nothing) in the file that had to become a mapping. */
  readonly opened?: Path;
  readonly origin: Origin;
}

export type LayResult = {readonly ok: true; readonly overlay: Overlay} | {readonly ok: false; readonly message: string};

/**
 * Sets a dotted path (list indices are numbers from 0); mappings on the way are made, and `kde` becomes `{type: kde}`. Where the
 * file has an option under its other name, the value of that name is replaced. `null` from a command line takes an option out: no option
 * has this value.
 */
export function lay(
  overlay: Overlay,
  dotted: readonly string[],
  value: unknown,
  origin: Origin,
  words: SpecWords,
): LayResult {
  const target: (string | number)[] = [];
  let root: Path | undefined;
  let opened: Path | undefined;
  const set = (container: unknown, depth: number): unknown => {
    if (depth === dotted.length) return value;
    const asked = dotted[depth]!;
    const part = typeof container === 'object' && container !== null ? keyIn(words, container, target, asked) : asked;
    if (Array.isArray(container)) {
      const index = /^\d+$/.test(part) ? Number(part) : -1;
      if (index < 0 || index >= container.length) throw new NoPath(outside(target, container, part));
      target.push(index);
      return container.with(index, set(container[index], depth + 1));
    }
    if (container === undefined && /^\d+$/.test(part))
      throw new NoPath(`"${showPath(target)}" is not in the file, so it has no item ${part}`);
    const open = container ?? {};
    const mapping = opening(open, target, part);
    if (typeof mapping !== 'object' || mapping === null)
      throw new NoPath(`"${showPath(target)}" is ${show(open)}, which has no "${part}" inside`);
    if (mapping !== container && container !== undefined) opened = [...target];
    target.push(part);
    const {[part]: own, ...others} = mapping as {readonly [key: string]: unknown};
    const inside = Object.hasOwn(mapping, part) ? own : undefined;
    if (value === null && depth === dotted.length - 1 && 'option' in origin) {
      if (inside === undefined)
        throw new NoPath(`"${showPath(target)}" is not in the file: there is nothing to take out`);
      return others;
    }
    if (inside === undefined) root ??= [...target];
    return {...mapping, [part]: set(inside, depth + 1)};
  };
  try {
    const laid = set(overlay.value, 0);
    return {
      ok: true,
      overlay: {value: laid, laid: [...overlay.laid, {root: root ?? target, target, ...(opened && {opened}), origin}]},
    };
  } catch (error) {
    if (error instanceof NoPath) return {ok: false, message: error.message};
    throw error;
  }
}

/** Where a path of the laid value came from. For a matrix value the "key" is the axis. */
export function originOf(
  overlay: Overlay,
  path: Path,
  at: 'key' | 'value',
): {readonly origin: Origin; readonly at: 'key' | 'value'} {
  const laid = overlay.laid.findLast(
    ({root, opened}) => startsWith(path, root) || (opened?.length === path.length && startsWith(path, opened)),
  );
  if (!laid) return {origin: {path}, at};
  if ('option' in laid.origin) return {origin: laid.origin, at};
  const below = path.slice(laid.target.length);
  if (below.length === 0 && at === 'key') return {origin: {path: laid.origin.path.slice(0, -1)}, at};
  return {origin: {path: [...laid.origin.path, ...below]}, at};
}

const startsWith = (path: Path, start: Path): boolean => start.every((part, i) => path[i] === part);

class NoPath extends Error {}

function outside(target: Path, list: readonly unknown[], part: string): string {
  const name = `"${showPath(target)}"`;
  return /^\d+$/.test(part)
    ? `${name} has ${list.length === 1 ? '1 item' : `${list.length} items`}, numbered from 0; there is no ${part}`
    : `${name} is a list; expected the number of an item (from 0), but got "${part}"`;
}

/** A name stands for a plug-in and becomes `{type: name}`, but not where `type` itself is; `crop: {…}` becomes `{type: crop, …}`. */
function opening(value: unknown, at: Path, part: string): unknown {
  if (typeof value === 'string') return at.length > 0 && at.at(-1) !== 'type' ? {type: value} : value;
  const ofCopies = at[0] === 'distribution_augmentation' || at[0] === 'map_copies';
  const deepest = at[0] === 'augment' ? 2 : ofCopies ? 3 : 0; // a list in the list
  if (
    at.length < 2 ||
    at.length > deepest ||
    typeof value !== 'object' ||
    value === null ||
    Object.hasOwn(value, 'type')
  )
    return value;
  const [[name, options] = [], ...more] = Object.entries(value) as [string, unknown][];
  if (name === undefined || name === part || more.length > 0) return value;
  return {type: name, ...(typeof options === 'object' ? options : {})};
}
