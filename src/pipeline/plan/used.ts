/** Finds the plug-ins that a reference uses: its own, and those nested in its options, such as a learner's network. */

import type {PluginRef} from '../../core/contracts/definition.ts';
import type {Definitions, Plugins} from '../../core/plugin/registry.ts';
import {type AnyDefinition, pluginKeyword} from '../../core/plugin/registry.ts';

type Kind = keyof Definitions;
type Schema = {readonly [keyword: string]: unknown};

/** The definition of `ref`, then the nested ones, depth first. `ref` must have been validated. */
export function usedBy(plugins: Plugins, kind: Kind, ref: PluginRef): readonly AnyDefinition[] {
  const definition = plugins.get(kind, ref.type);
  return [definition, ...nested(plugins, definition.options as unknown as Schema, ref)];
}

/** `learner cutpaste` → version. The kind is part of the name, because there is also a transform `cutpaste`. */
export function versionsOf(used: readonly AnyDefinition[]): {readonly [plugin: string]: number} {
  return Object.fromEntries(used.map((definition) => [`${definition.kind} ${definition.name}`, definition.version]));
}

function nested(plugins: Plugins, schema: Schema, value: unknown): readonly AnyDefinition[] {
  if (Array.isArray(value)) {
    const items = schema['items'];
    return isSchema(items) ? value.flatMap((item) => nested(plugins, items, item)) : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  const kind = schema[pluginKeyword];
  if (typeof kind === 'string') return usedBy(plugins, kind as Kind, value as PluginRef);
  const properties = schema['properties'];
  if (!isSchema(properties)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const property = properties[key];
    return isSchema(property) ? nested(plugins, property, item) : [];
  });
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;
