/** Descriptions of schemas and values: the two parts of `expected … to be …, but got …`. */
import {choice, clippedList} from '../base/text.ts';
import type {AnyDefinition} from './registry.ts';

/** JSON Schema as far as option schemas use it. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minLength?: number;
  readonly items?: Schema;
  readonly properties?: {readonly [name: string]: Schema};
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly default?: unknown;
  readonly description?: string;
  /** Our own description of what is expected, if the keywords describe it badly (a pattern). */
  readonly 'x-expected'?: string;
  readonly [keyword: string]: unknown;
}

/** TypeBox's types are for `Static`; this type is for reading a schema. */
export const schemaOf = (definition: AnyDefinition): Schema => definition.options as unknown as Schema;

/** `an integer of at least 1`, `"rbf" or "linear"`, `a list of numbers above 0`. */
export function describe(schema: Schema): string {
  if (schema['x-expected']) return schema['x-expected'];
  if (schema.const !== undefined) return show(schema.const);
  if (schema.enum) return choice(schema.enum.map(show));
  const members = schema.anyOf ?? schema.oneOf;
  if (members) return choice([...new Set(members.map(describe))]);
  if (typeof schema['x-plugin'] === 'string') return `a ${schema['x-plugin']}`;
  switch (schema.type) {
    case 'integer':
      return `an integer${bounds(schema, 'of ')}${multiple(schema)}`;
    case 'number':
      return `a number${bounds(schema, 'of ')}${multiple(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return (schema.minLength ?? 0) > 0 ? 'a text that is not empty' : 'a text';
    case 'null':
      return 'null';
    case 'array':
      return list(schema);
    case 'object':
      return 'a mapping';
    default:
      return 'another value';
  }
}

/** A value as the user may have written it, on one line and short. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'number') return showNumber(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return 'an empty list';
    return value.every((item) => typeof item !== 'object') ? clip(`[${value.map(show).join(', ')}]`) : 'a list';
  }
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  return clip(JSON.stringify(value));
}

/** `Did you mean "temperature"? (a number above 0, default 0.2)` */
export const meantOption = (name: string, schema: Schema): string =>
  `Did you mean "${name}"?${typeof schema['x-plugin'] === 'string' ? '' : ` (${describeOption(schema)})`}`;

/** What an option takes, for a hint or a table: `a number above 0, default 0.2`. */
export function describeOption(schema: Schema): string {
  const what = describe(schema);
  const unset = schema.default ?? schema['x-fallback'];
  return unset === undefined ? what : `${what}, default ${showDefault(unset)}`;
}

/** `optimizer.learning_rate`, `head[0]`. */
export function showPath(path: readonly (string | number)[]): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}

function showDefault(value: unknown): string {
  if (typeof value !== 'object' || value === null) return show(value);
  if (Array.isArray(value)) return clip(`[${value.map(showDefault).join(', ')}]`);
  const entries = Object.entries(value);
  return clip(`{${entries.map(([key, item]) => `${key}: ${showDefault(item)}`).join(', ')}}`);
}

const showNumber = (value: number): string =>
  Number.isNaN(value) ? '.nan' : value === Infinity ? '.inf' : value === -Infinity ? '-.inf' : String(value);

const clip = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text);

function list(schema: Schema): string {
  const {minItems = 0, maxItems} = schema;
  const count =
    maxItems !== undefined && maxItems === minItems
      ? `${minItems} `
      : maxItems !== undefined && minItems > 0
        ? `${minItems} to ${maxItems} `
        : maxItems !== undefined
          ? `at most ${maxItems} `
          : minItems > 1
            ? `at least ${minItems} `
            : '';
  const head = minItems === 1 && maxItems === undefined ? 'a list of at least one' : `a list of ${count}`;
  const unique = schema.uniqueItems ? 'different ' : '';
  const space = head.endsWith(' ') ? '' : ' ';
  return `${head}${space}${unique}${minItems === 1 && maxItems === undefined ? one(schema.items) : many(schema.items)}`;
}

// "a list of at least one number above 0": without the article.
const one = (schema: Schema | undefined): string => (schema ? describe(schema).replace(/^an? /, '') : 'item');

function many(schema: Schema | undefined): string {
  if (!schema) return 'items';
  if (schema.type === 'integer') return `integers${bounds(schema, 'of ')}`;
  if (schema.type === 'number') return `numbers${bounds(schema, 'of ')}`;
  if (schema.type === 'string' && !schema['x-expected']) return 'texts';
  return `items, each ${describe(schema)}`;
}

function bounds(schema: Schema, of: string): string {
  const {minimum, maximum, exclusiveMinimum, exclusiveMaximum} = schema;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const low =
    minimum !== undefined
      ? `${of}at least ${minimum}`
      : exclusiveMinimum !== undefined
        ? `above ${exclusiveMinimum}`
        : undefined;
  const high =
    maximum !== undefined
      ? `${low?.startsWith('above') ? '' : of}at most ${maximum}`
      : exclusiveMaximum !== undefined
        ? `below ${exclusiveMaximum}`
        : undefined;
  if (low && high) return ` ${low} and ${high}`;
  return low || high ? ` ${low ?? high}` : '';
}

const multiple = (schema: Schema): string =>
  schema.multipleOf === undefined ? '' : ` that is a multiple of ${schema.multipleOf}`;

/** `Known options: epochs, batch.` */
export const optionsOf = (names: readonly string[], noun: string): string =>
  names.length === 0 ? `It has no ${noun}s.` : `Known ${noun}s: ${clippedList(names)}.`;
