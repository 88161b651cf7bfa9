/** The states of files and folders from which a stage is computed. */
import {basename, dirname} from 'node:path';
import {stateOf} from '../../core/base/files.ts';
import type {StageNode} from '../stages/stage.ts';

/**
 * The folders of a stage's sources: those that are part of a source's name, and the one above them. `train/good/1.png` has three. If
 * the name of a file differs from its path (`photos/1.png` is named `train/good/1.png`), only the folders up to the difference count.
 */
export function foldersOf({sources}: Pick<StageNode, 'sources'>): readonly string[] {
  const found = new Set<string>();
  for (const {name, path} of sources) {
    const parts = name.split('/');
    if (parts.length === 1) continue;
    let [place, folder] = [path, dirname(path)];
    found.add(folder);
    for (const part of parts.toReversed()) {
      if (part !== basename(place)) break;
      found.add(folder);
      [place, folder] = [folder, dirname(folder)];
    }
  }
  return [...found];
}

/** The state of a file or a folder; undefined if it is not there. */
export function stateIfThere(path: string): string | undefined {
  try {
    return stateOf(path).state;
  } catch {
    return undefined;
  }
}
