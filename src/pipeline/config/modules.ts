/** A spec's own plug-ins: `plugins: ./my-plugins.js` → modules loaded and joined to the built-in ones. */
import {stat} from 'node:fs/promises';
import {dirname, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import type {Issue} from '../../core/plugin/check.ts';
import type {AnyDefinition, Plugins} from '../../core/plugin/registry.ts';
import {kinds} from '../../core/plugin/registry.ts';
import type {Problem} from '../failures.ts';
import type {SpecFile} from './suite.ts';
import {toProblem} from './suite.ts';

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
        const definitions = readModule(await import(url));
        if (typeof definitions === 'string') report(`${entry} ${definitions}`, exportHint);
        else plugins = plugins.extend(definitions, [url]);
      } catch (error) {
        report(`${entry} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return {plugins, problems};
}

const exportHint =
  "Example: export const plugins = [{kind: 'classifier', name: 'mine', version: 1, summary: …, options: …, create: …}].";

/** The definitions of a module, or what is wrong with its export. */
function readModule(module: {readonly plugins?: unknown}): readonly AnyDefinition[] | string {
  const list = module.plugins;
  if (!Array.isArray(list)) return 'does not export a list called "plugins"';
  for (const [i, item] of list.entries()) {
    const definition = (item ?? {}) as Partial<AnyDefinition>;
    const which = typeof definition.name === 'string' ? `plug-in "${definition.name}"` : `plug-in ${i + 1}`;
    if (!kinds.includes(definition.kind!)) return `exports ${which} without a kind (${kinds.join(', ')})`;
    if (!definition.name || typeof definition.name !== 'string') return `exports ${which} without a name`;
    if (!Number.isInteger(definition.version)) return `exports ${which} without a version (an integer)`;
    if (typeof definition.options !== 'object') return `exports ${which} without options (a TypeBox object)`;
    if (typeof definition.create !== 'function') return `exports ${which} without a create function`;
  }
  return list;
}
