/** A spec's own plug-ins: `plugins: ./my-plugins.js` → modules loaded and joined to the built-in ones. */
import {stat} from 'node:fs/promises';
import {dirname, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {fail, type Result, succeed} from '../../core/base/result.ts';
import {messageOf} from '../../core/base/thrown.ts';
import type {Kind} from '../../core/contracts/definition.ts';
import type {Issue} from '../../core/plugin/check.ts';
import {loadModule} from '../../core/plugin/code.ts';
import type {Schema} from '../../core/plugin/describe.ts';
import type {AnyDefinition, Plugins} from '../../core/plugin/registry.ts';
import {kinds} from '../../core/plugin/registry.ts';
import type {Problem} from '../failures.ts';
import {datasetKeyNames} from './schema.ts';
import type {SpecFile} from './suite.ts';
import {openFile, toProblem} from './suite.ts';

/** The built-in plug-ins and those of a pipeline file, whatever else is wrong with it. */
export async function pluginsFor(file: string, builtin: Plugins): Promise<Result<Plugins, Problem>> {
  const {specs, problems: unread} = await openFile(file);
  const {plugins, problems} = await loadModules(specs, builtin);
  return unread.length + problems.length > 0 ? fail(...unread, ...problems) : succeed(plugins);
}

/** Modules of all specs, each loaded once. A problem with one is reported at the line that names it. */
export async function loadModules(
  specs: readonly SpecFile[],
  builtin: Plugins,
): Promise<{readonly plugins: Plugins; readonly problems: readonly Problem[]}> {
  const problems: Problem[] = [];
  const loaded = new Set<string>();
  let plugins = builtin;
  for (const {source, value} of specs) {
    const named = value['plugins'];
    const list = Array.isArray(named) ? named : [named];
    for (const [i, entry] of list.entries()) {
      if (typeof entry !== 'string') continue; // absent, or reported with the rest of the file
      const path = Array.isArray(named) ? ['plugins', i] : ['plugins'];
      const report = (message: string, hint?: string) => {
        const issue: Issue = {path, at: 'value', message, ...(hint && {hint})};
        problems.push(toProblem(source, issue));
      };
      const file = resolve(dirname(source.file), entry);
      const url = pathToFileURL(file).href;
      if (loaded.has(url)) continue;
      loaded.add(url);
      const info = await stat(file).catch(() => undefined);
      if (!info?.isFile()) {
        report(`there is no file ${file}`, 'Paths are relative to the file that names them.');
        continue;
      }
      try {
        const {exports, code} = await loadModule(url);
        const definitions = readModule(exports as {readonly plugins?: unknown});
        if (typeof definitions === 'string') report(`${entry} ${definitions}`, exportHint);
        else plugins = plugins.extend(definitions, {url, code});
      } catch (error) {
        const {hint} = (error ?? {}) as {hint?: string};
        report(`${entry} cannot be loaded: ${messageOf(error)}`, typeof hint === 'string' ? hint : undefined);
      }
    }
  }
  return {plugins, problems};
}

const exportHint =
  "Such as: import {defineClassifier} from 'one-class-pipeline'; export const plugins = [defineClassifier({name: 'mine', version: 1, …})];";

/** The definitions of a module, or what is wrong with its export. */
function readModule(module: {readonly plugins?: unknown}): readonly AnyDefinition[] | string {
  const list = module.plugins;
  if (!Array.isArray(list)) return 'does not export a list called "plugins"';
  for (const [i, item] of list.entries()) {
    const fault = faultOf((item ?? {}) as Partial<AnyDefinition>);
    if (fault === undefined) continue;
    const {name} = (item ?? {}) as Partial<AnyDefinition>;
    return `exports ${typeof name === 'string' ? `plug-in "${name}"` : `plug-in ${i + 1}`} ${fault}`;
  }
  return list;
}

/** What a definition must have besides what all kinds have, and of what type (`array`: a list). */
const needed: {readonly [kind in Kind]?: {readonly [field: string]: 'function' | 'array' | 'boolean'}} = {
  learner: {layers: 'array', trains: 'boolean', augment: 'array', row: 'function'},
  classifier: {row: 'function'},
};

function faultOf(definition: Partial<AnyDefinition>): string | undefined {
  const {kind, name, version, options, create} = definition;
  if (!kinds.includes(kind!)) return `without a kind (${kinds.join(', ')})`;
  if (!name || typeof name !== 'string') return 'without a name';
  if (!Number.isInteger(version)) return 'without a version (an integer)';
  if (typeof options !== 'object' || options === null) return 'without options (Type.Object({…}))';
  if (typeof create !== 'function') return 'without a create function';
  for (const [field, type] of Object.entries(needed[kind!] ?? {})) {
    const value = (definition as {readonly [field: string]: unknown})[field];
    const right = type === 'array' ? Array.isArray(value) : typeof value === type;
    if (!right)
      return `without ${field} (a ${type === 'array' ? 'list' : type}): see define${kind![0]!.toUpperCase()}${kind!.slice(1)}`;
  }
  const beside = ['type', ...(kind === 'dataset' ? datasetKeyNames : [])];
  const taken = Object.keys((options as unknown as Schema).properties ?? {}).find((option) => beside.includes(option));
  return taken && `with an option called "${taken}", which is a key of the spec itself: call it otherwise`;
}
