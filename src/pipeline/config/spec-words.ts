/** Finds the options of these plug-ins that have two names. */
import {type Schema, schemaOf} from '../../core/plugin/describe.ts';
import type {Plugins} from '../../core/plugin/registry.ts';
import {wordsIn} from '../../core/plugin/words.ts';
import {datasetShape} from './schema.ts';
import type {SpecWords} from './words.ts';

export function specWords(plugins: Plugins): SpecWords {
  const of = (part: string, schema: Schema) =>
    [...wordsIn(schema)].map(([word, name]) => [`${part}.${word}`, `${part}.${name}`] as const);
  return new Map([
    ...of('dataset', datasetShape as unknown as Schema),
    ...plugins
      .definitions()
      .filter(({kind}) => kind === 'dataset' || kind === 'learner')
      .flatMap((definition) => of(definition.kind, schemaOf(definition))),
  ]);
}
