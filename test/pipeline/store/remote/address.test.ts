import {expect, test} from 'vitest';
import {parseStore} from '../../../../src/pipeline/store/remote/address.ts';

const parsed = (text: string): unknown => {
  const found = parseStore(text);
  return found.ok ? found.value : found.failures[0]!.message;
};

test('buckets and folders, read-only or not', () => {
  expect(parsed('s3://team/a/b/')).toEqual({
    kind: 's3',
    bucket: 'team',
    prefix: 'a/b',
    readOnly: false,
    name: 's3://team/a/b',
  });
  expect(parsed('s3://team:ro')).toEqual({kind: 's3', bucket: 'team', prefix: '', readOnly: true, name: 's3://team'});
  expect(parsed('file:///mnt/team/:ro')).toEqual({
    kind: 'folder',
    folder: '/mnt/team',
    readOnly: true,
    name: 'file:///mnt/team',
  });
  expect(parsed('file:///mnt/our%20team')).toMatchObject({folder: '/mnt/our team', name: 'file:///mnt/our team'});
});

test('what is no address is refused, and a secret is not repeated', () => {
  const said = ['s3://KEY:hush@team/a', 'http://user:hush@host/a', 's3://team?secret=hush', 'https://host/hush'].map(
    parsed,
  );
  expect(said).toEqual([
    'the address of a store has no user and no password',
    'the address of a store has no user and no password',
    'the address of a store has no "?" and no "#"',
    '"https://…" is not the address of a store',
  ]);
  expect(parsed('team')).toBe('"team" is not the address of a store');
  expect(parsed('s3://Team_1')).toBe('"Team_1" is not the name of a bucket');
  expect(parsed('file://host/mnt')).toBe('"file://host/mnt" is not the address of a folder of this machine');
});

test('an ending or a prefix that would silently mean another store is refused', () => {
  for (const ending of [':RO', ':rw', ':ro/', ':ro:ro'])
    expect(parsed(`s3://team/a${ending}`)).toMatch(/^the address of a store can't end in ":/);
  expect(parsed('file:///mnt/team:RO')).toBe('the address of a store can\'t end in ":RO"');
  for (const prefix of ['../p', 'a/./p', '..'])
    expect(parsed(`s3://team/${prefix}`)).toBe('the address of a bucket has no "." and no ".." between its slashes');
});
