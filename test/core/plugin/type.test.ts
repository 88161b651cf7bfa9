import TypeBox from 'typebox';
import {expect, test} from 'vitest';
import {Type} from '../../../src/core/plugin/type.ts';

/** One schema with everything in it that plug-ins use. */
const schemaBy = (type: typeof Type) =>
  type.Object(
    {
      number: type.Number({minimum: 0, default: 1, description: 'One.'}),
      integer: type.Optional(type.Integer({minimum: 1})),
      text: type.String({pattern: '^a'}),
      flag: type.Boolean({default: true}),
      choice: type.Union([type.Literal('auto'), type.Literal(2)], {default: 'auto'}),
      list: type.Array(type.Number(), {minItems: 1}),
      mapping: type.Record(type.String(), type.Array(type.Unknown())),
      plugin: type.Unsafe<{type: string}>({type: 'object', 'x-plugin': 'network'}),
      empty: type.Optional(type.Object({})),
    },
    {additionalProperties: false},
  );

test('makes the schemas that TypeBox makes', () => {
  expect(JSON.stringify(schemaBy(Type))).toBe(JSON.stringify(schemaBy(TypeBox)));
});
