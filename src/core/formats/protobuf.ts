/** Protocol buffers' wire format, for writing. The only importer of @bufbuild/protobuf. */
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
