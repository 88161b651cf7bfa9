/**
 * The outer shape of specs and suites, defined once: validation reads it, and with the plug-ins' own options it becomes the JSON
 * Schema that editors use (`schemas/pipeline.schema.json`).
 */

import type {Kind} from '../../core/contracts/definition.ts';
import {type Schema, schemaOf} from '../../core/plugin/describe.ts';
import type {AnyDefinition, Plugins} from '../../core/plugin/registry.ts';
import {fallbackKeyword, kinds, pluginKeyword} from '../../core/plugin/registry.ts';
import {Type} from '../../core/plugin/type.ts';
import {wordKeyword, wordOf, wordsIn} from '../../core/plugin/words.ts';
import {searchShape} from '../search/read.ts';
import {contaminateOption} from './contaminate.ts';
import {localizeShape} from './localize.ts';
import {refineShape} from './refine.ts';
import {copiedImages} from './spec.ts';
import {validationOption} from './validation.ts';

const strict = {additionalProperties: false};

/** A plug-in here; its own schema checks it. */
const plugin = (kind: Kind, description: string) => Type.Unsafe<unknown>({[pluginKeyword]: kind, description});

const pluginList = (kind: Kind, options: {minItems?: number; description: string; default?: unknown}) =>
  Type.Array(Type.Unsafe<unknown>({[pluginKeyword]: kind}), {
    'x-expected': `a list of ${(options.minItems ?? 0) > 0 ? 'at least one ' : ''}${kind}${options.minItems ? '' : 's'}`,
    ...options,
  });

const name = Type.String({
  pattern: '^[A-Za-z0-9]([A-Za-z0-9 ._-]*[A-Za-z0-9._-])?$',
  maxLength: 100,
  'x-expected': 'a name of at most 100 letters, digits, spaces, ".", "_" and "-"',
  description: 'Short name; every task id begins with it. Default: the name of the file.',
});

const description = Type.String({description: 'Its purpose, in one or two sentences.'});

const table = Type.String({
  minLength: 1,
  description: 'Id of the paper’s table to compare with.',
  examples: ['iclr-table-7'],
});

const copies = (options: {readonly description: string; readonly examples: readonly unknown[]}) =>
  Type.Array(
    Type.Unsafe<unknown>({
      anyOf: [{[pluginKeyword]: 'transform'}, {type: 'array', items: {[pluginKeyword]: 'transform'}, minItems: 1}],
    }),
    {'x-expected': 'a list of transforms, or of lists of transforms', ...options},
  );

const files = (what: string) =>
  Type.Array(Type.String({minLength: 1}), {minItems: 1, 'x-expected': `a list of at least one ${what}`});

/** Keys beside a dataset's own options. */
export const datasetShape = Type.Object(
  {
    inliers: Type.Union(
      [
        Type.Literal('all'),
        Type.Array(Type.Union([Type.String(), Type.Number()]), {minItems: 1, uniqueItems: true}),
        Type.String({minLength: 1}),
        Type.Number(),
      ],
      {
        default: 'all',
        [wordKeyword]: 'normal_classes',
        'x-expected': '"all", a class name or a list of them',
        description:
          'The normal classes: `all`, a name, or a list of names. Each one is a task, in which all other classes are anomalous.',
        examples: ['all'],
      },
    ),
    limit: Type.Object(
      {
        train: Type.Optional(Type.Integer({minimum: 1, description: 'Training images of each class.'})),
        test: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'Number of test images; the classes keep their proportions.',
          }),
        ),
      },
      {
        ...strict,
        default: {},
        description: 'Use only a seeded, stratified subset of the images, for quick experiments.',
        examples: [{train: 500, test: 1000}],
      },
    ),
    validation: validationOption,
    contaminate: contaminateOption,
  },
  strict,
);

/** Their names, the older ones as well. */
export const datasetKeyNames: readonly string[] = [
  ...Object.keys(datasetShape.properties),
  ...wordsIn(datasetShape as unknown as Schema).keys(),
];

