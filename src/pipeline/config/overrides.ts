/** Options of the command line that change a spec: `--set`, `--seeds`, `--normal-classes`. */
import type {Result} from '../../core/base/result.ts';
import {fail, succeed} from '../../core/base/result.ts';
import type {Problem} from '../failures.ts';
import {parseValue} from './parse.ts';

/** As typed. */
export interface Overrides {
  /** `learner.epochs=10`; the value is YAML. */
  readonly set?: readonly string[];
  /** `3` or `0,1,2`. */
  readonly seeds?: string;
  /** `all` or `airplane,ship`. */
  readonly normalClasses?: string;
  /** The same by its older name. */
  readonly inliers?: string;
}

/** One value to lay over every point of every spec. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  /** As typed, for messages: `--set learner.epochs=10`. */
  readonly option: string;
}

export function readOverrides(overrides: Overrides): Result<readonly Setting[], Problem> {
  const problems: Problem[] = [];
  const settings: Setting[] = [];
  for (const text of overrides.set ?? []) {
    const read = readSet(text);
    if (typeof read === 'string')
      problems.push({message: `--set ${text}: ${read}`, hint: 'Example: --set learner.epochs=10.'});
    else settings.push(read);
  }
  if (overrides.seeds !== undefined) {
    const option = `--seeds ${overrides.seeds || "''"}`;
    const numbers = overrides.seeds.split(',').map((seed) => seed.trim());
    if (numbers.every((seed) => /^\d+$/.test(seed) && Number.isSafeInteger(Number(seed)))) {
      const value = numbers.length === 1 ? Number(numbers[0]) : numbers.map(Number);
      settings.push({path: ['seeds'], value, option});
    } else {
      const message = `${option}: expected a number of seeds, or a list of seeds`;
      problems.push({message, hint: 'Examples: --seeds 3 (which is 0,1,2) or --seeds 0,7.'});
    }
  }
  const {normalClasses, inliers} = overrides;
  if (normalClasses !== undefined && inliers !== undefined) {
    const message = '--normal-classes and --inliers are two names of one option; expected only one of them';
    problems.push({message, hint: 'Remove --inliers, the older name.'});
  }
  const classes = normalClasses ?? inliers;
  if (classes !== undefined) {
    const names = classes.split(',').map((name) => name.trim());
    const word = `--${normalClasses === undefined ? 'inliers' : 'normal-classes'}`;
    const option = `${word} ${classes || "''"}`;
    // An unset variable of a shell must not mean "all of them".
    if (names.includes(''))
      problems.push({message: `${option}: expected names of classes`, hint: `Such as ${word} bag,sandal, or all.`});
    else {
      const value = classes.trim() === 'all' ? 'all' : names;
      settings.push({path: ['dataset', 'normal_classes'], value, option});
    }
  }
  return problems.length > 0 ? fail(...problems) : succeed(settings);
}

function readSet(text: string): Setting | string {
  const equals = text.indexOf('=');
  if (equals < 1) return 'expected path=value';
  const path = text.slice(0, equals).trim().split('.');
  if (path.includes('')) return `"${path.join('.')}" is not a path`;
  if (['name', 'description', 'plugins', 'suite', 'matrix'].includes(path[0]!))
    return `"${path[0]}" can only be set in the file`;
  if (path.some((part) => ['__proto__', 'constructor', 'prototype'].includes(part)))
    return `"${path.join('.')}" is not a path`;
  const value = parseValue(text.slice(equals + 1));
  if (!value) return `${JSON.stringify(text.slice(equals + 1))} is not a YAML value`;
  return {path, value: value.value, option: `--set ${text}`};
}
