/** Where the files of a published dataset are: in a folder of the user's, of the system's, or at its publisher. */

import {existsSync} from 'node:fs';
import {basename, join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice, clippedList} from '../../../core/base/text.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../../core/contracts/dataset.ts';
import {fetchFile, type RemoteFile} from './fetch.ts';

export interface Publication {
  /** Folder of the dataset below a data folder. */
  readonly folder: string;
  readonly files: readonly RemoteFile[];
  /** What does in place of `files`, each list for itself: paths of what unpacking an archive leaves, best first. */
  readonly unpacked?: readonly (readonly string[])[];
  /** Folders in which the system's packages leave it. */
  readonly system: readonly string[];
  /** Prefixes of the addresses that have all files, best first. */
  readonly urls: readonly string[];
  /** How to get it by hand, but for putting the files in place: completes "…, or put the files into X". */
  readonly remedy: string;
}

/**
 * Looks in `<folder>/<dataset>` and `<folder>` of each of the roots, then where the system has it; the first that has
 * every file is taken. Else fetches what is missing, if that is allowed.
 */
export async function locateFiles(
  roots: DataRoots,
  {folder, files, unpacked = [], system, urls, remedy}: Publication,
): Promise<Result<readonly SourceFile[], DatasetProblem>> {
  const places = [...new Set([...roots.folders.flatMap((root) => [join(root, folder), root]), ...system])];
  const own = roots.fetchInto ?? roots.folders[0];
  const destination = own === undefined ? undefined : join(own, folder);
  const published = files.map(({name}) => name);
  const forms = [...unpacked, published];
  const all = (place: string, form: readonly string[]): readonly SourceFile[] =>
    form.map((path) => ({name: basename(path), path: join(place, path)}));
  const missing = (place: string, form: readonly string[]): readonly string[] =>
    form.filter((path) => !existsSync(join(place, path)));

  for (const place of places)
    for (const form of forms) if (missing(place, form).length === 0) return succeed(all(place, form));

  const bare = unpacked.at(-1);
  const instead = bare === undefined ? '' : ` (or, unpacked, ${clippedList(bare, 2)})`;
  const looked = `not found: looked for ${published.join(', ')}${instead} in ${choice(places)}`;
  const hint = destination === undefined ? remedy : `${remedy}, or put the files into ${destination}`;
  const rest = places
    .flatMap((place) => {
      const partly = forms.map((form) => missing(place, form)).find((lack, i) => lack.length < forms[i]!.length);
      return partly ? [`; ${place} lacks ${partly.join(', ')}`] : [];
    })
    .join('');
  if (roots.fetchInto === undefined || destination === undefined) return fail({message: looked + rest, hint});
  for (const file of files) {
    if (existsSync(join(destination, file.name))) continue;
    const fetched = await fetchFile({file, urls, folder: destination, report: (message) => roots.report?.(message)});
    if (!fetched.ok) return fail({message: `${looked}${rest}; fetching failed: ${fetched.failures.join('; ')}`, hint});
  }
  return succeed(all(destination, published));
}
