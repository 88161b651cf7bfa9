/** Finds the files of a published dataset in the user's folders, in the system's, or at the publisher. */

import {existsSync} from 'node:fs';
import {basename, join} from 'node:path';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import {choice, clippedList} from '../../../core/base/text.ts';
import type {DataRoots, DatasetProblem, SourceFile} from '../../../core/contracts/dataset.ts';
import {fetchFile, type RemoteFile} from './fetch.ts';

export interface Publication {
  /** Name of the dataset's folder below a data folder. */
  readonly folder: string;
  readonly files: readonly RemoteFile[];
  /** Lists of unpacked files, best first. The files of one list can be used instead of `files`. */
  readonly unpacked?: readonly (readonly string[])[];
  /** Folders where packages of the operating system install it. */
  readonly system: readonly string[];
  /** Prefixes of addresses, best first; each has all files. */
  readonly urls: readonly string[];
  /** How to get it by hand, as a clause that ", or put the files into X" can follow. */
  readonly remedy: string;
}

/**
 * Looks in `<root>/<folder>` and `<root>` for each of the roots, then in `system`, and takes the first place that has every file.
 * Otherwise fetches what is missing, if that is permitted.
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
