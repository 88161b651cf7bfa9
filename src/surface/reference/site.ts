/** `docs/reference/site.md`: the keys of site files, from the shape that checks them. */
import type {Schema} from '../../core/plugin/describe.ts';
import {resourcesShape, siteShape} from '../../pipeline/config/site.ts';
import {stageKinds} from '../../pipeline/stages/index.ts';
import {code, page} from './markdown.ts';
import {optionTable} from './options.ts';

export function sitePage(): string {
  return page(
    '# Site files',
    'A site file says how a cluster is used by `pipeline run --executor slurm`. It is the file of `--site` or of `PIPELINE_SITE`; ' +
      'otherwise `site.yaml` beside the spec, or in the folder of runs. The [guide](../guides/cluster.md) has examples. ' +
      '`schemas/site.schema.json` is the same as JSON Schema, for editors.',
    '## Keys',
    optionTable('key', siteShape as unknown as Schema),
    '## Keys of resources',
    `What the jobs of one kind of stage ask for. Kinds are ${['default', ...stageKinds].map(code).join(', ')}.`,
    optionTable('key', resourcesShape as unknown as Schema),
  );
}
