/** Lists of plug-ins in a spec. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import type {Kind, PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import {type Checked, checkPlugin, type Issue, type Path} from '../../core/plugin/check.ts';
import {show, showPath} from '../../core/plugin/describe.ts';
import type {Plugins} from '../../core/plugin/registry.ts';

/** Each item of a list of plug-ins. */
export function checkList(
  plugins: Plugins,
  kind: Kind,
  list: readonly unknown[],
  path: Path,
): Checked<readonly PluginRef[]> {
  const checked = list.map((item, i) => checkPlugin(plugins, kind, item, [...path, i]));
  return {value: checked.map(({value}) => value), issues: checked.flatMap(({issues}) => issues)};
}

/** Two columns of a table cannot be the same. */
export function repeated(refs: readonly PluginRef[], key: string): readonly Issue[] {
  return repeats(refs, (ref, i) => ({
    path: [key, i],
    at: 'value',
    message: `"${key}" has ${show(ref.type)} twice with the same options`,
    hint: 'Remove one of the two.',
  }));
}

/** A table has one column for each metric, for any options. */
export function repeatedMetrics(refs: readonly PluginRef[]): readonly Issue[] {
  return refs.flatMap(({type}, i): Issue[] =>
    refs.findIndex((other) => other.type === type) === i
      ? []
      : [
          {
            path: ['metrics', i],
            at: 'value',
            message: `"metrics" has ${show(type)} twice`,
            hint: 'Tables only show the type of a metric. Remove one of the two, or use another spec for it.',
          },
        ],
  );
}

function repeats<T>(items: readonly T[], issueOf: (item: T, index: number) => Issue): readonly Issue[] {
  const seen = new Set<string>();
  return items.flatMap((item, i) => {
    const text = canonicalJson(item as Json);
    if (seen.has(text)) return [issueOf(item, i)];
    seen.add(text);
    return [];
  });
}

/**
 * `distribution_augmentation: [rotate90, [rotate90, {hflip: {p: 1}}]]`: each item is one copy of the images, a transform or a
 * list of them to apply first to last. Two equal copies are refused: `because`.
 */
export function checkCopies(
  plugins: Plugins,
  list: readonly unknown[],
  path: Path,
  because: string,
): Checked<readonly CopyRef[]> {
  const checked = list.map((item, i): Checked<CopyRef> => {
    const at = [...path, i];
    if (!Array.isArray(item)) return alone(checkPlugin(plugins, 'transform', item, at));
    if (item.length > 0) return checkList(plugins, 'transform', item, at);
    const message = 'expected a transform, or a list of transforms to apply one after the other, but got an empty list';
    return {value: [], issues: [{path: at, at: 'value', message, hint: 'Remove it: the originals are always used.'}]};
  });
  const value = checked.map((one) => one.value);
  const issues = checked.flatMap((one) => one.issues);
  if (issues.length > 0) return {value, issues};
  const twice = repeats(value, (copy, i) => ({
    path: [...path, i],
    at: 'value',
    message: `"${showPath(path)}" has ${nameOf(copy)} twice`,
    hint: `Remove one of the two; otherwise ${because}.`,
  }));
  return {value, issues: twice};
}

const alone = ({value, issues}: Checked<PluginRef>): Checked<CopyRef> => ({value: [value], issues});

/** Copies that contradict the augmentation or each other: allowed, because this may be an experiment, but rarely intended. */
export function copyWarnings(copies: readonly CopyRef[], augment: readonly PluginRef[]): readonly Issue[] {
  const at = (i: number, message: string): Issue => ({path: ['distribution_augmentation', i], at: 'value', message});
  return copies.flatMap((copy, i) =>
    copy
      .flatMap((ref) => [
        ...(augment.some(({type}) => type === ref.type)
          ? [
              `"${ref.type}" is in "augment" and in "distribution_augmentation": the first teaches that an image and its ` +
                `"${ref.type}" are the same, the second that they differ. Remove it from one of them.`,
            ]
          : []),
        ...(typeof ref['p'] === 'number' && ref['p'] < 1
          ? [
              `"${ref.type}" in "distribution_augmentation" has p = ${ref['p']}: a copy that it does not change equals ` +
                `another instance, but training teaches that they differ. Write ${ref.type}: {p: 1}.`,
            ]
          : []),
      ])
      .map((message) => at(i, message)),
  );
}

const nameOf = (copy: CopyRef): string => {
  const names = copy.map(({type}) => show(type)).join(', ');
  return copy.length === 1 ? names : `[${names}]`;
};
