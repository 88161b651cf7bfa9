/** The points of a spec: every combination of its matrix, with the command line's settings laid over. */

import type {Json} from '../../core/base/canonical.ts';
import {tellApart} from '../../core/base/tell-apart.ts';
import {count} from '../../core/base/text.ts';
import type {Issue, Path} from '../../core/plugin/check.ts';
import {checkValue} from '../../core/plugin/check.ts';
import {type Schema, show} from '../../core/plugin/describe.ts';
import type {LayResult, Overlay} from './overlay.ts';
import {lay} from './overlay.ts';
import type {Setting} from './overrides.ts';
import {fileShape} from './schema.ts';
import {recordedPath, type SpecWords} from './words.ts';

const maxPoints = 10_000;

export interface Axis {
  /** As written: `learner.batch`, or several that vary together: `learner.epochs, compare.row`. */
  readonly name: string;
  readonly paths: readonly string[];
  /** Of several paths: each value is a list with one value for each path. */
  readonly values: readonly unknown[];
  /** Where the values are in the file, one place for each; absent: in the matrix. */
  readonly places?: readonly Path[];
}

/** What value `index` of an axis puts where; `at`: its place in the file. */
export function settingsOf({name, paths, values, places}: Axis, index: number) {
  const at = places?.[index] ?? ['matrix', name, index];
  return paths.length === 1
    ? [{path: paths[0]!, value: values[index], at}]
    : paths.map((path, k) => ({path, value: (values[index] as readonly unknown[])[k], at: [...at, k]}));
}

/** A combination: the index of each axis's value. */
export type Combination = readonly number[];

export interface Points {
  readonly axes: readonly Axis[];
  readonly combinations: readonly Combination[];
  readonly issues: readonly Issue[];
}

/**
 * Reads `matrix` (and checks `plugins`, whose modules are loaded elsewhere). A setting replaces the axes at its path and below it.
 */
export function readPoints(
  file: {readonly [key: string]: unknown},
  settings: readonly Setting[],
  words: SpecWords,
): Points {
  const {matrix, plugins} = file;
  const given = {...(matrix !== undefined && {matrix}), ...(plugins !== undefined && {plugins})};
  const {issues} = checkValue(fileShape as unknown as Schema, given, {path: [], noun: 'key'});
  if (issues.length > 0) return {axes: [], combinations: [[]], issues};
  const wrong: Issue[] = [];
  const axes = Object.entries((matrix ?? {}) as {[name: string]: readonly unknown[]}).map(([name, values]) => ({
    name,
    paths: name.split(',').map((path) => path.trim()),
    values,
  }));
  const all = axes.flatMap(({name, paths}) => paths.map((path) => ({name, path, recorded: recordedPath(words, path)})));
  for (const {name, path, recorded} of all) {
    const first = path.split('.')[0]!;
    const at = {path: ['matrix', name], at: 'key'} as const;
    if (['name', 'description', 'plugins', 'matrix', 'suite', 'search'].includes(first))
      wrong.push({
        ...at,
        message: `"${first}" cannot vary in a matrix`,
        hint: 'Vary the dataset, the learner or another part of the experiment.',
      });
    else if (path.split('.').includes(''))
      wrong.push({...at, message: `"${path}" is not a path`, hint: 'Example: learner.batch.'});
    const inside = all.find((other) => recorded.startsWith(`${other.recorded}.`));
    const same = all.filter((other) => other.recorded === recorded);
    if (same.length > 1) {
      const names = [...new Set(same.map((other) => `"${other.path}"`))];
      const message =
        names.length === 1 ? `${names[0]} varies twice` : `${names.join(' and ')} are one option, which varies twice`;
      wrong.push({...at, message});
    }
    if (inside)
      wrong.push({
        ...at,
        message: `"${path}" is inside "${inside.path}", which also varies`,
        hint: 'Write both in one list of values.',
      });
  }
  for (const {name, paths, values} of axes) {
    if (paths.length === 1) continue;
    for (const [i, value] of values.entries())
      if (!Array.isArray(value) || value.length !== paths.length)
        wrong.push({
          path: ['matrix', name, i],
          at: 'value',
          message: `expected a list of ${paths.length} values, one for each of "${name}", but got ${show(value)}`,
          hint: `Example: [${paths.map((_, k) => 'abcdefgh'[k] ?? '…').join(', ')}].`,
        });
  }
  const set = settings.map(({path}) => recordedPath(words, path.join('.')));
  const isSet = (path: string) => set.some((one) => `${recordedPath(words, path)}.`.startsWith(`${one}.`));
  const kept = axes.filter(({paths}) => !paths.every(isSet));
  const total = kept.reduce((product, {values}) => product * values.length, 1);
  if (total > maxPoints)
    wrong.push({
      path: ['matrix'],
      at: 'key',
      message: `the matrix has ${count(total)} combinations; at most ${count(maxPoints)} are allowed`,
    });
  return wrong.length > 0
    ? {axes: [], combinations: [[]], issues: wrong}
    : {axes: kept, combinations: combine(kept), issues: []};
}

