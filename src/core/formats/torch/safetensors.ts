/**
 * safetensors files: the length of a header, the header (JSON: the place of each tensor), then the tensors' bytes. Only float32 is
 * read.
 */
import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import type {NamedArrays} from '../../contracts/data.ts';

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the end of the header on, the second not among them. */
  readonly data_offsets: readonly [number, number];
}

/** Of the specification: larger headers are refused. */
const longestHeader = 100_000_000;
const lengthBytes = 8;

/** Names of the tensors in a file. Throws an `Error` that says what is wrong with it. */
export const tensorsIn = (path: string): readonly string[] => opened(path, (_, {entries}) => [...entries.keys()]);

/** The float32 tensors of those names; a name that the file lacks is left out. Throws as `tensorsIn` does. */
export function readTensors(path: string, names: Iterable<string>): NamedArrays {
  return opened(path, (file, {entries, start}) => {
    const found = new Map<string, {readonly shape: readonly number[]; readonly data: Float32Array}>();
    for (const name of names) {
      const entry = entries.get(name);
      if (!entry) continue;
      const {dtype, shape, data_offsets} = entry;
      if (dtype !== 'F32') throw new Error(`"${name}" is ${dtype}, not float32`);
      const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
      const [from, to] = data_offsets;
      if (to - from !== data.byteLength || readSync(file, data, 0, data.byteLength, start + from) < data.byteLength)
        throw new Error(`"${name}" is incomplete`);
      found.set(name, {shape, data}); // little-endian, as every machine that Node runs on
    }
    return found;
  });
}

interface Header {
  readonly entries: ReadonlyMap<string, Entry>;
  /** Where the tensors' bytes begin. */
  readonly start: number;
}

function opened<T>(path: string, use: (file: number, header: Header) => T): T {
  const file = openSync(path, 'r');
  try {
    return use(file, headerOf(file));
  } finally {
    closeSync(file);
  }
}

function headerOf(file: number): Header {
  const length = Buffer.alloc(lengthBytes);
  const size = readSync(file, length, 0, lengthBytes, 0) === lengthBytes ? Number(length.readBigUInt64LE()) : Infinity;
  if (size > Math.min(longestHeader, fstatSync(file).size - lengthBytes)) throw new Error('it has no header');
  const text = Buffer.alloc(size);
  readSync(file, text, 0, size, lengthBytes);
  let header: {readonly [name: string]: Entry};
  try {
    header = JSON.parse(text.toString('utf8'));
  } catch {
    throw new Error('its header is not JSON');
  }
  const entries = new Map(Object.entries(header).filter(([name]) => name !== '__metadata__'));
  return {entries, start: lengthBytes + size};
}
