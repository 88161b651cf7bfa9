/** What stages in the cache took: how long a run may take is guessed from it before the run has stages of its own. */
import type {EngineInfo} from '../../core/engine/contract.ts';
import type {StageKey} from '../plan/fingerprint.ts';
import type {Manifest} from '../stages/stage.ts';
import {entryFolder, fingerprintsIn, readManifest} from '../store/cache/entry.ts';
import {isFields} from '../store/runs/shape.ts';
import {imagesOf, type Timed} from './pace.ts';

export interface Past extends Timed {
  /** What computed its tensors; absent: it has none. */
  readonly engine?: Pick<EngineInfo, 'name' | 'device'>;
}

/** Manifests that are read at most: some of each kind are enough. */
const most = 2000;

/** `root`: the cache's folder. What can't be read is left out. */
export async function pastIn(root: string): Promise<readonly Past[]> {
  const manifests: Manifest[] = [];
  try {
    for await (const fingerprint of fingerprintsIn(root)) {
      const manifest = readManifest(entryFolder(root, fingerprint), fingerprint);
      if (manifest && !('reason' in manifest)) manifests.push(manifest);
      if (manifests.length === most) break;
    }
  } catch {
    // There is no cache yet, or it can't be listed: then less is known.
  }
  // Content of a split → its file's name, and the summary of its `data` stage.
  const splits = new Map(
    manifests
      .filter(({kind}) => kind === 'data')
      .flatMap(({files, summary}) => Object.entries(files).map(([file, {sha256}]) => [sha256, {file, summary}])),
  );
  return manifests.flatMap(({key, provenance}): readonly Past[] => {
    const {kind, recipe, inputs} = key as unknown as StageKey;
    const {seconds, engine} = isFields(provenance) ? (provenance as Partial<Past>) : {};
    if (typeof seconds !== 'number') return [];
    const split = splits.get(inputs['images']!);
    const images = split && imagesOf({kind, recipe}, split.file, split.summary);
    return [{kind, recipe, seconds, ...(images !== undefined && {images}), ...(engine && {engine})}];
  });
}