/** One point of a spec: the matrix is laid over it and taken out before it is checked. */
export const specShape = Type.Object(
  {
    name: Type.Optional(name),
    description: Type.Optional(description),
    dataset: plugin('dataset', 'Where the images come from and which classes are normal.'),
    learner: plugin('learner', 'How the features are learnt from the normal class.'),
    augment: Type.Optional(
      pluginList('transform', {
        description: 'Augmentation of training images. Default: that of the learner’s paper.',
      }),
    ),
    distribution_augmentation: Type.Optional(
      copies({
        description:
          'Each item is a copy of the training images whose images are separate instances beside the originals (DA of the ' +
          'ICLR paper): a transform, or a list of transforms to apply one after the other.',
        examples: [['rotate90', 'rotate180', 'rotate270']],
      }),
    ),
    map_copies: Type.Optional(
      copies({
        description:
          `About ${copiedImages} normal test images are also embedded under each of these transforms (or lists of transforms to apply one after ` +
          'the other), and the report’s map of features has a mark for each. Nothing else changes, so that trainings with and without ' +
          '`distribution_augmentation` can be set side by side.',
        examples: [['rotate90', 'rotate180', 'rotate270']],
      }),
    ),
    localize: Type.Optional(localizeShape),
    refine: Type.Optional(refineShape),
    classifiers: pluginList('classifier', {
      minItems: 1,
      description: 'One-class classifiers; each is fitted on the learnt features.',
    }),
    metrics: pluginList('metric', {minItems: 1, description: 'What is computed from the scores.', default: ['auc']}),
    seeds: Type.Union(
      [
        Type.Integer({minimum: 1, maximum: 1000}),
        Type.Array(Type.Integer({minimum: 0, maximum: 4294967295}), {minItems: 1, uniqueItems: true}),
      ],
      {
        default: 1,
        'x-expected': 'an integer from 1 to 1000 or a list of different seeds',
        description: 'Number of seeds (`5` means 0, 1, 2, 3, 4), or a list of seeds.',
        examples: [5],
      },
    ),
    ensemble: Type.Optional(
      Type.Union([Type.Literal('seeds'), Type.Literal('standardised-seeds')], {
        description:
          'Also evaluate all seeds together as one ensemble: `seeds` takes the mean of the ' +
          'scores as they are (the papers say "combined"; the raw mean is our choice); `standardised-seeds` first scales each ' +
          'seed’s scores to mean 0 and deviation 1 over the test images.',
        examples: ['seeds'],
      }),
    ),
    precision: Type.Optional(
      Type.Union([Type.Literal('float32'), Type.Literal('tf32'), Type.Literal('bf16')], {
        'x-expected': '"float32", "tf32" or "bf16"',
        description:
          'The numbers in which networks compute convolutions and products: `float32`; `tf32`, on an NVIDIA GPU; `bf16`, whose results have ' +
          'three digits. Statistics, losses, weights and all of stage two stay float32. Only the engine `torch` has the last two. Default: ' +
          '`float32`.',
        examples: ['bf16'],
      }),
    ),
    compare: Type.Object(
      {
        table: Type.Optional(table),
        row: Type.Optional(
          Type.String({
            minLength: 1,
            description: 'The table’s row. Default: the learner’s.',
            examples: ['contrastive-da'],
          }),
        ),
      },
      {...strict, default: {}, description: 'What to compare the results with.'},
    ),
  },
  strict,
);

/** Keys of a spec file that are read before its points are made. */
export const fileShape = Type.Object({
  plugins: Type.Optional(
    Type.Union([Type.String({minLength: 1}), files('JavaScript module')], {
      'x-expected': 'the path of a JavaScript module, or a list of them',
      description: 'Your own plug-ins: paths of ES modules that export `plugins`, relative to this file.',
      examples: ['./my-plugins.js'],
    }),
  ),
  matrix: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Array(Type.Unknown(), {minItems: 1, 'x-expected': 'a list of at least one value'}),
      {
        'x-expected': 'a mapping of dotted paths to lists of values',
        description:
          'Dotted paths into this file, each with a list of values. Every combination is run. Several paths, separated by ' +
          'commas, vary together: each value is then a list with one value for each path.',
        examples: [{'learner.batch': [32, 64]}],
      },
    ),
  ),
  search: Type.Optional(searchShape),
});

export const suiteShape = Type.Object(
  {
    name: Type.Optional(name),
    description: Type.Optional(description),
    suite: Type.Array(Type.String({minLength: 1}), {
      minItems: 1,
      'x-expected': 'a list of at least one pipeline file',
      description: 'Paths of pipeline files (or suites), relative to this file.',
    }),
    compare: Type.Object(
      {table: Type.Optional(table)},
      {...strict, default: {}, description: 'The table that the specs fill, unless they name another.'},
    ),
  },
  strict,
);

