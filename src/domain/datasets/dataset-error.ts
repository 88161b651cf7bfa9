import {codeOf} from '../../core/base/files.ts';
import {ExpectedError} from '../../core/base/system-error.ts';

/** A file of a dataset can't be used. The message says which file, what was expected, what came and what to do. */
export class DatasetError extends ExpectedError {
  override readonly name = 'DatasetError';
  readonly path: string;

  constructor(path: string, expected: string, came: string, remedy: string) {
    super(`${path}: expected ${expected}, but ${came}. ${remedy}`);
    this.path = path;
  }
}

/** What is wrong with several files, a line each. `more`: there may be others that are wrong. */
export const together = (errors: readonly DatasetError[], more: boolean): ExpectedError =>
  errors.length === 1
    ? errors[0]!
    : new ExpectedError(
        `${errors.length} files cannot be used${more ? ', and others may not' : ''}:\n${errors.map(({message}) => `   ${message}`).join('\n')}`,
      );

/** A clause about a file that was read, made from an error of the file system or of gunzip; undefined for any other error. */
export function whatCame(error: unknown): string | undefined {
  const code = codeOf(error);
  if (code === 'Z_BUF_ERROR') return 'the file is incomplete';
  if (code?.startsWith('Z_')) return `it cannot be unpacked (${(error as Error).message})`;
  if (code === 'ENOENT') return 'there is no such file';
  return code && /^E[A-Z]+$/.test(code) ? `it cannot be read (${code})` : undefined;
}
