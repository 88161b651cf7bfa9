/** Names of stages and classifiers, for people: unique if possible, and never part of a key. */
import {canonicalJson, type Json} from '../../core/base/canonical.ts';
import {tellApart} from '../../core/base/tell-apart.ts';
import type {PluginRef} from '../../core/contracts/definition.ts';
import type {CopyRef} from '../../core/contracts/learner.ts';
import {called, type Plugins} from '../../core/plugin/registry.ts';
import type {Task} from '../config/spec.ts';

/**
 * Column names of a task's classifiers: the id in the papers' tables and, if two share it, the options in which they differ, such as
 * `oc-svm-rbf nu=0.1` and `oc-svm-rbf nu=0.5`. Two equal references get the same name.
 */
export function classifierNames(plugins: Plugins, classifiers: readonly PluginRef[]): readonly string[] {
  const rows = classifiers.map(({type, ...options}) => {
    const definition = plugins.get('classifier', type);
    return called(definition, () => definition.row(options as never));
  });
  return classifiers.map((ref, i) => {
    const rivals = classifiers.filter((_, j) => rows[j] === rows[i]);
    // In the order of the alphabet, whatever order a spec has.
    const differing = Object.keys(ref)
      .filter((key) => rivals.some((rival) => text(rival[key]) !== text(ref[key])))
      .toSorted();
    return [rows[i]!, ...differing.map((key) => `${key}=${text(ref[key])}`)].join(' ');
  });
}

/** `learn rotation`, `bag`, undefined, `seed 0` → `learn rotation · bag · seed 0`. */
export const stageLabel = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join(' · ');

/** `rotate90 + hflip`: what makes a copy. */
export const copyName = (copy: CopyRef): string => copy.map(({type}) => type).join(' + ');

/** Two of one name also have the options in which they differ. */
export function copyNames(copies: readonly CopyRef[]): readonly string[] {
  const names = copies.map(copyName);
  return names.map((name, i) => {
    const same = [...names.keys()].filter((at) => names[at] === name);
    const tags = tellApart(same.map((at) => Object.fromEntries(copies[at]!.entries()) as Json));
    return [name, ...tags[same.indexOf(i)]!].join(' ');
  });
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? 'default' : canonicalJson(value as Json);

type Labelled = {readonly label: string; readonly tasks: readonly string[]};

/** Stages with the same label get what distinguishes them: the options of the matrix in which they differ, then their specs. */
export function distinguish<N extends Labelled>(nodes: readonly N[], tasks: ReadonlyMap<string, Task>): readonly N[] {
  const points = new Map([...tasks.values()].map(({point}) => [canonicalJson(point as Json), point as Json]));
  const all = tellApart([...points.values()]);
  const tags = new Map([...points.keys()].map((key, at) => [key, all[at]!]));
  const options = ({point}: Task): readonly string[] => tags.get(canonicalJson(point as Json))!;
  const specs = (task: Task): readonly string[] => [task.spec];
  return [options, specs].reduce((all, tagsOf) => addTags(all, (id) => tagsOf(tasks.get(id)!)), nodes);
}

/** Adds the tags that all tasks of a stage have in common, except those that all stages with its label have. */
function addTags<N extends Labelled>(nodes: readonly N[], tagsOf: (task: string) => readonly string[]): readonly N[] {
  const tagged = nodes.map((node) => ({node, tags: common(node.tasks.map(tagsOf))}));
  const ubiquitous = new Map<string, readonly string[]>();
  for (const {node, tags} of tagged) ubiquitous.set(node.label, common([ubiquitous.get(node.label) ?? tags, tags]));
  return tagged.map(({node, tags}) => {
    const telling = tags.filter((tag) => !ubiquitous.get(node.label)!.includes(tag));
    return {...node, label: [node.label, ...telling].join(' · ')};
  });
}

const common = ([first = [], ...rest]: readonly (readonly string[])[]): readonly string[] =>
  first.filter((tag) => rest.every((other) => other.includes(tag)));
