/** Made-up stages for what is known of jobs without a scheduler. */
import type {Digest} from '../../../src/core/base/canonical.ts';
import {type Load, loadOf} from '../../../src/pipeline/cluster/flight.ts';
import {linksOf, type Unit, unitOf} from '../../../src/pipeline/cluster/units.ts';
import type {StageNode} from '../../../src/pipeline/stages/stage.ts';

/** `learn:a < data, other` is a stage `learn:a` of kind `learn` that reads two others; `!` behind it: its data are missing. */
export function stagesOf(...lines: readonly string[]): readonly StageNode[] {
  return lines.map((line) => {
    const [name, from = ''] = line.split(' < ');
    const id = name!.replace('!', '');
    const kind = id.split(':')[0]!;
    return {
      id,
      kind,
      label: id,
      recipe: {},
      inputs: Object.fromEntries(
        from
          .split(', ')
          .filter(Boolean)
          .map((stage, i) => [`input ${i}`, {stage, file: 'out'}]),
      ),
      sources: [],
      ...(name!.endsWith('!') && {absent: {message: 'no data', hint: 'get them'}}),
      lane: ['data', 'evaluate'].includes(kind) ? 'cpu' : 'accelerator',
      tasks: [],
    };
  });
}

export const digest = (text: string): Digest => text as Digest;

export const made = (...ids: readonly string[]): ReadonlyMap<string, Digest> =>
  new Map(ids.map((id) => [id, digest(`digest of ${id}`)]));

/** A unit of one stage. */
export const unit = (name: string): Unit => {
  const [root] = stagesOf(name);
  return unitOf(root!, linksOf([root!]), new Map(), () => false);
};

export const load = (name: string, changes: Partial<Load> = {}): Load => ({...loadOf(unit(name)), ...changes});
