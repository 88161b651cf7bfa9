import {mkdirSync, mkdtempSync, openSync, readdirSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test, vi} from 'vitest';
import {systemProblem} from '../../../src/core/base/system-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'system-'));

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return expect.unreachable();
}

test('what the system says becomes a place and a way out', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(systemProblem(caught(() => openSync(folder, 'w')))?.message).toBe(
    `${folder} is a folder, but a file is wanted`,
  );
  expect(systemProblem(caught(() => mkdirSync(join(file, 'x'))))?.message).toContain('a file lies in its place');
  expect(systemProblem(caught(() => readdirSync('/nowhere')))).toEqual({
    message: '/nowhere is not there',
    hint: 'Make it, or give another place.',
  });
  // In the folder for temporary files, but that is not what is missing.
  expect(systemProblem(caught(() => mkdtempSync(join(tmpdir(), 'gone', 'x'))))?.hint).not.toContain('TMPDIR');
  vi.stubEnv('TMPDIR', join(folder, 'gone'));
  expect(systemProblem(caught(() => mkdtempSync(join(tmpdir(), 'x'))))?.hint).toContain('TMPDIR');
  vi.unstubAllEnvs();
  for (const code of ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'EIO']) {
    const raw = Object.assign(new Error(`${code}: raw`), {code, path: '/data/x'});
    expect(systemProblem(raw)?.message).not.toContain(code);
    expect(systemProblem(raw)?.hint).toMatch(/\.$/);
  }
});

test('any other error is not one of the system', () => {
  expect(systemProblem(new Error('no code'))).toBeUndefined();
  expect(systemProblem(Object.assign(new Error('x'), {code: 'toString'}))).toBeUndefined();
});
