/** The points of a spec: every combination of its matrix, with the command line's settings laid over. */
import type {Issue} from '../../core/plugin/check.ts';
import {checkValue} from '../../core/plugin/check.ts';
import type {Schema} from '../../core/plugin/describe.ts';
import {count} from '../../core/text.ts';
import type {LayResult, Overlay} from './overlay.ts';
import {lay} from './overlay.ts';
import type {Setting} from './overrides.ts';
import {fileShape} from './schema.ts';

const maxPoints = 10_000;

export interface Axis {
  /** As written: `learner.batch`. */
  readonly path: string;
  readonly values: readonly unknown[];
}

/** A combination: the index of each axis's value. */
export type Combination = readonly number[];

export interface Points {
  readonly axes: readonly Axis[];
  readonly combinations: readonly Combination[];
  readonly issues: readonly Issue[];
}

/** Reads `matrix` (and checks `plugins`, whose modules are loaded elsewhere). A setting replaces the axes at or below it. */
export function readPoints(file: {readonly [key: string]: unknown}, settings: readonly Setting[]): Points {
  const {matrix, plugins} = file;
  const given = {...(matrix !== undefined && {matrix}), ...(plugins !== undefined && {plugins})};
  const {issues} = checkValue(fileShape as unknown as Schema, given, {path: [], noun: 'key'});
  if (issues.length > 0) return {axes: [], combinations: [[]], issues};
  const wrong: Issue[] = [];
  const axes = Object.entries((matrix ?? {}) as {[path: string]: readonly unknown[]}).map(([path, values]) => ({
    path,
    values,
  }));
  for (const {path} of axes) {
    const first = path.split('.')[0]!;
    const at = {path: ['matrix', path], at: 'key'} as const;
    if (['name', 'description', 'plugins', 'matrix', 'suite'].includes(first))
      wrong.push({
        ...at,
        message: `"${first}" cannot vary in a matrix`,
        hint: 'Vary the dataset, the learner or another part of the experiment.',
      });
    else if (path.split('.').includes(''))
      wrong.push({...at, message: `"${path}" is no path`, hint: 'Such as learner.batch.'});
    const inside = axes.find((other) => other.path !== path && path.startsWith(`${other.path}.`));
    if (inside)
      wrong.push({
        ...at,
        message: `"${path}" lies inside "${inside.path}", which varies too`,
        hint: 'Write both in one list of values.',
      });
  }
  const kept = axes.filter(
    ({path}) => !settings.some((setting) => `${path}.`.startsWith(`${setting.path.join('.')}.`)),
  );
  const total = kept.reduce((product, {values}) => product * values.length, 1);
  if (total > maxPoints)
    wrong.push({
      path: ['matrix'],
      at: 'key',
      message: `the matrix has ${count(total)} combinations; at most ${count(maxPoints)} can be run`,
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
): {
  readonly overlay: Overlay;
  readonly issues: readonly Issue[];
  readonly refused: readonly {setting: Setting; message: string}[];
} {
  const {matrix: _, plugins: __, ...rest} = file;
  let overlay: Overlay = {value: rest, laid: []};
  const issues: Issue[] = [];
  const refused: {setting: Setting; message: string}[] = [];
  for (const [a, {path, values}] of axes.entries()) {
    const index = combination[a]!;
    const result: LayResult = lay(overlay, path.split('.'), values[index], {path: ['matrix', path, index]});
    if (result.ok) overlay = result.overlay;
    else issues.push({path: ['matrix', path], at: 'key', message: result.message});
  }
  for (const setting of settings) {
    const result: LayResult = lay(overlay, setting.path, setting.value, {option: setting.option});
    if (result.ok) overlay = result.overlay;
    else refused.push({setting, message: result.message});
  }
  return {overlay, issues, refused};
}

/** What tells a combination from the others, for ids: `batch=32`. Values of one axis never share a label. */
export function labelPoint(axes: readonly Axis[], combination: Combination): readonly string[] {
  return axes.flatMap(({path, values}, a) => {
    const labels = values.map(labelValue);
    const index = combination[a]!;
    const label = labels[index]!;
    const unique = labels.filter((other) => other === label).length === 1;
    // A learner's name stands in the id anyway.
    if (path === 'learner' && unique) return [];
    const last = path.split('.').at(-1)!;
    const clash = axes.some((other, b) => b !== a && other.path.split('.').at(-1) === last);
    return [`${clash ? path : last}=${unique ? label : `${label}#${index + 1}`}`];
  });
}

function labelValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(labelValue).join('+');
  if (typeof value === 'object' && value !== null) {
    const {type} = value as {type?: unknown};
    return typeof type === 'string' ? type : Object.keys(value).join('+');
  }
  return String(value).replaceAll('/', '-');
}
