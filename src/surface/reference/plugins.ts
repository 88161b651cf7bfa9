/** A page a kind of plug-in: summary, source, options and an example of each, from the definitions. */
import type {Kind} from '../../core/contracts/definition.ts';
import {schemaOf} from '../../core/plugin/describe.ts';
import type {AnyDefinition, Plugins} from '../../core/plugin/registry.ts';
import {needsFiles, specWith} from './examples.ts';
import {code, fenced, page, prose} from './markdown.ts';
import {optionTable} from './options.ts';

const introductions: {readonly [K in Kind]: string} = {
  dataset:
    'A dataset gives training images of one normal class, and test images of all classes. `pipeline data ls` prints which are here and how to get the others.',
  transform:
    'Transforms change images at random. They stand in the lists `augment`, `distribution_augmentation` and `map_copies`, and in `transforms` of `validation`.',
  network: 'A network is the option `network` of a learner.',
  learner: 'A learner trains an encoder on the normal training images: the first stage.',
  classifier:
    'A classifier is fitted on the features of the normal training images and scores the test images: the second stage. A higher score is more anomalous.',
  metric:
    'A metric judges scores, heat maps or features. Rates are in [0, 1] in files and in the database, and are printed × 100. ' +
    '† marks metrics that use test labels beyond evaluation.',
};

export function pluginPage(plugins: Plugins, kind: Kind): string {
  const definitions = plugins.definitions().filter((definition) => definition.kind === kind);
  return page(`# ${kind[0]!.toUpperCase()}${kind.slice(1)}s`, introductions[kind], ...definitions.flatMap(sections));
}

const sections = (definition: AnyDefinition): readonly string[] => [
  `## ${definition.name}`,
  prose(`${definition.summary}${properties(definition)}`),
  definition.paper ? prose(`Source: ${definition.paper}.`) : '',
  optionTable('option', schemaOf(definition)),
  `${needsFiles(definition) ? 'Example (its files must be there):' : 'Example:'}`,
  fenced('yaml', specWith(definition)),
];

/** What its kind says of a plug-in beside its options. */
function properties(definition: AnyDefinition): string {
  if (definition.kind === 'learner')
    return ` Layers: ${definition.layers.map(code).join(', ')}; the first is the default.`;
  if (definition.kind !== 'metric') return '';
  const better = 'better' in definition ? ` ${definition.better === 'higher' ? 'Higher' : 'Lower'} is better.` : '';
  return `${better}${definition.testLabels ? ` † It uses the test labels: ${definition.testLabels}.` : ''}`;
}
