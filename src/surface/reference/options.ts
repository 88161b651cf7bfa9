/** The table of a schema's options: those of a mapping follow it with their whole path, as `--set` and `matrix` take it. */
import {describeOption, type Schema} from '../../core/plugin/describe.ts';
import {fallbackKeyword} from '../../core/plugin/registry.ts';
import {wordOf} from '../../core/plugin/words.ts';
import {code, table} from './markdown.ts';

export const optionTable = (noun: string, schema: Schema): string =>
  table([noun, 'value', 'meaning'], rowsOf(schema, ''));

const rowsOf = (schema: Schema, before: string): readonly (readonly string[])[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const word = wordOf(name, option);
    const path = `${before}${word}`;
    const meaning = [
      option.description,
      isRequired(schema, name, option) && 'Required.',
      word !== name && `The older name ${code(name)} works too.`,
    ]
      .filter(Boolean)
      .join(' ');
    const inner = option.type === 'object' && option.properties ? rowsOf(option, `${path}.`) : [];
    return [[code(path), describeOption(option), meaning], ...inner];
  });

const isRequired = (schema: Schema, name: string, option: Schema): boolean =>
  (schema.required ?? []).includes(name) && option.default === undefined && option[fallbackKeyword] === undefined;
