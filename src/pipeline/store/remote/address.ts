/** What `--store` names. Never a secret: who may use a bucket is found by the SDK's own chain (environment, profiles, roles). */
import {isAbsolute} from 'node:path';
import {fileURLToPath} from 'node:url';
import {fail, type Result, succeed} from '../../../core/base/result.ts';
import type {Problem} from '../../failures.ts';

export type StoreAddress = {
  /** As people write it, without `:ro`. */
  readonly name: string;
  /** Nothing is written to it. */
  readonly readOnly: boolean;
} & (
  | {readonly kind: 's3'; readonly bucket: string; readonly prefix: string}
  | {readonly kind: 'folder'; readonly folder: string}
);

const forms = 'Write s3://bucket/prefix, or file:///a/folder; with :ro at the end, nothing is written to it.';

export function parseStore(text: string): Result<StoreAddress, Problem> {
  const readOnly = text.endsWith(':ro');
  const name = readOnly ? text.slice(0, -':ro'.length) : text;
  const [, scheme, rest = ''] = /^([a-z][a-z\d]*):\/\/(.*)$/i.exec(name) ?? [];
  const refused = (message: string, hint = forms) => fail<Problem>({message, hint});
  // Not repeated: it may be a password.
  if (/^[^/]*@/.test(rest))
    return refused(
      'the address of a store has no user and no password',
      'Give them where the SDK of AWS finds them, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile.',
    );
  if (/[?#]/.test(rest)) return refused('the address of a store has no "?" and no "#"');
  // A store that was meant to be read would be written to, at another prefix.
  const [, ending] = /(:(?:ro|rw|r|w))\/*$/i.exec(name) ?? [];
  if (ending !== undefined) return refused(`the address of a store can't end in "${ending}"`);
  if (scheme === 's3') {
    const [bucket = '', ...parts] = rest.split('/');
    if (parts.some((part) => part === '.' || part === '..'))
      return refused('the address of a bucket has no "." and no ".." between its slashes');
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return refused(`"${bucket}" is not the name of a bucket`);
    const prefix = parts.filter((part) => part !== '').join('/');
    return succeed({
      kind: 's3',
      bucket,
      prefix,
      readOnly,
      name: `s3://${[bucket, prefix].join('/').replace(/\/$/, '')}`,
    });
  }
  if (scheme === 'file') {
    let folder: string;
    try {
      folder = fileURLToPath(name).replace(/(?<=.)\/+$/, '');
    } catch {
      return refused(`"${name}" is not the address of a folder of this machine`);
    }
    return isAbsolute(folder) ? succeed({kind: 'folder', folder, readOnly, name: `file://${folder}`}) : refused(forms);
  }
  return refused(`"${scheme === undefined ? name : `${scheme}://…`}" is not the address of a store`);
}
