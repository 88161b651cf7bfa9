import {mkdtempSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {LineSplitter, piece, readLines} from '../../../src/core/base/lines.ts';

const texts = (lines: Iterable<Buffer>): string[] => [...lines].map(String);

test('lines across pieces of every length, with characters of several bytes', () => {
  const bytes = Buffer.from('one\n\ntwé\nthree\nend');
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter();
    const found: string[] = [];
    for (let from = 0; from < bytes.length; from += size)
      found.push(...texts(splitter.push(bytes.subarray(from, from + size))));
    expect([...found, String(splitter.rest)]).toEqual(['one', 'twé', 'three', 'end']);
  }
});

test('a line that is too long is passed over, those around it are not', () => {
  const splitter = new LineSplitter();
  const x = Buffer.alloc(piece, 'x');
  const found = texts(splitter.push(Buffer.from('before\n')));
  for (let sent = 0; sent <= 64 * 1024 * 1024; sent += x.length) found.push(...texts(splitter.push(x)));
  found.push(...texts(splitter.push(Buffer.from('x\nafter\n'))));
  expect(found).toEqual(['before', 'after']);
});

test('a file: the last line needs no end', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'lines-')), 'file');
  writeFileSync(file, 'one\ntwo');
  expect([...readLines(file)].map(({line}) => String(line))).toEqual(['one', 'two']);
  writeFileSync(file, '');
  expect([...readLines(file)].map(({line}) => String(line))).toEqual([]);
});
