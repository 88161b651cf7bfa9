/** A spec's file → its text, parsed; or why it cannot be read, and which file was probably meant. */
import {readdir, readFile, stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {fail, type Result} from '../../core/base/result.ts';
import {bytes, nearest} from '../../core/base/text.ts';
import type {Problem} from '../failures.ts';
import {parseSource, type Source} from './parse.ts';
import {lineEnd} from './syntax.ts';

/** Specs are written by hand: a larger file was named by mistake. */
const maxBytes = 1_000_000;

export async function readSource(file: string): Promise<Result<Source, Problem>> {
  try {
    const info = await stat(file);
    if (info.isDirectory()) return fail(await isDirectory(file));
    if (!info.isFile())
      return fail({message: `${file} is not a file`, hint: 'Give the path of a pipeline file (YAML).'});
    if (info.size > maxBytes)
      return fail({
        message: `${file} has ${bytes(info.size)}; a pipeline file has at most ${bytes(maxBytes)}`,
        hint: 'Is it the right file? Pipeline files are short YAML files, such as pipelines/quickstart.yaml.',
      });
    const content = await readFile(file);
    try {
      return parseSource(new TextDecoder('utf-8', {fatal: true}).decode(content), file);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return fail(notUtf8(content, file));
    }
  } catch (error) {
    return fail(await cannotRead(file, error as NodeJS.ErrnoException));
  }
}

function notUtf8(bytes: Buffer, file: string): Problem {
  const hint = 'Save the file as UTF-8.';
  const text = bytes.toString('utf8');
  const offset = text.indexOf('\uFFFD');
  if (offset < 0 || text.includes('\0')) return {message: `${file} is not UTF-8 text`, hint};
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const whole = text.slice(lineStart, lineEnd(text, offset)).replace(/\r$/, '');
  const line = before.split('\n').length;
  const range = {line, column: offset - lineStart + 1, length: 1, text: whole};
  return {message: 'this character is not UTF-8', file, range, hint};
}

async function isDirectory(file: string): Promise<Problem> {
  const specs = await specsIn(file);
  const hint =
    specs.length > 0
      ? `It contains ${specs
          .slice(0, 8)
          .map((name) => join(file, name))
          .join(', ')}.`
      : 'It contains no *.yaml file.';
  return {message: `expected a pipeline file, but ${file} is a folder`, hint};
}

async function cannotRead(file: string, error: NodeJS.ErrnoException): Promise<Problem> {
  if (error.code === 'EACCES')
    return {message: `${file} cannot be read (permission denied)`, hint: 'Check its permissions.'};
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')
    return {message: `${file} cannot be read: ${error.code ?? error.message}`};
  const folder = dirname(file);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    return {message: `there is no file ${file}`, hint: `There is no folder ${folder}.`};
  const specs = await specsIn(folder);
  const meant = nearest(basename(file), specs) ?? nearest(`${basename(file)}.yaml`, specs);
  const hint = meant
    ? `Did you mean ${join(folder, meant)}?`
    : specs.length > 0
      ? `${folder === '.' ? 'This folder' : folder} contains ${specs.slice(0, 12).join(', ')}.`
      : undefined;
  return {message: `there is no file ${file}`, ...(hint && {hint})};
}

async function specsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /\.ya?ml$/.test(name)).sort();
}
