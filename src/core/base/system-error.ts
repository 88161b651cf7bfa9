/** Errors of the operating system, in words: where, what is wrong, what to do. The one door that all of them leave by. */
import {existsSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {codeOf} from './files.ts';

/** An error that its message explains whole: where it was thrown is of no use to anybody. */
export class ExpectedError extends Error {}

export interface SystemProblem {
  /** A sentence without its full stop. */
  readonly message: string;
  readonly hint: string;
}

const otherFolder = 'Check its owner and permissions, or use another folder (--runs for results, --data for datasets).';
const space = 'Free some space; "pipeline cache prune" helps. What is finished stays cached.';

const problems: {readonly [code: string]: (where: string) => SystemProblem} = {
  EACCES: (where) => ({message: `${where} may not be used by you`, hint: otherFolder}),
  EPERM: (where) => ({message: `${where} may not be used by you`, hint: otherFolder}),
  EROFS: (where) => ({message: `${where} is on a read-only file system`, hint: otherFolder}),
  ENOSPC: () => ({message: 'the disk is full', hint: space}),
  EDQUOT: () => ({message: 'the disk quota is used up', hint: space}),
  EMFILE: () => ({message: 'too many files are open at once', hint: 'Raise the limit: ulimit -n 4096.'}),
  ENFILE: () => ({message: 'too many files are open on this machine', hint: 'End other programs, or raise its limit.'}),
  ENOTDIR: (where) => ({
    message: `${where} is to be in a folder, but a file lies in its place`,
    hint: 'Move that file.',
  }),
  EEXIST: (where) => ({message: `something lies already at ${where}`, hint: 'Move it, or give another place.'}),
  EISDIR: (where) => ({message: `${where} is a folder, but a file is wanted`, hint: 'Move it, or give another place.'}),
  ENXIO: (where) => ({
    message: `${where} is a named pipe, a device or a socket, but a file is wanted`,
    hint: 'Move it, or give another place.',
  }),
  ENOENT: (where) => ({message: `${where} is not there`, hint: 'Make it, or give another place.'}),
  ENAMETOOLONG: (where) => ({message: `the name of ${where} is too long`, hint: 'Use shorter names.'}),
  ELOOP: (where) => ({message: `${where} is a link that leads to itself`, hint: 'Remove it.'}),
  EFBIG: (where) => ({
    message: `${where} may not grow any more (ulimit -f)`,
    hint: 'Raise the limit: ulimit -f unlimited.',
  }),
  EIO: (where) => ({message: `${where} can't be read or written: the disk reports a fault`, hint: 'Check the disk.'}),
};

/** Undefined for any other error. */
export function systemProblem(error: unknown): SystemProblem | undefined {
  const {path, dest} = (error ?? {}) as {readonly path?: unknown; readonly dest?: unknown};
  const where = typeof dest === 'string' ? dest : typeof path === 'string' ? path : 'a file';
  const code = codeOf(error) ?? '';
  if (code === 'ENOENT' && where.startsWith(tmpdir()) && !existsSync(tmpdir()))
    return {message: `${tmpdir()}, the folder for temporary files, is not there`, hint: 'Make it, or set TMPDIR.'};
  return Object.hasOwn(problems, code) ? problems[code]!(where) : undefined;
}
