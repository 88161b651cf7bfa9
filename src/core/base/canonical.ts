import {createHash} from 'node:crypto';

/** SHA-256, 64 lower-case hexadecimal digits. */
export type Digest = string & {readonly brand: 'Digest'};

export type Json = null | boolean | number | string | readonly Json[] | {readonly [key: string]: Json | undefined};

/**
 * One text for one value: keys sorted by code unit (never by locale), no white space, undefined fields left out. Throws for values
 * that JSON would silently change: NaN, infinities, functions, dates.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON has no ${value}`);
    return JSON.stringify(value); // -0 becomes 0, which is intended
  }
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object' && isPlain(value)) {
    const object = value as {readonly [key: string]: Json | undefined};
    let text = '';
    for (const key of Object.keys(object).sort()) {
      const item = object[key];
      if (item !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(item)}`;
    }
    return `{${text}}`;
  }
  throw new TypeError(`canonical JSON has no ${Object.prototype.toString.call(value)}`);
}

const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

export const sha256 = (bytes: string | Uint8Array): Digest =>
  createHash('sha256').update(bytes).digest('hex') as Digest;

export const digestOf = (value: Json): Digest => sha256(canonicalJson(value));