/** JSON Schema (draft-07) of spec and suite files with these plug-ins, for editors. */
export function pipelineSchema(plugins: Plugins): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Pipeline',
    description: 'A pipeline file: one experiment, or a suite of them.',
    type: 'object',
    if: {required: ['suite']},
    // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword
    then: {$ref: '#/definitions/suite'},
    else: {$ref: '#/definitions/spec'},
    definitions: {
      suite: plain(suiteShape as unknown as Schema),
      spec: specSchema(),
      ...Object.fromEntries(kinds.map((kind) => [kind, pluginSchema(plugins, kind)])),
    },
  };
}

/** The committed file's text. */
export const pipelineSchemaText = (plugins: Plugins): string => `${JSON.stringify(pipelineSchema(plugins), null, 2)}\n`;

function specSchema(): Schema {
  const spec = plain(specShape as unknown as Schema);
  const file = plain(fileShape as unknown as Schema);
  // The matrix may add whole parts, for example the learner.
  return {...spec, properties: {...spec.properties, ...file.properties}, required: []};
}

function pluginSchema(plugins: Plugins, kind: Kind): Schema {
  const definitions = plugins.definitions().filter((definition) => definition.kind === kind);
  const names = {
    description: `The ${kind} with its default options.`,
    oneOf: definitions.map(({name, summary}) => ({const: name, description: summary})),
  };
  const long = definitions.map((definition) => branch(definition));
  const short = kind === 'transform' ? definitions.map((definition) => shorthand(definition)) : [];
  return {oneOf: [names, ...long, ...short]};
}

/** `{type: kde, …}` */
function branch(definition: AnyDefinition): Schema {
  const options = plain(schemaOf(definition));
  const beside = definition.kind === 'dataset' ? plain(datasetShape as unknown as Schema).properties : {};
  return {
    title: definition.name,
    description: about(definition),
    type: 'object',
    properties: {type: {const: definition.name, description: definition.summary}, ...beside, ...options.properties},
    required: ['type', ...(options.required ?? [])],
    additionalProperties: false,
  };
}

/** `crop: {min_side: 0.5}` */
function shorthand(definition: AnyDefinition): Schema {
  const options = plain(schemaOf(definition));
  const inside: Schema = {
    description: definition.summary,
    type: ['object', 'null'],
    properties: options.properties ?? {},
    required: options.required ?? [],
    additionalProperties: false,
  };
  return {
    title: definition.name,
    description: about(definition),
    type: 'object',
    properties: {[definition.name]: inside},
    required: [definition.name],
    additionalProperties: false,
  };
}

const about = (definition: AnyDefinition): string =>
  definition.paper ? `${definition.summary} (${definition.paper})` : definition.summary;

/** A schema for editors: without our own keywords, with plug-ins by reference, and only options without a default are required. */
export function plain(schema: Schema): Schema {
  const kind = schema[pluginKeyword];
  if (typeof kind === 'string') {
    const fallback = schema[fallbackKeyword];
    return {
      ...(schema.description && {description: schema.description}),
      ...(fallback !== undefined && {default: fallback}),
      // Beside a $ref draft-07 ignores everything; editors do not, and strict validators take allOf.
      allOf: [{$ref: `#/definitions/${kind}`}],
    };
  }
  const result: {[keyword: string]: unknown} = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword.startsWith('x-')) continue;
    result[keyword] = plainKeyword(keyword, value);
  }
  if (Array.isArray(result['required'])) {
    // TypeBox also requires options with a default.
    result['required'] = (schema.required ?? []).filter((name) => {
      const option = schema.properties?.[name];
      return option?.default === undefined && option?.[fallbackKeyword] === undefined;
    });
  }
  return result;
}

function plainKeyword(keyword: string, value: unknown): unknown {
  if (keyword === 'properties' || keyword === 'patternProperties')
    return Object.fromEntries(
      Object.entries(value as {[name: string]: Schema}).flatMap(([name, inner]) => {
        const word = wordOf(name, inner);
        const older = {...plain(inner), description: `The older name of "${word}".`, deprecated: true};
        return [[word, plain(inner)], ...(word === name ? [] : [[name, older]])];
      }),
    );
  if (keyword === 'anyOf' || keyword === 'oneOf' || keyword === 'allOf') return (value as Schema[]).map(plain);
  if (keyword === 'items' && typeof value === 'object' && !Array.isArray(value)) return plain(value as Schema);
  return value;
}
