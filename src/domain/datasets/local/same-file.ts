/** One file under two names, by a link, is one image: as one of training and of test, or of two classes, it makes numbers wrong. */
import {statSync} from 'node:fs';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {DatasetProblem, SourceFile} from '../../../core/contracts/dataset.ts';

/** `meaning`: of a file, such as `train, good`. Fails if one file has two. Files that are not there are left to who reads them. */
export function withOneMeaning<T extends SourceFile>(
  files: readonly T[],
  meaning: (file: T) => string,
): Result<readonly T[], DatasetProblem> {
  const seen = new Map<string, T>();
  for (const file of files) {
    const found = statSync(file.path, {bigint: true, throwIfNoEntry: false});
    if (!found?.ino) continue; // some file systems do not tell
    const identity = `${found.dev} ${found.ino}`;
    const other = seen.get(identity);
    if (other !== undefined && meaning(other) !== meaning(file))
      return fail({
        message: `${file.path} (${meaning(file)}) is the same file as ${other.path} (${meaning(other)})`,
        hint: 'Remove one of the two: an image is of training or of test, and of one class.',
      });
    seen.set(identity, file);
  }
  return succeed(files);
}
