/** Why the results database can't be written, although it is not damaged. */
import {codeOf} from '../../../core/base/files.ts';

/** Its message is a clause, such as `the disk is full`. */
export class Obstacle extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

const obstacles: {readonly [code: string]: string} = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'you may not write to it or to its folder',
  EPERM: 'you may not write to it or to its folder',
  EROFS: 'its file system is read-only',
  ENOTDIR: 'its folder is not a folder',
  EEXIST: 'its folder is not a folder',
};

/** DuckDB's errors have no code, so they are recognised by their text. */
const texts: {readonly [text: string]: string} = {
  'No space left on device': 'ENOSPC',
  'Disk quota exceeded': 'EDQUOT',
  'Permission denied': 'EACCES',
  'Read-only file system': 'EROFS',
};

export function obstacleOf(error: unknown): Obstacle | undefined {
  if (error instanceof Obstacle) return error;
  const {message} = error as Error;
  const text = Object.keys(texts).find((one) => message.includes(one));
  const clause = obstacles[codeOf(error) ?? texts[text ?? ''] ?? ''];
  return clause === undefined ? undefined : new Obstacle(clause);
}