/** The first axis varies slowest. */
function combine(axes: readonly Axis[]): readonly Combination[] {
  let combinations: Combination[] = [[]];
  for (const {values} of axes) combinations = combinations.flatMap((start) => values.map((_, i) => [...start, i]));
  return combinations;
}

/** Lays one combination, and then the settings, over the file's value. */
export function layPoint(
  file: {readonly [key: string]: unknown},
  axes: readonly Axis[],
  combination: Combination,
  settings: readonly Setting[],
  words: SpecWords,
): {
  readonly overlay: Overlay;
  readonly issues: readonly Issue[];
  readonly refused: readonly {setting: Setting; message: string}[];
} {
  const {matrix: _, plugins: __, search: ___, ...rest} = file;
  let overlay: Overlay = {value: rest, laid: []};
  const issues: Issue[] = [];
  const refused: {setting: Setting; message: string}[] = [];
  for (const [a, axis] of axes.entries()) {
    for (const {path, value, at} of settingsOf(axis, combination[a]!)) {
      const result: LayResult = lay(overlay, path.split('.'), value, {path: at}, words);
      if (result.ok) overlay = result.overlay;
      else issues.push({path: axis.places ? at : ['matrix', axis.name], at: 'key', message: result.message});
    }
  }
  for (const setting of settings) {
    const result: LayResult = lay(overlay, setting.path, setting.value, {option: setting.option}, words);
    if (result.ok) overlay = result.overlay;
    else refused.push({setting, message: result.message});
  }
  return {overlay, issues, refused};
}

/** What distinguishes a combination from the others, for ids: `batch=32`. */
export function labelPoint(axes: readonly Axis[], combination: Combination): readonly string[] {
  const lastOf = (path: string) => path.split('.').at(-1)!;
  const paths = axes.flatMap((axis) => axis.paths);
  // Every task has a seed of its own, which another one is not to be taken for.
  const nameOf = (path: string) =>
    lastOf(path) === 'seed' || paths.filter((other) => lastOf(other) === lastOf(path)).length > 1 ? path : lastOf(path);
  return axes.flatMap((axis, a) => {
    const index = combination[a]!;
    // Of several paths, the first is used if it distinguishes the values.
    const firsts = labelsOf(axis, 1);
    const telling = areDistinct(firsts) ? 1 : axis.paths.length;
    const labels = areDistinct(firsts) ? firsts : labelsOf(axis, telling);
    if (labels.filter((label) => label === labels[index]).length > 1) return tagsOf(axis, index, nameOf);
    return settingsOf(axis, index)
      .slice(0, telling)
      .flatMap(({path, value}) => {
        // The id contains the learner's name anyway.
        return path === 'learner' ? [] : [`${nameOf(path)}=${labelValue(value)}`];
      });
  });
}

/** Several values of an axis have the same short text, as two folders of one plug-in: the options in which they differ. */
function tagsOf(axis: Axis, index: number, nameOf: (path: string) => string): readonly string[] {
  const points = axis.values.map((_, i) =>
    Object.fromEntries(settingsOf(axis, i).map(({path, value}) => [nameOf(path), value as Json])),
  );
  const all = tellApart(points).map((tags) =>
    tags.filter((tag) => !tag.startsWith('learner=')).map((tag) => tag.replaceAll('/', '-')),
  );
  const same = all.filter((tags) => tags.join() === all[index]!.join()).length > 1;
  return same ? [...all[index]!, `#${index + 1}`] : all[index]!;
}

const areDistinct = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

/** Of each value of an axis, by its first `count` paths. */
const labelsOf = (axis: Axis, count: number): readonly string[] =>
  axis.values.map((_, i) =>
    settingsOf(axis, i)
      .slice(0, count)
      .map(({value}) => labelValue(value))
      .join(', '),
  );

function labelValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(labelValue).join('+');
  if (typeof value === 'object' && value !== null) {
    const {type} = value as {type?: unknown};
    return typeof type === 'string' ? type : Object.keys(value).join('+');
  }
  return String(value).replaceAll('/', '-');
}
