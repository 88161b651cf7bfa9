/**
 * Builders of JSON Schema with TypeBox's own types: `Static<typeof schema>` is what TypeBox infers, and the value is the
 * plain schema that ajv validates. TypeBox itself loads 700 modules (0.2 to 0.4 s at every start, more than all the rest of
 * `pipeline validate`) to make these few literals, so only its types are used.
 */
import type TypeBox from 'typebox';

type Schema = object;
type Options = {readonly [keyword: string]: unknown};

const optional = Symbol('optional');
const isOptional = (schema: Schema): boolean => optional in schema;

const builders = {
  Array: (items: Schema, options?: Options) => ({type: 'array', items, ...options}),
  Boolean: (options?: Options) => ({type: 'boolean', ...options}),
  Integer: (options?: Options) => ({type: 'integer', ...options}),
  Literal: (value: string | number | boolean, options?: Options) => ({type: typeof value, const: value, ...options}),
  Number: (options?: Options) => ({type: 'number', ...options}),
  Object: (properties: {readonly [name: string]: Schema}, options?: Options) => {
    const required = Object.keys(properties).filter((name) => !isOptional(properties[name]!));
    return {type: 'object', ...(required.length > 0 ? {required} : {}), properties, ...options};
  },
  // The mark is a symbol: neither ajv nor JSON see it.
  Optional: (schema: Schema) => ({...schema, [optional]: true}),
  Record: (_key: Schema, value: Schema, options?: Options) => ({
    type: 'object',
    patternProperties: {'^.*$': value},
    ...options,
  }),
  String: (options?: Options) => ({type: 'string', ...options}),
  Union: (anyOf: readonly Schema[], options?: Options) => ({anyOf, ...options}),
  Unknown: (options?: Options) => ({...options}),
  Unsafe: (schema: Schema) => ({...schema}),
};

export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>;
export type {Static, TObject} from 'typebox';
