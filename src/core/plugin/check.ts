/**
 * Checks options against a plug-in's schema and fills its defaults; reports all problems together, as sentences. The only importer
 * of ajv.
 */
import {createRequire} from 'node:module';
import type {Ajv, ErrorObject, ValidateFunction} from 'ajv';
import {nearest, suggest} from '../base/text.ts';
import type {Kind, PluginRef} from '../contracts/definition.ts';
import {describe, meantOption, optionsOf, type Schema, schemaOf, show, showPath} from './describe.ts';
import type {AnyDefinition, Plugins} from './registry.ts';
import {fallbackKeyword, pluginKeyword} from './registry.ts';
import {byWord, type Spelled, toRecordedNames} from './words.ts';

export type Path = readonly (string | number)[];

/** What is wrong with a value; the caller knows to which file the path belongs. */
export interface Issue {
  readonly path: Path;
  /** Whether the key or the value of the path is wrong. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint?: string;
  /** An option that its plug-in does not have: a sweep over several plug-ins may leave it out. */
  readonly unknown?: true;
}

export interface Checked<T> {
  /** With defaults filled; only valid if there are no issues. */
  readonly value: T;
  readonly issues: readonly Issue[];
}

/**
 * A plug-in as written: `kde`, `{type: kde, …}`, or for transforms `crop: {min_side: 0.5}`. Checks its options and those of the
 * plug-ins inside it, and fills all defaults. Never throws for what a user can write; leaves `value` as it is. `beside` has keys
 * that may be beside the options (they are not in `value`): suggestions name them too.
 */
export function checkPlugin(
  plugins: Plugins,
  kind: Kind,
  value: unknown,
  path: Path = [],
  beside?: Schema,
): Checked<PluginRef> {
  const written = readRef(plugins, kind, value, path);
  if ('issues' in written) return {value: {type: ''}, issues: written.issues};
  const {type, options, inside, typePath} = written;
  const definition = plugins.find(kind, type);
  if (!definition) {
    const known = plugins.names(kind);
    const hint = suggest(type, known, `Known ${kind}s`);
    return {value: {type}, issues: [{path: typePath, at: 'value', message: `there is no ${kind} "${type}"`, hint}]};
  }
  return checkOptions(plugins, definition, options, inside, beside);
}

/** Options of one known plug-in. */
function checkOptions(
  plugins: Plugins,
  definition: AnyDefinition,
  options: {readonly [name: string]: unknown},
  path: Path,
  beside: Schema | undefined,
): Checked<PluginRef> {
  const schema = schemaOf(definition);
  const nested = Object.entries(schema.properties ?? {}).filter(([, option]) => option[pluginKeyword] !== undefined);
  const filled: {[name: string]: unknown} = {};
  const issues: Issue[] = [];
  for (const [name, option] of nested) {
    const fallback = option[fallbackKeyword] as PluginRef;
    const inner = checkNested(plugins, option[pluginKeyword] as Kind, options[name], fallback, [...path, name]);
    filled[name] = inner.value;
    issues.push(...inner.issues);
  }
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !Object.hasOwn(filled, name)));
  const checked = checkValue<{[name: string]: unknown}>(withoutNested(schema, nested), own, {
    path,
    subject: `${definition.kind} "${definition.name}"`,
    noun: 'option',
    whole: {...schema, properties: {...schema.properties, ...beside?.properties}},
  });
  return {value: {type: definition.name, ...checked.value, ...filled}, issues: [...checked.issues, ...issues]};
}

/** A plug-in inside another's options; `fallback` fills what was left out, as far as the chosen plug-in knows it. */
function checkNested(
  plugins: Plugins,
  kind: Kind,
  value: unknown,
  fallback: PluginRef,
  path: Path,
): Checked<PluginRef> {
  const named = value === undefined ? {} : typeof value === 'string' ? {type: value} : value;
  if (typeof named !== 'object' || named === null || Array.isArray(named))
    return checkPlugin(plugins, kind, value, path);
  const written: {readonly [name: string]: unknown} = {...named};
  const type = written['type'] ?? fallback.type;
  const definition = typeof type === 'string' ? plugins.find(kind, type) : undefined;
  const known = (definition && schemaOf(definition).properties) ?? {};
  const left = Object.entries(fallback).filter(([name]) => name !== 'type' && Object.hasOwn(known, name));
  return checkPlugin(plugins, kind, {...Object.fromEntries(left), ...written, type}, path);
}

interface WrittenRef {
  readonly type: string;
  readonly options: {readonly [name: string]: unknown};
  /** The paths of the options and of the name. */
  readonly inside: Path;
  readonly typePath: Path;
}

