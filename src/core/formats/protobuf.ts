/** Protocol buffers' wire format. The only importer of @bufbuild/protobuf. */
import {createRequire} from 'node:module';

type Wire = typeof import('@bufbuild/protobuf/wire');
let loaded: Wire | undefined;
/** Loaded with the first message: networks can be written as ONNX, but most commands never do so. */
const wire = (): Wire => {
  loaded ??= createRequire(import.meta.url)('@bufbuild/protobuf/wire') as Wire;
  return loaded;
};

/** A field of a message: an integer, a text, bytes or an inner message, or a 32-bit float. */
export type Field = readonly [number: number, value: number | string | Uint8Array | {readonly float: number}];

export function encode(fields: readonly Field[]): Uint8Array {
  const {BinaryWriter, WireType} = wire();
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int64(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else if (value instanceof Uint8Array) writer.tag(number, WireType.LengthDelimited).bytes(value);
    else writer.tag(number, WireType.Bit32).float(value.float);
  }
  return writer.finish();
}

/** A field as it stands in a message. */
export interface Piece {
  readonly number: number;
  /** Of an integer, its number; of what has a length, its bytes; of others, undefined. */
  readonly value: number | Uint8Array | undefined;
  /** The field with its tag, to be copied. */
  readonly raw: Uint8Array;
}

export function decode(message: Uint8Array): readonly Piece[] {
  const {BinaryReader, WireType} = wire();
  const reader = new BinaryReader(message);
  const pieces: Piece[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    let value: Piece['value'];
    if (type === WireType.Varint) value = Number(reader.int64());
    else if (type === WireType.LengthDelimited) value = reader.bytes();
    else reader.skip(type);
    pieces.push({number, value, raw: message.subarray(start, reader.pos)});
  }
  return pieces;
}
