/** The spec of one configuration of a search: the spec of the search with its values in their places. */
import {fail, type Result, succeed} from '../../core/base/result.ts';
import type {Problem} from '../failures.ts';
import type {Point} from '../search/space.ts';
import {lay, type Overlay} from './overlay.ts';
import type {Setting} from './overrides.ts';
import {parseSource, yamlText} from './parse.ts';
import type {SpecWords} from './words.ts';

interface Chosen {
  readonly name: string;
  /** With which the search was run. */
  readonly settings: readonly Setting[];
  readonly point: Point;
  readonly seeds: readonly number[];
}

/** `source`: the text of the spec with the search. Comments are lost. */
export function chosenSpec(
  source: string,
  {name, settings, point, seeds}: Chosen,
  words: SpecWords,
): Result<string, Problem> {
  const read = parseSource(source, 'pipeline.yaml');
  if (!read.ok) return read;
  const {search: _, ...rest} = read.value.value as {readonly [key: string]: unknown};
  let overlay: Overlay = {value: rest, laid: []};
  const values = Object.entries({...point, seeds, name}).map(([path, value]) => ({path: path.split('.'), value}));
  for (const {path, value} of [...settings.filter((one) => one.path[0] !== 'search'), ...values]) {
    const result = lay(overlay, path, value, {option: path.join('.')}, words);
    if (!result.ok) return fail({message: result.message});
    overlay = result.overlay;
  }
  return succeed(yamlText(overlay.value));
}