function readRef(
  plugins: Plugins,
  kind: Kind,
  value: unknown,
  path: Path,
): WrittenRef | {readonly issues: readonly Issue[]} {
  if (typeof value === 'string') return {type: value, options: {}, inside: path, typePath: path};
  const wrong = (message: string, at: Path, hint: string) => ({
    issues: [{path: at, at: 'value' as const, message, hint}],
  });
  const example = `Write its name, or {type: ${plugins.names(kind)[0] ?? 'name'}, …}.`;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return wrong(`expected a ${kind}, but got ${show(value)}`, path, example);
  if (Object.hasOwn(value, 'type')) {
    const {type, ...options} = value as {type: unknown};
    if (typeof type === 'string') return {type, options, inside: path, typePath: [...path, 'type']};
    return wrong(`expected "type" to be the name of a ${kind}, but got ${show(type)}`, [...path, 'type'], example);
  }
  const [only, ...more] = Object.entries(value);
  // `crop: {min_side: 0.5}` in a list of transforms.
  if (kind === 'transform' && only && more.length === 0) {
    const [type, options] = only;
    const inside = [...path, type];
    if (options === null) return {type, options: {}, inside, typePath: inside};
    if (typeof options === 'object' && !Array.isArray(options)) return {type, options, inside, typePath: inside};
    if (plugins.find(kind, type))
      return wrong(
        `expected the options of ${kind} "${type}" to be a mapping, but got ${show(options)}`,
        inside,
        `Write ${type}: {…}.`,
      );
  }
  const known = plugins.names(kind);
  const hint = `Add "type"; known ${kind}s: ${known.join(', ')}.`;
  return {issues: [{path, at: 'key', message: `expected this ${kind} to have a "type"`, hint}]};
}

/** How messages call the value that is checked. */
export interface CheckContext {
  readonly path: Path;
  /** `learner "contrastive"`; empty for a whole file. */
  readonly subject?: string;
  /** `option` or `key`. */
  readonly noun: string;
  /** The schema to take suggestions from, when it has more than the one that is checked. */
  readonly whole?: Schema;
}

/** Checks any value against a schema; returns a copy with defaults filled, under the names that records have. */
export function checkValue<T>(schema: Schema, value: unknown, context: CheckContext): Checked<T> {
  const {value: copy, written, twice} = toRecordedNames(schema, structuredClone(value));
  const validate = compile(schema);
  const doubled = twice.map(
    ({word, name}): Issue => ({
      path: [...context.path, name],
      at: 'key',
      message: `"${word}" and "${name}" are two names of one option; expected only one of them`,
      hint: `Remove "${name}", the older name.`,
    }),
  );
  if (validate(copy)) {
    const inexact = inexactIntegers(schema, copy, []).map((path): Issue => {
      const shown = path.map((key, at) => (at === 0 ? (written.get(String(key)) ?? key) : key));
      const got = path.reduce<unknown>((at, key) => (at as {[key: string]: unknown})[key], copy);
      const message = `expected "${showPath(shown)}" to be an integer of at most ${Number.MAX_SAFE_INTEGER}, but got ${show(got)}`;
      return {path: [...context.path, ...shown], at: 'value', message};
    });
    return {value: copy as T, issues: [...doubled, ...inexact]};
  }
  const issues = new Map<string, Issue>(doubled.map((issue) => [issue.message, issue]));
  for (const error of withoutMisspelt(relevant(validate.errors ?? []))) {
    const issue = issueOf(error, copy, schema, context, written);
    // Wrong type and out of range are one message.
    const key = JSON.stringify([issue.path, issue.at, issue.message]);
    if (!issues.has(key)) issues.set(key, issue);
  }
  return {value: copy as T, issues: [...issues.values()]};
}

/** Paths of integers that are too large to be held exactly: no option can mean one. */
function inexactIntegers(schema: Schema, value: unknown, path: Path): readonly Path[] {
  if (typeof value === 'number') return schema.type === 'integer' && !Number.isSafeInteger(value) ? [path] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const below = Array.isArray(value) ? schema.items : schema.properties?.[key];
    return below ? inexactIntegers(below, inner, [...path, Array.isArray(value) ? Number(key) : key]) : [];
  });
}

/** Only at the first check: it takes 80 ms, and many commands check nothing. */
const loadAjv = () => createRequire(import.meta.url)('ajv') as typeof import('ajv');

let ajv: Ajv | undefined;
const compiled = new WeakMap<Schema, ValidateFunction>();

