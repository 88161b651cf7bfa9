/**
 * Options whose name in specs differs from that in records and cache keys. The property of the schema has the recorded name; specs
 * may use both names.
 */
import type {Schema} from './describe.ts';

/** JSON Schema keyword of such an option: its word in specs. */
export const wordKeyword = 'x-word';

/** How specs call the option. */
export const wordOf = (name: string, option: Schema | undefined): string => {
  const word = option?.[wordKeyword];
  return typeof word === 'string' ? word : name;
};

/** Word → recorded name, of the options that have both. */
export const wordsIn = ({properties = {}}: Schema): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(properties)
      .map(([name, option]) => [wordOf(name, option), name] as const)
      .filter(([word, name]) => word !== name),
  );

/** The schema's properties by the words that specs have for them. */
export const byWord = ({properties = {}}: Schema): {readonly [word: string]: Schema} =>
  Object.fromEntries(Object.entries(properties).map(([name, option]) => [wordOf(name, option), option]));

export interface Spelled {
  /** Under recorded names. */
  readonly value: unknown;
  /** Recorded name → the word that was written. */
  readonly written: ReadonlyMap<string, string>;
  /** Options that were written with both names; the value is that of the word. */
  readonly twice: readonly {readonly word: string; readonly name: string}[];
}

/** The value, with the options of a mapping under their recorded names. */
export function toRecordedNames(schema: Schema, value: unknown): Spelled {
  const written = new Map<string, string>();
  const twice: {word: string; name: string}[] = [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {value, written, twice};
  const spelled: {[name: string]: unknown} = {...value};
  for (const [word, name] of wordsIn(schema)) {
    if (!Object.hasOwn(spelled, word)) continue;
    if (Object.hasOwn(spelled, name)) twice.push({word, name});
    written.set(name, word);
    spelled[name] = spelled[word];
    delete spelled[word];
  }
  return {value: spelled, written, twice};
}
