/** `docs/reference/spec.md`: the keys of spec and suite files, from the shapes that check them. */
import type {Schema} from '../../core/plugin/describe.ts';
import {datasetShape, fileShape, specShape, suiteShape} from '../../pipeline/config/schema.ts';
import {validationShape} from '../../pipeline/config/validation.ts';
import {page} from './markdown.ts';
import {optionTable} from './options.ts';

export function specPage(): string {
  const spec = specShape as unknown as Schema;
  const file = fileShape as unknown as Schema;
  const merged: Schema = {...spec, properties: {...spec.properties, ...file.properties}};
  return page(
    '# Spec files',
    'A spec is a YAML file that describes one experiment. A suite is a YAML file that lists specs. `pipeline validate` checks both, ' +
      'and `schemas/pipeline.schema.json` is the same as JSON Schema, for editors.',
    'A plug-in is written as its name (`kde`) or as a mapping with its name under `type` and its options beside it ' +
      '(`{ type: kde, normalise: false }`). A transform may also be written as `crop: { min_side: 0.5 }`. ' +
      'The pages on [datasets](datasets.md), [transforms](transforms.md), [networks](networks.md), [learners](learners.md), ' +
      '[classifiers](classifiers.md) and [metrics](metrics.md) list the options.',
    '## Keys of a spec',
    optionTable('key', merged),
    '## Keys of a dataset',
    "These stand beside a dataset's own options.",
    optionTable('key', datasetShape as unknown as Schema),
    '## Keys of a validation',
    '[Validation](../explanation/validation.md) explains them. `validation: synthetic` is `validation: { type: synthetic }`.',
    optionTable('key', validationShape as unknown as Schema),
    '## Keys of a suite',
    optionTable('key', suiteShape as unknown as Schema),
  );
}