function compile(schema: Schema): ValidateFunction {
  let validate = compiled.get(schema);
  if (!validate) {
    ajv ??= new (loadAjv().Ajv)({
      allErrors: true,
      useDefaults: true,
      verbose: true,
      strict: false, // it would refuse our own keywords (x-plugin, x-expected)
      strictNumbers: true,
      // TypeBox writes the schemas, and a test checks them; checking them here would take longer than everything else that a spec
      // needs. The code that ajv makes is used only a few times, so optimising it does not pay.
      meta: false,
      validateSchema: false,
      code: {optimize: false},
    });
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  return validate;
}

const remainders = new WeakMap<Schema, Schema>();

/** The schema without the options that are plug-ins, which their own schemas check. Made once, so that it compiles once. */
function withoutNested(schema: Schema, nested: readonly (readonly [string, Schema])[]): Schema {
  if (nested.length === 0) return schema;
  let remainder = remainders.get(schema);
  if (!remainder) {
    const names = new Set(nested.map(([name]) => name));
    const keep = (name: string) => !names.has(name);
    const properties = Object.entries(schema.properties ?? {}).filter(([name]) => keep(name));
    const required = (schema.required ?? []).filter(keep);
    remainder = {...schema, properties: Object.fromEntries(properties), required};
    remainders.set(schema, remainder);
  }
  return remainder;
}

/** A union that fails reports itself and every member; keep what is deepest in the value, or else the union. So does a condition. */
function relevant(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  // Of a condition what it asks for says more.
  const dropped = new Set<ErrorObject>(errors.filter(({keyword}) => keyword === 'if'));
  for (const union of errors) {
    if (union.keyword !== 'anyOf' && union.keyword !== 'oneOf') continue;
    const members = errors.filter((error) => error !== union && error.schemaPath.startsWith(`${union.schemaPath}/`));
    const deeper = members.filter(
      (error) =>
        error.instancePath.length > union.instancePath.length ||
        error.keyword === 'additionalProperties' ||
        error.keyword === 'uniqueItems',
    );
    for (const error of deeper.length > 0 ? [union, ...members.filter((one) => !deeper.includes(one))] : members)
      dropped.add(error);
  }
  return errors.filter((error) => !dropped.has(error));
}

/** A key that is missing because it is misspelt is one mistake, which the unknown key's suggestion tells. */
function withoutMisspelt(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const missing = (error: ErrorObject) => String(error.params['missingProperty']);
  const required = errors.filter((error) => error.keyword === 'required');
  const misspelt = new Set(
    errors
      .filter((error) => error.keyword === 'additionalProperties')
      .flatMap(({instancePath, params}) => {
        const here = required.filter((error) => error.instancePath === instancePath);
        const meant = nearest(String(params['additionalProperty']), here.map(missing));
        return here.filter((error) => missing(error) === meant).slice(0, 1);
      }),
  );
  return errors.filter((error) => !misspelt.has(error));
}

function issueOf(
  error: ErrorObject,
  value: unknown,
  schema: Schema,
  context: CheckContext,
  written: Spelled['written'],
): Issue {
  const [option, ...below] = pathOf(error.instancePath, value);
  const inner = option === undefined ? [] : [written.get(String(option)) ?? option, ...below];
  const path = [...context.path, ...inner];
  const parent = error.parentSchema as Schema;
  const owner = inner.length === 0 ? (context.subject ?? 'a pipeline') : `"${showPath(inner)}"${of(context)}`;
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = String(error.params['additionalProperty']);
      const whole = inner.length === 0 ? (context.whole ?? schema) : parent;
      const properties = byWord(whole);
      const meant = nearest(name, Object.keys(properties));
      const hint = meant ? meantOption(meant, properties[meant]!) : optionsOf(Object.keys(properties), context.noun);
      const message = `${owner} has no ${context.noun} "${name}"`;
      return {path: [...path, name], at: 'key', message, hint, unknown: true};
    }
    case 'required': {
      const name = String(error.params['missingProperty']);
      const option = parent.properties?.[name];
      const what = option && option[pluginKeyword] === undefined ? `: ${describe(option)}` : '';
      const message = `${owner} needs "${name}"${what}`;
      return {path, at: 'key', message, ...(option?.description && {hint: option.description})};
    }
    case 'uniqueItems': {
      const {i, j} = error.params as {i: number; j: number};
      const items = error.data as readonly unknown[];
      const message = `"${showPath(inner)}" has ${show(items[i])} twice`;
      return {path: [...path, Math.max(i, j)], at: 'value', message, hint: 'Remove one of the two.'};
    }
    default: {
      const name = inner.length === 0 ? (context.subject ?? 'the file') : `"${showPath(inner)}"`;
      const message = `expected ${name} to be ${describe(parent)}, but got ${show(error.data)}`;
      const hint = hintFor(parent, error.data);
      return {path, at: 'value', message, ...(hint && {hint})};
    }
  }
}

const of = (context: CheckContext): string => (context.subject ? ` of ${context.subject}` : '');

function hintFor(schema: Schema, got: unknown): string | undefined {
  if (typeof got !== 'string') return undefined;
  if ((schema.type === 'number' || schema.type === 'integer') && got.trim() !== '' && Number.isFinite(Number(got)))
    return `Write ${Number(got)} without quotes.`;
  const texts = [...(schema.enum ?? []), ...(schema.anyOf ?? []).map((member) => member.const)].filter(
    (item) => typeof item === 'string',
  );
  const meant = nearest(got, texts);
  return meant ? `Did you mean "${meant}"?` : undefined;
}

/** JSON pointer → path; list indices become numbers. */
function pathOf(pointer: string, value: unknown): Path {
  const path: (string | number)[] = [];
  let at = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(name) : name);
    at = (at as {[name: string]: unknown} | undefined)?.[name];
  }
  return path;
}
